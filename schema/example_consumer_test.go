package schema_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// handleMessage is what a consumer does with each message of CC_EVENTS. It acknowledges
// what it has dealt with, ends what can never become its business, and has all
// else come again.
func handleMessage(ctx context.Context, nc *nats.Conn, msg jetstream.Msg) error {
	e, err := readEvent(ctx, nc, msg)
	var unfit *schema.FieldError
	switch {
	case errors.Is(err, schema.ErrOtherType), errors.As(err, &unfit), errors.Is(err, schema.ErrNoObject):
		return msg.TermWithReason(err.Error())
	case err != nil:
		return msg.NakWithDelay(time.Second)
	}
	if m, ok := e.(*schema.Message); ok {
		fmt.Printf("%s says %.20q\n", m.PartyID, m.Text)
	}
	return msg.Ack()
}

// readEvent returns the event in a message, also if its data are too large for the
// bus: then they lie in the object store.
func readEvent(ctx context.Context, nc *nats.Conn, msg jetstream.Msg) (schema.Event, error) {
	ce, _, err := schema.Decode(msg.Headers(), msg.Data())
	if err != nil {
		return nil, err
	}
	if bucket, object, elsewhere := schema.DataRef(ce); elsewhere {
		if ce.DataEncoded, err = schema.ReadObject(ctx, nc, bucket, object); err != nil {
			return nil, err
		}
	}
	return schema.DecodeEvent(ce)
}

// A consumer reads the events of all chats, those with data elsewhere, too.
func Example_consumer() {
	bus := startBus()
	defer bus.stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	bus.tell(ctx)

	consumer, err := bus.js.CreateOrUpdateConsumer(ctx, "CC_EVENTS", jetstream.ConsumerConfig{
		Durable: "analytics", FilterSubjects: []string{"cc.chat.*.>", "cc.result.>"}, AckPolicy: jetstream.AckExplicitPolicy,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range bus.told {
		msg, err := consumer.Next(jetstream.FetchContext(ctx))
		if err == nil {
			err = handleMessage(ctx, bus.nc, msg)
		}
		if err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// agent-1 says "Hello!"
	// agent-1 says "xxxxxxxxxxxxxxxxxxxx"
}
