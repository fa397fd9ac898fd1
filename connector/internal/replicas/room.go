package replicas

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/singleflight"

	"cc-connector/connector/internal/bus"
)

// # Room
//
// A chat for which no replica has a place would be open and followed by nobody.
// So whoever is to open one first takes a place for it. The places are those of
// all replicas that are alive; the stream of session tokens is the truth of how
// many of them are needed, whoever holds the tokens or does not yet.
//
// The stream is asked for each opening, once at a time, and what this replica
// opens meanwhile is counted. What others open at the same moment is not: a
// burst over several replicas may find a few places more than there are. Those
// chats wait for a place, which is told, and nothing of them is lost.

// ErrFull says that no replica has a place for another chat.
var ErrFull = errors.New("no replica has a place for another chat")

// Census is who is alive, and how many chats there are to be polled.
type Census struct {
	Alive map[ID]Replica
	Chats int
}

// Places are how many chats can be polled.
func (c Census) Places() (places int) {
	for _, r := range c.Alive {
		places += r.MaxChats
	}
	return places
}

// Waiting are how many chats nobody can poll.
func (c Census) Waiting() int { return max(0, c.Chats-c.Places()) }

const (
	aliveFor      = time.Second            // is known who is alive, if records are not renewed sooner
	fullFor       = 100 * time.Millisecond // is known that there is no place
	censusTimeout = 2 * time.Second
)

// Room is what the replicas have for further chats. It may be used from any goroutine.
type Room struct {
	registry *Registry
	tokens   jetstream.Stream
	self     func() Replica // what this one says of itself now

	flight     singleflight.Group
	alive      map[ID]Replica // of the flight alone
	aliveSince time.Time      // and when that was asked for

	mu        sync.Mutex
	last      Census
	doubted   bool // whether it knows all that are alive
	fullSince time.Time
	opening   int // chats that are being opened here
	opened    int // and that have been since last, whatever became of it
}

// NewRoom counts the chats by the stream of session tokens.
func NewRoom(registry *Registry, tokens jetstream.Stream, self func() Replica) *Room {
	return &Room{registry: registry, tokens: tokens, self: self}
}

// Take takes a place for a chat that is to be opened, until leave is called; it
// is ErrFull if there is none.
func (r *Room) Take(ctx context.Context) (leave func(), err error) {
	if r.wasFull() {
		return nil, ErrFull
	}
	for range 2 { // what is known of the others may be old, and what was just opened here count twice
		if _, err := r.Census(ctx); err != nil {
			return nil, err
		}
		if r.enter() {
			return r.leave, nil
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fullSince = time.Now()
	return nil, ErrFull
}

// wasFull tells whether there was no place a moment ago.
func (r *Room) wasFull() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Since(r.fullSince) < fullFor
}

// enter takes a place. If there is none, who is alive is to be asked again.
func (r *Room) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doubted = r.last.Chats+r.opening+r.opened >= r.last.Places()
	if !r.doubted {
		r.opening++
	}
	return !r.doubted
}

// leave counts the chat as opened until it is asked again how many there are.
func (r *Room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opening--
	r.opened++
}

// Census asks who is alive, and how many chats there are to be polled.
func (r *Room) Census(ctx context.Context) (Census, error) {
	asked := r.flight.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), censusTimeout)
		defer cancel()
		return r.ask(ctx)
	})
	select {
	case answer := <-asked:
		return answer.Val.(Census), answer.Err
	case <-ctx.Done():
		return Census{}, ctx.Err()
	}
}

func (r *Room) ask(ctx context.Context) (c Census, err error) {
	r.mu.Lock()
	opened, doubted := r.opened, r.doubted
	r.mu.Unlock()
	if err := r.askAlive(ctx, doubted); err != nil {
		return Census{}, err
	}
	c.Alive = maps.Clone(r.alive)
	c.Alive[r.registry.self] = r.self()
	tokens, err := r.tokens.Info(ctx)
	if err != nil {
		return Census{}, bus.Explain(r.tokens.CachedInfo().Config.Name, err)
	}
	c.Chats = int(tokens.State.Msgs)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = c
	r.opened -= opened // they are among the tokens
	return c, nil
}

// askAlive asks who is alive, if what is known of that is old, or in doubt.
func (r *Room) askAlive(ctx context.Context, doubted bool) error {
	now := time.Now()
	if !doubted && now.Sub(r.aliveSince) < min(aliveFor, r.registry.Every()) {
		return nil
	}
	alive, err := r.registry.Alive(ctx)
	if err == nil {
		r.alive, r.aliveSince = alive, now
	}
	return err
}

// Waiting are how many chats nobody could poll when it was asked last.
func (r *Room) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last.Waiting()
}
