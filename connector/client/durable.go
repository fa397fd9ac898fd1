package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Publish has a durable command stored, to be done in its turn, and returns
// JetStream's acknowledgement. What comes of it is [Client.Await]'s to tell.
func (c *Client) Publish(ctx context.Context, cmd *Command) (*jetstream.PubAck, error) {
	r, err := c.prepare(cmd)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.patient(ctx)
	defer cancel()
	return c.store(ctx, r)
}

// DoDurable has a durable command stored and waits for its outcome, for as long
// as the context lasts. A context without a deadline gets [Config].Timeout. The
// errors are described at the package; after [ErrNoAnswer] the command may be
// stored and may still be done. A clientId, which is its sender's alone, is in the
// reply of Do, and need not be in this one.
func (c *Client) DoDurable(ctx context.Context, cmd *Command) (*Reply, error) {
	w, err := c.listen(cmd)
	if err != nil {
		return nil, err
	}
	defer w.stop()
	ctx, cancel := c.patient(ctx)
	defer cancel()
	if w.ack, err = c.store(ctx, w.request); err != nil {
		return nil, err
	}
	return w.wait(ctx, w.ack.Duplicate) // a repeat has no second event: it may be over
}

// Await waits for the outcome of a command that was sent before, by whomever:
// after a restart, or after a context that ended too early. It sends nothing
// that could be run: what was never sent has no outcome, and is waited for until
// the context ends. The outcome of what only reads is kept nowhere: do that again.
func (c *Client) Await(ctx context.Context, cmd *Command) (*Reply, error) {
	w, err := c.listen(cmd)
	if err != nil {
		return nil, err
	}
	defer w.stop()
	ctx, cancel := c.patient(ctx)
	defer cancel()
	return w.wait(ctx, true)
}

const storePatience = 5 * time.Second // with one try to store something

// store publishes until the stream has the command. Once it may have it, only
// the end of the context, or a refusal, ends the tries, and neither says that it
// has it not: JetStream tells repeats.
func (c *Client) store(ctx context.Context, r *request) (*jetstream.PubAck, error) {
	msg, err := c.durable(r)
	if err != nil {
		return nil, err
	}
	for first := true; ; first = false {
		ack, err := c.storeOnce(ctx, msg)
		var refused *jetstream.APIError
		switch {
		case err == nil:
			return ack, nil
		case ctx.Err() != nil, errors.Is(err, nats.ErrConnectionClosed):
			return nil, fmt.Errorf("%w: it may be stored: %w", ErrNoAnswer, err)
		case !first && errors.As(err, &refused): // an earlier try may have been taken
			return nil, fmt.Errorf("%w: it may be stored: %w", ErrNoAnswer, err)
		case errors.As(err, &refused):
			return nil, fmt.Errorf("client: the stream does not take the command: %w", err)
		case first && errors.Is(err, jetstream.ErrNoStreamResponse):
			return nil, fmt.Errorf("%w: %w", ErrNoStream, err)
		case first && !errors.Is(err, context.DeadlineExceeded):
			return nil, fmt.Errorf("client: the command could not be sent: %w", err)
		}
		pause(ctx, sendAgainAfter)
	}
}

func (c *Client) storeOnce(ctx context.Context, msg *nats.Msg) (*jetstream.PubAck, error) {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	return c.js.PublishMsg(ctx, msg)
}
