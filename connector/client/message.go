package client

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// Incoming is a message as it came. A [jetstream.Msg] is one; [Core] makes one of
// a [*nats.Msg].
type Incoming interface {
	Subject() string
	Headers() nats.Header
	Data() []byte
}

// Core is a message of core NATS, for [Decode].
func Core(msg *nats.Msg) Incoming { return core{msg} }

type core struct{ msg *nats.Msg }

func (c core) Subject() string      { return c.msg.Subject }
func (c core) Headers() nats.Header { return c.msg.Header }
func (c core) Data() []byte         { return c.msg.Data }

// Message is one of the connector's messages.
type Message struct {
	// Payload is one of three kinds, to be told apart by a type switch: a
	// [schema.Event], as *schema.Message, a [*schema.Result], or a
	// [schema.Session], as *schema.SessionClosed. Nil: it lies elsewhere.
	Payload any

	Event    event.Event // its CloudEvent: ID, Source, Type, Time, and extensions
	Subject  string      // of NATS
	ChatID   string      // "" for a result of a command on no known chat
	Sequence uint64      // of events and session messages: 1, 2, 3, … in each chat; 0 for results
	Origin   string      // of events: see schema.OriginPoll
	Recorded time.Time   // of events: when the connector had it, the clock to measure by
	Position uint64      // in the stream of events; 0 if it came by core NATS
}

// ErrNotOurs says that a message is none of the connector's events, results and
// session messages. The error says what it is instead.
var ErrNotOurs = errors.New("client: no event, result or session message of the connector")

// ErrElsewhere says that a message's payload was too large for the bus and lies
// in the object store. [Client.Read] gets it.
var ErrElsewhere = schema.ErrElsewhere

// Decode reads a message in either mode. The errors are [ErrNotOurs], and beside
// the message, which then has no payload, [ErrElsewhere].
func Decode(msg Incoming) (*Message, error) {
	e, form, err := schema.Decode(msg.Headers(), msg.Data())
	if err != nil {
		return nil, fmt.Errorf("%w: it is not a valid CloudEvent: %w", ErrNotOurs, err)
	}
	if form == schema.FormPlain {
		return nil, fmt.Errorf("%w: it is no CloudEvent", ErrNotOurs)
	}
	m := &Message{Event: e, Subject: msg.Subject(), Position: position(msg)}
	err = m.take()
	if err != nil && !errors.Is(err, ErrElsewhere) {
		return nil, err
	}
	return m, err
}

// position is where the message stands in its stream.
func position(msg Incoming) uint64 {
	stored, ok := msg.(jetstream.Msg)
	if !ok {
		return 0
	}
	meta, err := stored.Metadata()
	if err != nil {
		return 0
	}
	return meta.Sequence.Stream
}

// take reads attributes and payload.
func (m *Message) take() error {
	payload, err := payloadOf(m.Event)
	if err != nil && !errors.Is(err, ErrElsewhere) {
		return notOurs(err)
	}
	m.Payload = payload
	m.Origin = schema.Extension(m.Event, schema.AttrOrigin)
	if wrong := m.locate(); wrong != nil {
		return notOurs(wrong)
	}
	return err
}

func notOurs(err error) error {
	if errors.Is(err, schema.ErrOtherType) {
		return fmt.Errorf("%w: its type is another one", ErrNotOurs)
	}
	return fmt.Errorf("%w: %w", ErrNotOurs, err)
}

// payloadOf tries the kinds of message: a CloudEvent's type is of one at most.
func payloadOf(e event.Event) (any, error) {
	result, err := schema.DecodeResult(e)
	if !errors.Is(err, schema.ErrOtherType) {
		return orNil(result, err)
	}
	session, err := schema.DecodeSession(e)
	if !errors.Is(err, schema.ErrOtherType) {
		return orNil(session, err)
	}
	return orNil(schema.DecodeEvent(e))
}

// orNil leaves a typed nil no way into an any.
func orNil[T any](payload T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return payload, nil
}

// locate reads which message it is of which chat.
func (m *Message) locate() error {
	chat, err := subjects.Unescape(m.Event.Subject())
	if err != nil {
		return &schema.FieldError{Field: "subject", Problem: "is no escaped chat id"}
	}
	m.ChatID = chat
	if m.isResult() {
		return nil
	}
	if chat == "" {
		return &schema.FieldError{Field: "subject", Problem: "is missing: it names the chat"}
	}
	if m.Sequence, err = schema.Sequence(m.Event); err == nil && m.Sequence == 0 {
		err = &schema.FieldError{Field: schema.AttrSequence, Problem: "must be 1 or more"}
	}
	m.Recorded, _ = time.Parse(time.RFC3339Nano, schema.Extension(m.Event, schema.AttrRecordedTime)) // none: the zero time
	return err
}

// Read is [Decode] for a message whose payload may lie in the object store: it
// gets it from there. If it cannot, the message is there beside the error.
func (c *Client) Read(ctx context.Context, msg Incoming) (*Message, error) {
	m, err := Decode(msg)
	if !errors.Is(err, ErrElsewhere) {
		return m, err
	}
	return c.complete(ctx, m)
}

// complete gets the payload of a message that lies elsewhere.
func (c *Client) complete(ctx context.Context, m *Message) (*Message, error) {
	ctx, cancel := c.patient(ctx)
	defer cancel()
	e, err := c.whole(ctx, m.Event)
	if err != nil {
		return m, fmt.Errorf("client: a payload that lies elsewhere: %w", err)
	}
	whole := *m
	whole.Event = e
	if err := whole.take(); err != nil {
		return m, err
	}
	return &whole, nil
}

// isResult tells by the type, com.brightpattern.<noun>.result.<verb>.v1.
func (m *Message) isResult() bool {
	parts := strings.Split(m.Event.Type(), ".")
	return len(parts) == 6 && parts[3] == "result"
}
