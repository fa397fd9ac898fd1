package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/inquiry"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Chats are the open chats, and who holds them.
type Chats struct {
	Version  int                  `json:"version"`
	Open     int                  `json:"open"`    // all of them
	Waiting  int                  `json:"waiting"` // that no replica holds, as far as all have answered
	Unknown  int                  `json:"unknown"` // of which that cannot be told: some replica has not answered
	Replicas schema.List[Replica] `json:"replicas"`
	Chats    schema.List[Chat]    `json:"chats"` // in the order of their ids
}

// Replica is one that is alive.
type Replica struct {
	ID       string `json:"replica"`
	Chats    int    `json:"chats"`    // that it holds; of one that has not answered, as it said last
	MaxChats int    `json:"maxChats"` // 0: it leaves
	Answered bool   `json:"answered"`
	Problem  string `json:"problem,omitempty"` // why it has not
}

// State is what is to be said of a chat before anything else.
type State string

// The states.
const (
	Held    State = "held"    // a replica polls it
	Waiting State = "waiting" // no replica holds it: it waits for a place, or is about to be taken
	Unknown State = "unknown" // one that has not answered may hold it, or nobody does
	Closed  State = "closed"  // it is polled no more
	Left    State = "left"    // its entry is that of an open chat, but nobody is to poll it: attach it again
)

// Chat is one of them. It tells of no client, and of nothing that was said.
type Chat struct {
	ChatID       string             `json:"chatId"`
	State        State              `json:"state"`
	Replica      string             `json:"replica,omitempty"` // that holds it
	App          string             `json:"app,omitempty"`     // the launch point's name
	Sequence     uint64             `json:"sequence"`          // of its last message; by its entry in CC_CHATS, which may lag, if nobody is known to hold it
	OpenedAt     *schema.Time       `json:"openedAt,omitempty"`
	ClosedAt     *schema.Time       `json:"closedAt,omitempty"`
	ClosedReason schema.CloseReason `json:"closedReason,omitempty"`
	PolledAgo    *float64           `json:"polledSecondsAgo,omitempty"` // since when no poll was answered; missing: none has been, or that is not known
	DueFor       float64            `json:"pollDueSeconds,omitempty"`   // a poll is due for so long
	Reconcile    string             `json:"reconcile,omitempty"`        // what is in doubt, by its holder's word
	Problem      string             `json:"problem,omitempty"`          // what of it in JetStream cannot be read

	token subjects.ChatToken
}

// readsAtOnce are as many as a server answers beside its work.
const readsAtOnce = 32

// Chats lists the open chats.
func (a *Admin) Chats(ctx context.Context) (Chats, error) {
	tokens, err := a.streams.Sessions.Subjects(ctx, a.cfg.Prefix.Internal("session", "*"))
	if err != nil {
		return Chats{}, bus.Explain(a.cfg.Prefix.StreamName("SESSIONS"), err)
	}
	var open []subjects.ChatToken
	for _, subject := range tokens {
		open = append(open, subjects.ChatToken(subject[strings.LastIndexByte(subject, '.')+1:]))
	}
	return a.chats(ctx, open, "")
}

// ErrUnknownChat says that the connector does not know the chat, or has forgotten it.
var ErrUnknownChat = errors.New("the connector does not know this chat, or has forgotten it")

// Chat is what there is to say of one chat, be it open or closed; ErrUnknownChat.
func (a *Admin) Chat(ctx context.Context, id string) (Chats, error) {
	token, err := subjects.EscapeChat(id)
	if err != nil {
		return Chats{}, err
	}
	found, err := a.chats(ctx, []subjects.ChatToken{token}, token)
	if err != nil || len(found.Chats) > 0 {
		return found, err
	}
	closed, isThere, err := a.entryOf(ctx, token)
	switch {
	case errors.Is(err, bus.ErrUnreadable):
		closed = Chat{token: token, ChatID: id, State: Unknown, Problem: badEntry}
	case err != nil:
		return Chats{}, err
	case !isThere:
		return Chats{}, ErrUnknownChat
	}
	found.Chats = schema.List[Chat]{closed}
	return found, nil
}

// chats puts together what JetStream and the replicas know; only is one chat alone.
func (a *Admin) chats(ctx context.Context, open []subjects.ChatToken, only subjects.ChatToken) (Chats, error) {
	listed := Chats{Version: Version}
	alive, err := a.registry.Alive(ctx)
	if err != nil {
		return listed, err
	}
	told, all := a.askAll(ctx, alive, only)
	listed.Replicas = all
	missing := Waiting
	if slices.ContainsFunc(all, func(r Replica) bool { return !r.Answered }) {
		missing = Unknown
	}
	for _, token := range open {
		if _, isHeld := told[token]; !isHeld {
			told[token] = Chat{token: token, State: missing}
		}
	}
	listed.Chats, err = a.complete(ctx, told)
	if err != nil {
		return listed, err
	}
	listed.count()
	return listed, nil
}

func (c *Chats) count() {
	c.Open = len(c.Chats)
	for _, chat := range c.Chats {
		switch chat.State {
		case Waiting:
			c.Waiting++
		case Unknown:
			c.Unknown++
		}
	}
}

