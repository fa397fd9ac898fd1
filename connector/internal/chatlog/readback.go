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

// # Reading a chat's part of the stream
//
// The server finds the next message of a wildcard by looking at every message of
// every chat, and it does so for all that ask one after the other. So a holder
// asks once which subjects the chat has messages of, and how many; both are
// indexed, and so is each of these subjects. The cost is that of what is read,
// whatever else is stored.

// ReadBack shows each every event and session message that stands in the
// stream for the chat behind what is counted, in its order, and brings sequence
// and counts up to it. The results between them may be many times as many and
// have no sequence: they are not read.
func (l *Log) ReadBack(ctx context.Context, each func(Published)) error {
	cursors, err := l.cursors(ctx)
	if err != nil {
		return err
	}
	for {
		for _, c := range cursors {
			if err := l.look(ctx, c); err != nil {
				return err
			}
		}
		first := earliest(cursors)
		if first == nil {
			return nil
		}
		l.take(first.head, each)
		first.head = nil
	}
}

// cursor goes through the messages of a subject.
type cursor struct {
	subject string
	next    uint64
	left    uint64      // not more are to be read
	head    *bus.Stored // the next one, if it has been read
}

// cursors are those of the chat's events and session messages. Nobody adds
// one behind a holder's back.
func (l *Log) cursors(ctx context.Context) (all []*cursor, err error) {
	stored, err := bus.Ask(ctx, l.log, "reading which events the chat has", func(ctx context.Context) (map[string]uint64, error) {
		return l.Events.CountBySubject(ctx, l.Naming.Prefix.ChatAll(l.chat.Token))
	})
	for subject, count := range stored {
		parsed, err := l.Naming.Prefix.Parse(subject)
		if err == nil && (parsed.Kind == subjects.KindEvent || parsed.Kind == subjects.KindSession) {
			all = append(all, &cursor{subject: subject, next: l.counts.Position + 1, left: count})
		}
	}
	return all, err
}

// earliest is the cursor whose head stands before the others', nil if none has one.
func earliest(cursors []*cursor) (first *cursor) {
	for _, c := range cursors {
		if c.head != nil && (first == nil || c.head.Sequence < first.head.Sequence) {
			first = c
		}
	}
	return first
}

// look reads the next message, if there is one.
func (l *Log) look(ctx context.Context, c *cursor) error {
	if c.head != nil || c.left == 0 {
		return nil
	}
	msg, err := bus.Ask(ctx, l.log, "reading a chat's events back", func(ctx context.Context) (*bus.Stored, error) {
		return l.Events.Next(ctx, c.next, c.subject)
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		c.left = 0
		return nil
	}
	if err == nil {
		c.head, c.next, c.left = msg, msg.Sequence+1, c.left-1
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
