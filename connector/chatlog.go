package connector

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/subjects"
)

// # Order and fence
//
// One replica at a time writes a chat's events and session messages: the
// holder of its session token. Acknowledgements fence nothing, so a replica
// that was frozen may wake up believing that it still is the holder. What
// stops it is the stream itself. A new holder first publishes a fence on a
// subject of the chat's own and remembers its sequence F. Everything that it
// publishes for the chat carries the expectation that F is still the last
// fence. When another holder has put up a fence since, the server refuses,
// and the old holder lets go.
//
// The fence stands on a subject beside the events because the server looks
// at an expectation before it looks for a duplicate id: a repeat of a stored
// event must answer "duplicate", which is success, and not "wrong sequence".
//
// Only after its fence stands does a holder read what is published, so
// nothing can be added behind its back; from it, sequence and the counts of
// look-alikes go on.

// Headers that the connector needs when it reads its own messages back. They
// stand beside the CloudEvent and are no part of it.
const (
	headerSequence = "Cc-Sequence"
	headerLikeness = "Cc-Likeness"
	headerOrigin   = "Cc-Origin"
	headerOpening  = "Cc-Opening"
	headerComplete = "Cc-Complete" // up to when nothing was missing as the message was published
)

// chatKey is a chat's id with its form as a NATS token.
type chatKey struct {
	id    brightpattern.ChatID
	token subjects.ChatToken
}

func keyOf(id brightpattern.ChatID) (chatKey, error) {
	token, err := subjects.EscapeChat(id)
	return chatKey{id: id, token: token}, err
}

// fenceID tells a holder's fence from those of all others, also when the
// stream has been made anew and counts from 1.
type fenceID string

// chatLog is one chat's part of the stream of events, as its holder writes it.
type chatLog struct {
	*publisher
	names     naming
	events    jetstream.Stream
	rehearsal rehearsal
	chat      chatKey
	source    string
	fence     mark
	self      fenceID // this holder's
	replaced  fenceID // the one that stood before
	sequence  uint64
	seen      map[likeness]int
	untaken   map[likeness]int // of these, those that the history told of before a poll did
	position  uint64           // in the stream, of the last message that is counted

	complete  time.Time // see headerComplete
	uncounted int       // messages that no checkpoint has yet
	oldest    mark      // the first of them
}

func (l *chatLog) fenceSubject() string {
	return l.names.prefix.Internal("events", "fence", string(l.chat.token))
}

// raiseFence shuts out every earlier holder.
func (l *chatLog) raiseFence(ctx context.Context) error {
	ack, err := persist(ctx, l.log, "raising the fence of a chat", func(try context.Context) (*jetstream.PubAck, error) {
		last, whose, err := l.lastFence(try)
		if err != nil {
			return nil, err
		}
		if whose != l.self { // an earlier try of this one may have stood all the same
			l.replaced = whose
		}
		ack, err := l.js.PublishMsg(try, l.newFence(), jetstream.WithExpectLastSequencePerSubject(last), jetstream.WithRetryAttempts(0))
		err = l.note(ctx, err)
		if isWrongSequence(err) { // somebody else's came between: look again
			return nil, errors.New("the fence moved")
		}
		return ack, err
	})
	if err == nil {
		l.fence = mark{ack.Sequence, time.Now()}
	}
	return err
}

// renewFence puts the fence up anew, if it still is this holder's.
func (l *chatLog) renewFence(ctx context.Context) error {
	ack, err := l.store(ctx, l.newFence(), "fence:"+uuid.NewString(), jetstream.WithExpectLastSequencePerSubject(l.fence.position))
	if err == nil {
		l.fence = mark{ack.Sequence, time.Now()}
	}
	return err
}

func (l *chatLog) newFence() *nats.Msg {
	return &nats.Msg{Subject: l.fenceSubject(), Data: []byte(l.self)}
}

// lastFence is where the fence stands, 0 if nowhere, and whose it is.
func (l *chatLog) lastFence(ctx context.Context) (uint64, fenceID, error) {
	last, err := l.events.GetLastMsgForSubject(ctx, l.fenceSubject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	return last.Sequence, fenceID(last.Data), nil
}

// published is a message of the chat as it stands in the stream.
type published struct {
	subject  subjects.Subject
	sequence uint64
	opening  string
	msg      *jetstream.RawStreamMsg
}

func (l *chatLog) saw(like likeness, origin origin) {
	if !l.rehearsal.without[safeCounting] {
		l.seen[like]++
	}
	if origin == originHistory {
		l.untaken[like]++
	}
}

// alreadyTold tells whether an event that is given away now was published
// before, out of the history: a history also lists what no poll has taken yet.
func (l *chatLog) alreadyTold(like likeness) bool {
	if l.untaken[like] == 0 {
		return false
	}
	if l.untaken[like]--; l.untaken[like] == 0 {
		delete(l.untaken, like)
	}
	return true
}

// count notes a message that the next checkpoint will have.
func (l *chatLog) count(m mark) {
	l.position = m.position
	if l.uncounted == 0 {
		l.oldest = m
	}
	l.uncounted++
}

// readBack shows each every event and session message that stands in the
// stream for the chat behind the checkpoint, in its order, and brings sequence
// and counts up to it. The results between them may be many times as many and
// have no sequence: they are not read.
func (l *chatLog) readBack(ctx context.Context, each func(published)) error {
	events := &cursor{subject: l.names.prefix.Event(l.chat.token, "*"), next: l.position + 1}
	sessions := &cursor{subject: l.names.prefix.Session(l.chat.token, "*"), next: l.position + 1}
	for {
		for _, c := range []*cursor{events, sessions} {
			if err := l.look(ctx, c); err != nil {
				return err
			}
		}
		first := events
		if first.head == nil || sessions.head != nil && sessions.head.Sequence < first.head.Sequence {
			first = sessions
		}
		if first.head == nil {
			return nil
		}
		l.take(first.head, each)
		first.head = nil
	}
}

// cursor goes through the messages of some subjects.
type cursor struct {
	subject string
	next    uint64
	head    *jetstream.RawStreamMsg // the next one, if it has been read
	atEnd   bool
}

// look reads the next message. Nobody adds one behind a holder's back.
func (l *chatLog) look(ctx context.Context, c *cursor) error {
	if c.head != nil || c.atEnd {
		return nil
	}
	msg, err := persist(ctx, l.log, "reading a chat's events back", func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return l.events.GetMsg(ctx, c.next, jetstream.WithGetMsgSubject(c.subject))
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		c.atEnd = true
		return nil
	}
	if err == nil {
		c.head, c.next = msg, msg.Sequence+1
	}
	return err
}

// take counts one message.
func (l *chatLog) take(msg *jetstream.RawStreamMsg, each func(published)) {
	sequence, err := strconv.ParseUint(msg.Header.Get(headerSequence), 10, 64)
	if err != nil {
		return
	}
	l.sequence = max(l.sequence, sequence)
	l.count(mark{msg.Sequence, msg.Time})
	if like := likeness(msg.Header.Get(headerLikeness)); like != "" {
		l.saw(like, origin(msg.Header.Get(headerOrigin)))
	}
	if subject, err := l.names.prefix.Parse(msg.Subject); err == nil {
		each(published{subject: subject, sequence: sequence, opening: msg.Header.Get(headerOpening), msg: msg})
	}
}
