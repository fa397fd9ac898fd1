package main

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/permissions"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// listening is to what is in the stream of events.
type listening struct {
	next func(context.Context) (*nats.Msg, error)
	stop func()
}

// listen reads the stream in order, by a consumer that it makes: nobody forbids it here.
func (s *stage) listen(ctx context.Context, from jetstream.DeliverPolicy) (listening, error) {
	stream := s.prefix.StreamName("EVENTS")
	consumer, err := s.js.OrderedConsumer(ctx, stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{s.prefix.AllChats(), s.prefix.AllResults()[1]}, DeliverPolicy: from,
		MaxResetAttempts: 1, // who waits for it in vain does not hear that all ends
	})
	if err != nil {
		return listening{}, fmt.Errorf("reading the stream %s: %w", stream, err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return listening{}, fmt.Errorf("reading the stream %s: %w", stream, err)
	}
	next := func(ctx context.Context) (*nats.Msg, error) {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil, err
		}
		return &nats.Msg{Subject: msg.Subject(), Header: msg.Headers(), Data: msg.Data()}, nil
	}
	return listening{next, messages.Stop}, nil
}

// listenAs takes what is delivered to a user that reads, by the consumer that
// was made for it. Several may listen: each of them hears all.
func listenAs(nc *nats.Conn, prefix subjects.Prefix, consumer string) (listening, error) {
	sub, err := nc.SubscribeSync(permissions.DeliverSubject(prefix, consumer))
	if err != nil {
		return listening{}, err
	}
	next := func(ctx context.Context) (*nats.Msg, error) {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, err
		}
		_ = msg.Respond(nil) // where it fails, the message comes again
		return msg, nil
	}
	return listening{next, func() { _ = sub.Unsubscribe() }}, nil
}

// turn is a CloudEvent of the chat that is played.
type turn struct {
	subject string
	ce      event.Event
}

// inOrder gives each event its turn: what a consumer delivers again comes late, or twice.
type inOrder struct {
	next uint64 // sequence
	held map[uint64]turn
}

// take returns what has its turn now. Results have none, and need none.
func (o *inOrder) take(t turn) (now []turn) {
	n, err := schema.Sequence(t.ce)
	if err != nil {
		return []turn{t}
	}
	if o.held == nil {
		o.held = make(map[uint64]turn)
	}
	if n >= o.next {
		o.held[n] = t
	}
	for {
		t, is := o.held[o.next]
		if !is {
			return now
		}
		now = append(now, t)
		delete(o.held, o.next)
		o.next++
	}
}
