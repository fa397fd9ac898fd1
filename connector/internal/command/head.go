package command

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/subjects"
)

// What the queues ask of the stream and of the journal: see package queue.

// fewBehind commands of whatever chat are looked at in no time. The server looks at
// all behind a sequence until it meets one of the chat; only from the beginning of
// the stream does it go by its index of subjects.
const fewBehind = 1000

// headOf is the chat's lowest command that remains behind what is known to be done.
// Where many may stand between, the stream is asked from its beginning: what was done
// so long ago is removed.
func (c *Commands) headOf(ctx context.Context, chat subjects.ChatToken, behind uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	if c.Streams.Commands.CachedInfo().State.LastSeq > behind+fewBehind {
		head, err := c.firstOf(ctx, chat, 0)
		if err != nil || head == 0 || head > behind {
			return head, err
		}
	}
	return c.firstOf(ctx, chat, behind)
}

// firstOf is the chat's lowest command behind a sequence; 0 if there is none.
func (c *Commands) firstOf(ctx context.Context, chat subjects.ChatToken, behind uint64) (uint64, error) {
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
