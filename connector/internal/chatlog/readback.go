package chatlog

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Published is an event or session message of the chat as it stands in the stream.
type Published struct {
	Subject  subjects.Subject
	Sequence uint64
	Opening  chats.OpeningID // of a session message
	Origin   translate.Origin
	Complete time.Time // up to when nothing was missing; zero if that was not said
	Message  *bus.Stored
}

// ReadBack shows each every event and session message that stands in the
// stream for the chat behind what is counted, in its order, and brings sequence
// and counts up to it. The results between them may be many times as many and
// have no sequence: they are not read.
func (l *Log) ReadBack(ctx context.Context, each func(Published)) error {
	events := &cursor{subject: l.Naming.Prefix.Event(l.chat.Token, "*"), next: l.counts.Position + 1}
	sessions := &cursor{subject: l.Naming.Prefix.Session(l.chat.Token, "*"), next: l.counts.Position + 1}
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
	head    *bus.Stored // the next one, if it has been read
	atEnd   bool
}

// look reads the next message. Nobody adds one behind a holder's back.
func (l *Log) look(ctx context.Context, c *cursor) error {
	if c.head != nil || c.atEnd {
		return nil
	}
	msg, err := bus.Ask(ctx, l.log, "reading a chat's events back", func(ctx context.Context) (*bus.Stored, error) {
		return l.Events.Next(ctx, c.next, c.subject)
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
func (l *Log) take(msg *bus.Stored, each func(Published)) {
	sequence, err := strconv.ParseUint(msg.Header.Get(headerSequence), 10, 64)
	if err != nil {
		return
	}
	l.counts.Sequence = max(l.counts.Sequence, sequence)
	l.count(mark{msg.Sequence, msg.Time})
	origin := translate.Origin(msg.Header.Get(headerOrigin))
	if event, isOne := likenessOf(msg); isOne {
		l.saw(event, origin)
	}
	subject, err := l.Naming.Prefix.Parse(msg.Subject)
	if err != nil {
		return
	}
	complete, _ := time.Parse(time.RFC3339Nano, msg.Header.Get(headerComplete))
	each(Published{
		Subject: subject, Sequence: sequence, Origin: origin, Complete: complete, Message: msg,
		Opening: chats.OpeningID(msg.Header.Get(headerOpening)),
	})
}

// likenessOf is that of a published event.
func likenessOf(msg *bus.Stored) (event translate.Likeness, isOne bool) {
	event.Fingerprint = translate.Fingerprint(msg.Header.Get(headerFingerprint))
	if event.Fingerprint == "" {
		return event, false
	}
	if identity, ok := translate.ParseIdentity(msg.Header.Get(headerIdentity)); ok {
		event.Identity = identity
	} else { // of an earlier version
		event.Identity = identityIn(msg, event.Fingerprint)
	}
	return event, true
}

// identityIn is that of the wire event that stands in a message, if it stands
// there just as it came.
func identityIn(msg *bus.Stored, f translate.Fingerprint) translate.Identity {
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		return ""
	}
	event, err := schema.DecodeEvent(ce)
	if err != nil {
		return ""
	}
	if found := translate.LikenessOf(brightpattern.ParseEvent(wholeRaw(event))); found.Fingerprint == f {
		return found.Identity
	}
	return ""
}

// wholeRaw is the wire event, also if it was nested too deep for a message,
// which then holds its text.
func wholeRaw(event schema.Event) json.RawMessage {
	raw := event.Header().Raw
	var text string
	if json.Unmarshal(raw, &text) == nil && brightpattern.ShapeOf([]byte(text)).Depth > schema.MaxNesting {
		return json.RawMessage(text)
	}
	return raw
}

// OpeningOf is the opening that a session message in the stream belongs to.
func OpeningOf(msg *bus.Stored) chats.OpeningID {
	return chats.OpeningID(msg.Header.Get(headerOpening))
}