// askAll asks all replicas at once. Of a chat that has just moved, whoever has been
// given the later message knows more.
func (a *Admin) askAll(ctx context.Context, alive map[replicas.ID]replicas.Replica, only subjects.ChatToken) (told map[subjects.ChatToken]Chat, all []Replica) {
	told = make(map[subjects.ChatToken]Chat)
	var mu sync.Mutex
	var asking sync.WaitGroup
	for id, record := range alive {
		asking.Go(func() {
			held, err := a.asker.Chats(ctx, id, only)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, replicaOf(id, record, held, only == "", err))
			for _, c := range held {
				if before, isThere := told[c.Chat]; !isThere || before.Sequence <= c.Sequence {
					told[c.Chat] = heldChat(id, c)
				}
			}
		})
	}
	asking.Wait()
	slices.SortFunc(all, func(a, b Replica) int { return strings.Compare(a.ID, b.ID) })
	return told, all
}

func replicaOf(id replicas.ID, record replicas.Replica, held []inquiry.Chat, isAll bool, err error) Replica {
	r := Replica{ID: string(id), Chats: record.Chats, MaxChats: record.MaxChats, Answered: err == nil}
	switch {
	case err != nil:
		r.Problem = err.Error()
	case isAll:
		r.Chats = len(held)
	}
	return r
}

func heldChat(id replicas.ID, c inquiry.Chat) Chat {
	chat := Chat{token: c.Chat, State: Held, Replica: string(id), App: c.App, Sequence: c.Sequence, DueFor: c.DueFor.Seconds(), Reconcile: c.Reconcile}
	if c.PolledAgo != nil {
		seconds := c.PolledAgo.Seconds()
		chat.PolledAgo = &seconds
	}
	if !c.OpenedAt.IsZero() {
		chat.OpenedAt = schema.NewTime(c.OpenedAt)
	}
	return chat
}

// complete reads from JetStream what no replica has told. A chat of which there is no
// token any more is not open, unless it is held.
func (a *Admin) complete(ctx context.Context, told map[subjects.ChatToken]Chat) (schema.List[Chat], error) {
	var mu sync.Mutex
	var all schema.List[Chat]
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(readsAtOnce)
	for _, chat := range told {
		reading.Go(func() error {
			isOpen, err := a.fill(ctx, &chat)
			if isOpen {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, chat)
			}
			return err
		})
	}
	err := reading.Wait()
	slices.SortFunc(all, func(a, b Chat) int { return cmp.Compare(a.ChatID, b.ChatID) })
	return all, err
}

// What is not JSON, or other JSON, may be of a later version's, or anybody's.
const (
	badToken = "its session token cannot be read"
	badEntry = "its entry in CC_CHATS cannot be read"
)

// fill reports whether the chat is open. That something of it cannot be read is said
// of that chat, and does not keep the others from being listed.
func (a *Admin) fill(ctx context.Context, chat *Chat) (isOpen bool, err error) {
	chat.ChatID = chat.token.ID()
	if chat.State == Held && chat.OpenedAt != nil {
		return true, nil
	}
	token, isThere, err := a.tokenOf(ctx, chat.token)
	switch {
	case errors.Is(err, bus.ErrUnreadable):
		chat.Problem = badToken
	case err != nil:
		return false, err
	case isThere:
		chat.App, chat.OpenedAt = token.App, schema.NewTime(token.OpenedAt)
	case chat.State != Held:
		return false, nil
	}
	if chat.State == Held {
		return true, nil
	}
	return true, a.fillEntry(ctx, chat)
}

func (a *Admin) fillEntry(ctx context.Context, chat *Chat) error {
	entry, _, err := a.entryOf(ctx, chat.token)
	if errors.Is(err, bus.ErrUnreadable) {
		chat.Problem = cmp.Or(chat.Problem, badEntry)
		return nil
	}
	chat.Sequence = entry.Sequence
	return err
}

// tokenOf is the chat's session token, if it has one.
func (a *Admin) tokenOf(ctx context.Context, chat subjects.ChatToken) (token chats.Token, isThere bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	msg, err := a.streams.Sessions.Last(ctx, a.cfg.Prefix.Internal("session", string(chat)))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return token, false, nil
	}
	if err != nil {
		return token, false, bus.Explain(a.cfg.Prefix.StreamName("SESSIONS"), err)
	}
	if err := json.Unmarshal(msg.Data, &token); err != nil {
		return token, true, fmt.Errorf("a session token: %w", bus.ErrUnreadable)
	}
	return token, true, nil
}

// entryOf is what the chat's entry in CC_CHATS tells, if there is one.
func (a *Admin) entryOf(ctx context.Context, chat subjects.ChatToken) (found Chat, isThere bool, err error) {
	entry, revision, err := bus.Load[schema.Chat](ctx, a.streams.Chats, string(chat))
	if err != nil || revision == 0 {
		return found, false, err
	}
	state := Closed
	if entry.ClosedAt == nil {
		state = Left
	}
	return Chat{
		token: chat, ChatID: chat.ID(), State: state, App: entry.App, Sequence: entry.Sequence,
		OpenedAt: &entry.OpenedAt, ClosedAt: entry.ClosedAt, ClosedReason: entry.ClosedReason,
	}, true, nil
}

// keyOf is the chat's id with its token.
func keyOf(id string) (chats.Key, error) { return chats.KeyOf(brightpattern.ChatID(id)) }
