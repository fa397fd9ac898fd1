package client

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// Following a chat from now on, without a hole. What has happened is told by two
// stores: the chat's entry in CC_CHATS, which is a summary up to some sequence,
// and the stream of events. The entry lags behind the stream and never leads it,
// and says at which place of the stream it stands. So who reads the entry first,
// and then the stream from the next place on, misses nothing and sees nothing twice.
//
// The place is a short cut and no more. What proves that nothing is missing is
// the attribute sequence: 1, 2, 3, … in each chat. Where it jumps (the place is
// one of an earlier stream that was lost since, or the chat was opened while the
// entries were being read) the chat is read from the stream's beginning, and told
// from where it jumped. What is not there either is a [*Hole].

// Step is what Follow gives: first the entry of a chat, then its messages.
type Step struct {
	Chat    *schema.Chat // the entry: what is known of the chat up to its Sequence
	Message *Message     // an event or a session message that follows
}

// Hole says that messages of a chat are missing: the stream's limits have taken
// them, or the stream was lost. It is told before the message that comes next.
type Hole struct {
	ChatID   string
	From, To uint64 // sequences of the first and the last one
}

func (h *Hole) Error() string {
	return fmt.Sprintf("client: %d messages of a chat are missing: the stream does not have %d to %d", h.To-h.From+1, h.From, h.To)
}

// FollowOption says how to follow.
type FollowOption func(*follower)

// FromConsumer reads the stream by a consumer that somebody has made for this
// program, which may make none itself, and acknowledges each message when the
// loop asks for the next one. The consumer goes on where it was: of what it gives,
// that which the entries have is passed over, and so are results; what it gave
// before, and the entries do not have yet, is a [*Hole]. It is to be Follow's alone.
func FromConsumer(consumer jetstream.Consumer) FollowOption {
	return func(f *follower) { f.own, f.source = nil, &pulled{consumer: consumer} }
}

// FromPushConsumer is FromConsumer for one that pushes, as that which
// "cc-connector streams --reader NAME --make" makes.
func FromPushConsumer(consumer jetstream.PushConsumer) FollowOption {
	return func(f *follower) { f.own, f.source = nil, &pushed{consumer: consumer} }
}

// Follow tells a chat's entry, if it has one yet, and then each event and session
// message that the entry does not have, once and in order, as they come:
//
//	for step, err := range c.Follow(ctx, chatID) {
//
// It goes on until the loop is left or the context ends, which is then the last
// error. Another error is not the end as long as the loop goes on: a [*Hole], or a
// payload that could not be read, with its message beside it. Once it has begun, a
// NATS that is away is waited for.
func (c *Client) Follow(ctx context.Context, chatID string, options ...FollowOption) iter.Seq2[Step, error] {
	chat, err := subjects.EscapeChat(chatID)
	if err != nil {
		return failing(&schema.FieldError{Field: "chatID", Problem: err.Error()})
	}
	return c.follow(ctx, chat, options)
}

// FollowAll is [Client.Follow] for every chat: at first the entries of all of
// them, closed ones too, then all their messages. It remembers a number for each
// chat that it has told of, some hundred bytes, for a chat may be attached again
// after its end: who follows millions of chats leaves the loop now and then, and
// begins anew.
func (c *Client) FollowAll(ctx context.Context, options ...FollowOption) iter.Seq2[Step, error] {
	return c.follow(ctx, "", options)
}

func failing(err error) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) { yield(Step{}, err) }
}

func (c *Client) follow(ctx context.Context, chat subjects.ChatToken, options []FollowOption) iter.Seq2[Step, error] {
	return func(yield func(Step, error) bool) {
		f := &follower{client: c, chat: chat, next: map[subjects.ChatToken]uint64{}, tell: yield}
		own := &ownConsumer{client: c, filters: c.sequenced(chat)}
		f.source, f.own = own, own
		for _, option := range options {
			option(f)
		}
		defer f.source.stop()
		if err := f.run(ctx); !errors.Is(err, errLeft) {
			yield(Step{}, err)
		}
	}
}

// sequenced are the subjects of what has a sequence; of all chats: "".
func (c *Client) sequenced(chat subjects.ChatToken) []string {
	if chat == "" {
		chat = "*"
	}
	return []string{c.cfg.Prefix.Event(chat, "*"), c.cfg.Prefix.Session(chat, "*")}
}

// errLeft says that the loop was left.
var errLeft = errors.New("client: the loop was left")

// follower is one loop over a chat, or all of them.
type follower struct {
	client *Client
	chat   subjects.ChatToken            // "" for all
	next   map[subjects.ChatToken]uint64 // the sequence that each known chat's next message has; it may be attached again
	source source
	own    *ownConsumer // the source; nil: another one was given, and the program may make none
	whole  bool         // the stream is read from its beginning: of a chat that is known, there is no more in it
	tell   func(Step, error) bool
}

func (f *follower) give(s Step, err error) error {
	if !f.tell(s, err) {
		return errLeft
	}
	return nil
}

func (f *follower) run(ctx context.Context) error {
	if err := f.begin(ctx); err != nil {
		return err
	}
	for {
		msg, err := f.source.next(ctx)
		if err != nil {
			return err
		}
		if err := f.take(ctx, msg); err != nil {
			return err
		}
		if f.own == nil {
			_ = msg.Ack() // what is not acknowledged comes again, and is passed over
		}
	}
}

// take tells a message, and before it what is missing.
func (f *follower) take(ctx context.Context, msg jetstream.Msg) error {
	m, err := Decode(msg)
	if m == nil {
		return f.give(Step{}, err)
	}
	chat, unfit := subjects.ParseChatToken(m.Event.Subject())
	if unfit != nil || m.Sequence == 0 || f.chat != "" && f.chat != chat {
		return nil // a result, or another chat's
	}
	_, known := f.next[chat]
	if f.isForgotten(m, known) {
		return nil
	}
	if !known && m.Sequence > 1 {
		if err := f.introduce(ctx, chat); err != nil {
			return err
		}
	}
	if read := f.whole && known; m.Sequence > f.due(chat) && !read {
		if err := f.mend(ctx, chat, m.Sequence, m.Position); err != nil {
			return err
		}
	}
	return f.pass(ctx, chat, m)
}

// due is the sequence that comes next.
func (f *follower) due(chat subjects.ChatToken) uint64 { return max(1, f.next[chat]) }

// pass tells a message whose turn it is; what was told is passed over.
func (f *follower) pass(ctx context.Context, chat subjects.ChatToken, m *Message) (err error) {
	if m.Sequence < f.due(chat) {
		return nil
	}
	if m.Sequence > f.due(chat) {
		if err := f.give(Step{}, &Hole{m.ChatID, f.due(chat), m.Sequence - 1}); err != nil {
			return err
		}
	}
	f.next[chat] = m.Sequence + 1
	if m.Payload == nil {
		m, err = f.client.complete(ctx, m)
	}
	return f.give(Step{Message: m}, err)
}
