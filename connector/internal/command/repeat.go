package command

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/journal"
)

// What becomes of a durable command whose identity came in another message before,
// and which is not done.

// takePlace is for a repeat of a command that is not done. It waits for the
// outcome, but if the other message has been taken out of the stream by hand,
// nobody works on it, and this one goes on with it.
func (d *durable) takePlace(ctx context.Context, r *journal.Record) (bool, error) {
	if r.Message == 0 { // a live one
		return false, nil
	}
	there, err := d.isThere(ctx, r.Message)
	if there || err != nil {
		return false, err
	}
	again, err := d.commands.Journal.Find(ctx, d.cmd.Key)
	if err != nil || !r.IsSame(again) { // it has just been done
		return false, err
	}
	r.Message = d.sequence
	return true, nil
}

// isThere tells whether the command still stands in the stream at another place.
func (d *durable) isThere(ctx context.Context, sequence uint64) (bool, error) {
	other, err := d.commands.readStored(ctx, sequence, true)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil && other.ignored == "" && other.cmd.Key == d.cmd.Key, err
}

// awaitOther waits for the outcome of the other message with this identity, but
// not for one that did not come to an end in all its time.
func (d *durable) awaitOther(ctx context.Context, err error) (next, error) {
	if err == nil && d.isPast(time.Now()) {
		return d.finish(ctx, failed(died()))
	}
	return d.later(retryPause(1, nil)), err
}
