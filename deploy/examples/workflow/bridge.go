package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	bus "cc-connector/connector/client"
	"cc-connector/schema"
)

// bridge brings Temporal what the workflows need to know: an event starts one,
// a result is a signal to it. A message is acknowledged when Temporal has it;
// what is delivered again finds the same workflow.
type bridge struct {
	bus      *bus.Client
	temporal client.Client
	log      *slog.Logger
}

const (
	taskQueue = "agent-left"
	agent     = "internal" // the partyType of those who work for the contact center
	handling  = 10 * time.Second
	again     = time.Second // after which a message comes that Temporal did not take
)

// follow takes what a reader's consumer delivers, until it is stopped.
func (b *bridge) follow(ctx context.Context, js jetstream.JetStream, reader string) (jetstream.ConsumeContext, error) {
	consumer, err := js.PushConsumer(ctx, "CC_EVENTS", reader)
	if err != nil {
		return nil, err
	}
	return consumer.Consume(func(msg jetstream.Msg) { b.settle(msg, b.take(ctx, msg)) })
}

// settle tells JetStream what became of a message.
func (b *bridge) settle(msg jetstream.Msg, err error) {
	switch {
	case err == nil:
		err = msg.Ack()
	case errors.Is(err, bus.ErrNotOurs), errors.Is(err, schema.ErrNoObject):
		b.log.Error("a message is left out", "subject", msg.Subject(), "error", err)
		err = msg.Term()
	default:
		b.log.Warn("a message will be delivered again", "subject", msg.Subject(), "error", err)
		err = msg.NakWithDelay(again)
	}
	if err != nil {
		b.log.Warn("NATS was not told what became of a message, and delivers it again", "subject", msg.Subject(), "error", err)
	}
}

func (b *bridge) take(ctx context.Context, msg jetstream.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, handling)
	defer cancel()
	m, err := b.bus.Read(ctx, msg)
	if err != nil {
		return err
	}
	switch payload := m.Payload.(type) {
	case *schema.PartyLeft:
		return b.start(ctx, m, payload)
	case *schema.Result:
		return b.signal(ctx, m, payload)
	}
	return nil
}

// start begins the workflow of an event, once: a repeat finds it, and that is no error.
func (b *bridge) start(ctx context.Context, m *bus.Message, left *schema.PartyLeft) error {
	if left.PartyType != agent && left.PartyType != "" {
		return nil
	}
	what := AgentLeft{EventID: m.Event.ID(), ChatID: m.ChatID, Sequence: m.Sequence, PartyType: left.PartyType}
	_, err := b.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: what.ID(), TaskQueue: taskQueue, WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
	}, SpeakUp, what)
	return err
}

// signal brings a result to the workflow whose command it is the outcome of. One
// that has ended has no need of it.
func (b *bridge) signal(ctx context.Context, m *bus.Message, result *schema.Result) error {
	id := schema.Extension(m.Event, schema.AttrCausationID)
	if !strings.HasPrefix(id, idPrefix) {
		return nil
	}
	err := b.temporal.SignalWorkflow(ctx, id, "", outcome, result)
	var ended *serviceerror.NotFound
	if errors.As(err, &ended) {
		return nil
	}
	return err
}
