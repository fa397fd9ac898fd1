package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

const prefix = subjects.DefaultPrefix

// lines are what the customer answers to the agent's messages, in turn.
var lines = []string{
	"Good morning! My parcel came with a broken cup.",
	"Yes, it is 4711 on both.",
}

// customer is a back end as a user would write it: it reacts to events and
// publishes commands, and knows nothing of the contact center.
type customer struct {
	nc   *nats.Conn
	chat string
	said int
}

// play requests a chat and follows it until its session is closed.
func play(ctx context.Context, s *stage, p *printer) error {
	events, stop, err := consume(ctx, s.js, jetstream.DeliverAllPolicy)
	if err != nil {
		return err
	}
	defer stop()
	me := &customer{nc: s.nc}
	p.command("chat.request", "from Ada")
	err = me.command(ctx, "chat.request", schema.ChatRequest{From: "Ada", Parameters: map[string]string{"topic": "parcel"}})
	if err != nil {
		return err
	}
	for {
		msg, err := events.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		ce, _, err := schema.Decode(msg.Headers(), msg.Data())
		if err != nil {
			return fmt.Errorf("%s: %w", msg.Subject(), err)
		}
		p.event(msg.Subject(), ce)
		if closed, err := me.react(ctx, p, ce); err != nil || closed {
			return err
		}
	}
}

// consume reads the stream of events in order.
func consume(ctx context.Context, js jetstream.JetStream, from jetstream.DeliverPolicy) (jetstream.MessagesContext, func(), error) {
	consumer, err := js.OrderedConsumer(ctx, prefix.StreamName("EVENTS"), jetstream.OrderedConsumerConfig{
		FilterSubjects: append([]string{prefix.AllChats()}, prefix.AllResults()[1]), DeliverPolicy: from,
	})
	if err != nil {
		return nil, nil, err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return nil, nil, err
	}
	return messages, messages.Stop, nil
}

// react does what the customer does about an event; closed says that the chat is over.
func (c *customer) react(ctx context.Context, p *printer, ce event.Event) (closed bool, err error) {
	if session, err := schema.DecodeSession(ce); err == nil {
		_, closed = session.(*schema.SessionClosed)
		return closed, nil
	}
	received, err := schema.DecodeEvent(ce)
	if err != nil {
		return false, nil // a result: the reply has told it
	}
	c.chat = received.Header().ChatID
	switch e := received.(type) {
	case *schema.Message:
		return false, c.answer(ctx, p, e)
	case *schema.FormShow:
		p.command("chat.form", e.FormName)
		return false, c.command(ctx, "chat.form", schema.ChatForm{
			ChatID: c.chat, FormRequestID: e.FormRequestID, FormName: e.FormName, Data: json.RawMessage(`{"phone":"555-0100"}`),
		})
	}
	return false, nil
}

// answer says the customer's next line.
func (c *customer) answer(ctx context.Context, p *printer, e *schema.Message) error {
	if c.said == len(lines) || e.PartyID == c.chat {
		return nil
	}
	line := lines[c.said]
	c.said++
	p.command("chat.send", line)
	return c.command(ctx, "chat.send", schema.ChatSend{ChatID: c.chat, Text: line})
}

// command runs a live command, given as a CloudEvent, and fails if it does.
func (c *customer) command(ctx context.Context, name subjects.Command, data any) error {
	e := event.New()
	e.SetID(uuid.NewString())
	e.SetSource("urn:ccdemo")
	e.SetType(schema.CommandType(name.Noun(), name.Verb()))
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return err
	}
	msg, err := schema.Encode(e, schema.Structured)
	if err != nil {
		return err
	}
	msg.Subject = prefix.Live(name)
	reply, err := c.nc.RequestMsgWithContext(ctx, msg)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	if err != nil {
		return err
	}
	result, err := schema.DecodeResult(ce)
	if err == nil && result.Status != schema.StatusOK {
		err = fmt.Errorf("%s: %w", name, result.Error)
	}
	return err
}

// watch invites others to join, and prints what they do until ctx ends.
func watch(ctx context.Context, s *stage, p *printer) error {
	events, stop, err := consume(ctx, s.js, jetstream.DeliverNewPolicy)
	if err != nil {
		return err
	}
	defer stop()
	p.invite(s)
	for {
		msg, err := events.Next(jetstream.NextContext(ctx))
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		if ce, _, err := schema.Decode(msg.Headers(), msg.Data()); err == nil {
			p.event(msg.Subject(), ce)
		}
	}
}
