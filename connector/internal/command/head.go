package command

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/subjects"
)

// What the queues ask of the stream and of the journal: see package queue.

// headOf is the chat's lowest command that remains behind what is known to be done.
func (c *Commands) headOf(ctx context.Context, chat subjects.ChatToken, behind uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	msg, err := bus.Ask(ctx, c.Log, "looking which command of a chat is next", func(ctx context.Context) (*bus.Stored, error) {
		return c.Streams.Commands.Next(ctx, behind+1, c.cfg.Prefix.DurableOf(chat))
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return msg.Sequence, nil
}

// isSettled tells whether the command there has an outcome, or is none.
func (c *Commands) isSettled(ctx context.Context, sequence uint64) bool {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	d, err := c.readStored(ctx, sequence, true)
	if err != nil || d.ignored != "" {
		return err == nil
	}
	r, err := c.Journal.Find(ctx, d.cmd.Key)
	return err == nil && r != nil && r.Done != nil
}
