package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"cc-connector/schema"
)

// bridge takes what the workflows need from the bus to Temporal: an event
// starts one, a result is a signal to it. A message is acknowledged when
// Temporal has it; what is delivered again finds the same workflow.
type bridge struct {
	nc       *nats.Conn // of a user that reads
	temporal client.Client
	log      *slog.Logger
}

const (
	taskQueue = "agent-left"
	agent     = "internal" // the partyType of those who work for the contact center
	handling  = 10 * time.Second
	again     = time.Second // after which a message comes that Temporal did not take
)

// follow takes what the reader's consumer delivers, until the context is stopped.
func (b *bridge) follow(ctx context.Context, js jetstream.JetStream, reader string) (jetstream.ConsumeContext, error) {
	consumer, err := js.PushConsumer(ctx, prefix.StreamName("EVENTS"), reader)
	if err != nil {
		return nil, err
	}
	return consumer.Consume(func(msg jetstream.Msg) { b.settle(msg, b.take(ctx, msg)) })
}

var errForeign = errors.New("no CloudEvent of the connector")

// settle tells JetStream what became of a message.
func (b *bridge) settle(msg jetstream.Msg, err error) {
	switch {
	case err == nil:
		err = msg.Ack()
	case errors.Is(err, errForeign):
		b.log.Error("left out", "subject", msg.Subject(), "error", err)
		err = msg.Term()
	default:
		b.log.Warn("it will be delivered again", "subject", msg.Subject(), "error", err)
		err = msg.NakWithDelay(again)
	}
	if err != nil {
		b.log.Warn("NATS was not told, and delivers again", "subject", msg.Subject(), "error", err)
	}
}

func (b *bridge) take(ctx context.Context, msg jetstream.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, handling)
	defer cancel()
	ce, form, err := schema.Decode(msg.Headers(), msg.Data())
	switch {
	case err != nil || form == schema.FormPlain:
		return errForeign
	case ce.Type() == schema.EventType("party_left"):
		return b.start(ctx, ce)
	case ce.Type() == schema.ResultType("chat", "send"):
		return b.signal(ctx, ce)
	}
	return nil
}

// start begins the workflow of an event, once: a repeat is told so, and is content.
func (b *bridge) start(ctx context.Context, ce event.Event) error {
	ce, err := b.whole(ctx, ce)
	if err != nil {
		return err
	}
	payload, _ := schema.DecodeEvent(ce)
	left, ok := payload.(*schema.PartyLeft)
	sequence, err := schema.Sequence(ce)
	if !ok || err != nil {
		return errForeign
	}
	if left.PartyType != agent && left.PartyType != "" {
		return nil
	}
	what := AgentLeft{EventID: ce.ID(), ChatID: left.ChatID, Sequence: sequence, PartyType: left.PartyType}
	_, err = b.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: what.ID(), TaskQueue: taskQueue, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, SpeakUp, what)
	return err
}

// signal brings a result to the workflow that it is the outcome of. One that has
// ended meanwhile has had it.
func (b *bridge) signal(ctx context.Context, ce event.Event) error {
	id := schema.Extension(ce, schema.AttrCausationID)
	if !strings.HasPrefix(id, idPrefix) {
		return nil
	}
	ce, err := b.whole(ctx, ce)
	if err != nil {
		return err
	}
	result, err := schema.DecodeResult(ce)
	if err != nil {
		return errForeign
	}
	err = b.temporal.SignalWorkflow(ctx, id, "", outcome, result)
	var over *serviceerror.NotFound
	if errors.As(err, &over) {
		return nil
	}
	return err
}

// whole has its data with it, also where they were too large for the bus.
func (b *bridge) whole(ctx context.Context, ce event.Event) (event.Event, error) {
	bucket, object, elsewhere := schema.DataRef(ce)
	if !elsewhere {
		return ce, nil
	}
	data, err := schema.ReadObject(ctx, b.nc, bucket, object)
	if errors.Is(err, schema.ErrNoObject) {
		return ce, errForeign // its time is over
	}
	ce.DataEncoded = data
	return ce, err
}
