package chatlog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/tracing"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Headers that the connector needs when it reads its own messages back. They
// stand beside the CloudEvent and are no part of it.
const (
	headerSequence    = "Cc-Sequence"
	headerFingerprint = "Cc-Likeness"
	headerIdentity    = "Cc-Identity"
	headerOrigin      = "Cc-Origin"
	headerOpening     = "Cc-Opening"
	headerComplete    = "Cc-Complete" // up to when nothing was missing as the message was published
)

// AppendEvent publishes an event of the contact center as the chat's next
// message. Complete is up to when nothing is missing.
func (l *Log) AppendEvent(ctx context.Context, wire translate.ServerEvent, origin translate.Origin, read, complete time.Time) error {
	err := l.append(ctx, l.eventMessage(wire, origin, read, complete))
	if err == nil {
		l.saw(wire.Likeness, origin)
	}
	return err
}

func (l *Log) eventMessage(wire translate.ServerEvent, origin translate.Origin, read, complete time.Time) message {
	ordinal := l.memory.Seen(wire.Fingerprint) + 1
	name := wire.Data.Name()
	e := translate.NewCloudEvent(translate.EventID(l.chat.ID, wire.Fingerprint, ordinal), l.source, schema.EventType(name),
		schema.EventDataSchema(l.Naming.SchemaBase, name), l.chat.Token)
	if !wire.Time.IsZero() {
		e.SetTime(wire.Time)
	}
	e.SetExtension(schema.AttrRecordedTime, schema.NewTime(read).String())
	e.SetExtension(schema.AttrOrigin, string(origin))
	return message{
		event: e, data: wire.Data, carriesTrace: true, id: "event:" + e.ID(), complete: complete,
		subject: l.Naming.Prefix.Event(l.chat.Token, subjects.EventName(name)),
		header: nats.Header{
			headerFingerprint: {string(wire.Fingerprint)}, headerIdentity: {wire.Identity.String()}, headerOrigin: {string(origin)},
		},
	}
}

// AppendSession publishes what the connector did with the chat as its next message.
func (l *Log) AppendSession(ctx context.Context, token chats.Token, payload schema.Session, complete time.Time) error {
	name := payload.SessionName()
	e := translate.NewCloudEvent(translate.SessionID(l.chat.ID, l.counts.Sequence+1), l.source, schema.SessionType(name),
		schema.DataSchema(l.Naming.SchemaBase, "session", name), l.chat.Token)
	e.SetTime(time.Now().UTC())
	if name == string(subjects.Opened) {
		translate.SetIfAny(&e, schema.AttrCorrelationID, token.Correlation)
		translate.SetIfAny(&e, schema.AttrCausationID, token.Causation)
	}
	return l.append(ctx, message{
		event: e, data: payload, id: "session:" + e.ID(), complete: complete,
		subject: l.Naming.Prefix.Session(l.chat.Token, subjects.SessionName(name)),
		header:  nats.Header{headerOpening: {string(token.Opening)}},
	})
}

// message is one that is to be appended.
type message struct {
	event    event.Event
	data     any
	id       string
	subject  string
	header   nats.Header
	complete time.Time

	carriesTrace bool // whoever reads it can go on with the trace
}

// append publishes a message under the fence, with the chat's next sequence.
func (l *Log) append(ctx context.Context, m message) error {
	ctx, span := l.Traces.Publish(ctx, m.subject)
	err := l.store(ctx, m)
	span.Published(err)
	return err
}

func (l *Log) store(ctx context.Context, m message) error {
	next := l.counts.Sequence + 1
	if err := m.complement(ctx, next); err != nil {
		return err
	}
	msg, err := l.Publisher.Message(ctx, m.event)
	if err != nil {
		return err
	}
	msg.Subject = m.subject
	msg.Header[headerSequence] = []string{strconv.FormatUint(next, 10)}
	msg.Header[headerComplete] = []string{m.complete.UTC().Format(time.RFC3339Nano)}
	for key, values := range m.header {
		msg.Header[key] = values
	}
	// Once the stream may have forgotten the id, a repeat could be stored twice:
	// the next holder reads back and knows.
	ctx, cancel := context.WithTimeout(ctx, l.Publisher.Patience())
	defer cancel()
	ack, err := l.Publisher.Store(ctx, msg, m.id, l.underFence()...)
	l.doubtful = l.doubtful || err != nil && !bus.IsUnfit(err)
	if err == nil {
		l.counts.Sequence = next
		l.burst += int64(msg.Size())
		l.count(mark{ack.Sequence, time.Now()})
	}
	return err
}

// complement puts sequence, trace and data into the CloudEvent.
func (m *message) complement(ctx context.Context, sequence uint64) error {
	if m.carriesTrace {
		parent, state := tracing.Carry(ctx)
		translate.SetIfAny(&m.event, schema.AttrTraceParent, parent)
		translate.SetIfAny(&m.event, schema.AttrTraceState, state)
	}
	m.event.SetExtension(schema.AttrSequence, schema.FormatSequence(sequence))
	if err := schema.SetData(&m.event, m.data); err != nil {
		return fmt.Errorf("%w: %w", bus.ErrUnfit, err)
	}
	return nil
}

// underFence expects that no other holder has put up a fence since.
func (l *Log) underFence() []jetstream.PublishOpt {
	if l.Failpoints.LeavesOut(failpoint.Fence) {
		return nil
	}
	return []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(l.fence.position, l.fenceSubject())}
}

func (l *Log) saw(event translate.Likeness, origin translate.Origin) {
	if !l.Failpoints.LeavesOut(failpoint.Counting) {
		l.memory.add(event, origin == translate.FromHistory)
	}
}

// WasTold tells whether an event that is given away now was published before,
// out of the history: a history also lists what no poll has taken yet. It
// answers so once for each.
func (l *Log) WasTold(event translate.Likeness) bool { return l.memory.take(event) }

// count notes a message that the next checkpoint will have.
func (l *Log) count(m mark) {
	l.counts.Position = m.position
	if l.uncounted == 0 {
		l.oldest = m
	}
	l.uncounted++
}
