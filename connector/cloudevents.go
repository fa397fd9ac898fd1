package connector

import (
	"context"
	"strconv"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// origin tells how an event reached the connector.
type origin string

const (
	originPoll    origin = schema.OriginPoll
	originSend    origin = schema.OriginSend
	originHistory origin = schema.OriginHistory
)

// naming knows what goes into the attributes of every CloudEvent.
type naming struct {
	prefix     subjects.Prefix
	tenant     string
	schemaBase string
}

func (n naming) eventSource(app brightpattern.AppID, chat subjects.ChatToken) string {
	return schema.EventSource(n.tenant, subjects.Escape(string(app)), string(chat))
}

func (n naming) commandsSource(app brightpattern.AppID) string {
	return schema.CommandsSource(n.tenant, subjects.Escape(string(app)))
}

// newCloudEvent has what all kinds have in common.
func newCloudEvent(id, source, eventType, dataSchema string, chat subjects.ChatToken) event.Event {
	e := event.New()
	e.SetID(id)
	e.SetSource(source)
	e.SetType(eventType)
	e.SetDataSchema(dataSchema)
	if chat != "" {
		e.SetSubject(string(chat))
		e.SetExtension(schema.AttrPartitionKey, string(chat))
	}
	return e
}

// event publishes an event of the contact center as the chat's next message.
func (l *chatLog) event(ctx context.Context, wire brightpattern.Event, like likeness, origin origin, read time.Time) (schema.Event, error) {
	ordinal := l.seen[like] + 1
	data := translateEvent(l.chat.id, wire)
	e := newCloudEvent(eventID(l.chat.id, like, ordinal), l.source, schema.EventType(data.Name()),
		schema.EventDataSchema(l.names.schemaBase, data.Name()), l.chat.token)
	if !wire.Time.IsZero() {
		e.SetTime(wire.Time)
	}
	e.SetExtension(schema.AttrRecordedTime, schema.NewTime(read).String())
	e.SetExtension(schema.AttrOrigin, string(origin))
	header := nats.Header{headerLikeness: {string(like)}, headerOrigin: {string(origin)}}
	if err := l.append(ctx, l.names.prefix.Event(l.chat.token, subjects.EventName(data.Name())), "event:", e, data, header); err != nil {
		return nil, err
	}
	l.saw(like, origin)
	return data, nil
}

// session publishes what the connector did with the chat as its next message.
func (l *chatLog) session(ctx context.Context, token sessionToken, payload schema.Session) error {
	name := payload.SessionName()
	e := newCloudEvent(sessionID(l.chat.id, l.sequence+1), l.source, schema.SessionType(name),
		schema.DataSchema(l.names.schemaBase, "session", name), l.chat.token)
	e.SetTime(time.Now().UTC())
	if name == string(subjects.Opened) {
		setIfAny(&e, schema.AttrCorrelationID, token.Correlation)
		setIfAny(&e, schema.AttrCausationID, token.Causation)
	}
	header := nats.Header{headerOpening: {token.Opening}}
	return l.append(ctx, l.names.prefix.Session(l.chat.token, subjects.SessionName(name)), "session:", e, payload, header)
}

// append publishes e under the fence, with the chat's next sequence.
func (l *chatLog) append(ctx context.Context, subject, idPrefix string, e event.Event, data any, header nats.Header) error {
	next := l.sequence + 1
	e.SetExtension(schema.AttrSequence, schema.FormatSequence(next))
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return err
	}
	msg, err := l.message(ctx, e)
	if err != nil {
		return err
	}
	msg.Subject = subject
	msg.Header[headerSequence] = []string{strconv.FormatUint(next, 10)}
	msg.Header[headerComplete] = []string{l.complete.UTC().Format(time.RFC3339Nano)}
	for key, values := range header {
		msg.Header[key] = values
	}
	// Once the stream may have forgotten the id, a repeat could be stored twice:
	// the next holder reads back and knows.
	ctx, cancel := context.WithTimeout(ctx, l.window/2)
	defer cancel()
	ack, err := l.store(ctx, msg, idPrefix+e.ID(), l.fenced()...)
	if err == nil {
		l.sequence = next
		l.count(mark{ack.Sequence, time.Now()})
	}
	return err
}

// fenced expects that no other holder has put up a fence since.
func (l *chatLog) fenced() []jetstream.PublishOpt {
	if l.rehearsal.without[safeFence] {
		return nil
	}
	return []jetstream.PublishOpt{jetstream.WithExpectLastSequenceForSubject(l.fence.position, l.fenceSubject())}
}

func setIfAny(e *event.Event, name, value string) {
	if value != "" {
		e.SetExtension(name, value)
	}
}
