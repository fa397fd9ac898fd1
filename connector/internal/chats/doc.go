// Package chats is where the two flows meet. A command opens a chat by
// publishing its session token, closes it by writing a close request down,
// hands the events of an answer to the chat's holder, and has it look for what
// may have come in an answer that was lost. The holder, who polls the chat,
// may be this replica or any other, and none at the moment.
//
// What is known of a chat is in JetStream: its entry (entry.go), which others
// read too, and of which a replica remembers what commands need (known.go); its
// session token (token.go), which the holder holds; the next message number
// (numbers.go); and the request to close it (closing.go). Its client is nobody
// else's business: see package clients, and client.go.
package chats

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/replicas"
	"cc-connector/subjects"
)

// Key is a chat's id with its form as a NATS token. The zero Key is no chat.
type Key struct {
	ID    brightpattern.ChatID
	Token subjects.ChatToken
}

// KeyOf is an error for an id that has no token: an empty one.
func KeyOf(id brightpattern.ChatID) (Key, error) {
	token, err := subjects.EscapeChat(id)
	return Key{ID: id, Token: token}, err
}

// App is a launch point under the name that commands select it by.
type App struct {
	Name string
	ID   brightpattern.AppID
}

// Config is what chats depend on.
type Config struct {
	Prefix      subjects.Prefix
	CallTimeout time.Duration // of a call to the contact center, and of what a command waits for here
}

// Needs are what chats work with.
type Needs struct {
	NATS       *nats.Conn
	JetStream  jetstream.JetStream
	Client     *brightpattern.Client
	Clients    *clients.Clients
	Streams    *bus.Streams
	Outbox     *outbox.Outbox
	Self       replicas.ID
	Life       *drain.Lifetime
	Guard      *intake.Guard
	Failpoints failpoint.Plan
	Log        *slog.Logger
}

// Chats may be used from any goroutine.
type Chats struct {
	Needs
	cfg       Config
	numbers   *numbers
	memory    *memory
	tellers   drain.Gate // of losses, which leaving waits for
	answering atomic.Bool

	mu     sync.Mutex
	losses map[outbox.Entry]*loss // see losses.go
}

// New works on the streams of a connector.
func New(n Needs, cfg Config) *Chats {
	c := &Chats{Needs: n, cfg: cfg, memory: newMemory(), losses: make(map[outbox.Entry]*loss)}
	c.numbers = newNumbers(n.Streams.State, n.Streams.Keeps, c.memory.forget, n.Failpoints)
	return c
}

// Drain returns when the holders of all chats know of the losses here, or are
// not told any more: see outbox.
func (c *Chats) Drain() { c.tellers.Close() }
