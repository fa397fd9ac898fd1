package connector

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// pull takes messages of a work queue, again and again.
type pull struct {
	from    string                // the stream
	doing   string                // in an operator's words
	failing string                // and when it does not work
	room    func(context.Context) // returns when there is some, or ctx has ended
	fetch   func() (jetstream.MessageBatch, error)
	take    func(jetstream.Msg)
}

// A pull ends when the server says so, not before: a message that is given
// back while the pull stands could come to it, and be lost to all for AckWait.
// It is short, because leaving waits for it.
const pullWait = 250 * time.Millisecond

// keepPulling pulls until ctx ends.
func (c *Connector) keepPulling(ctx context.Context, p pull) {
	retry := newBackOff(firstPause, 5*time.Second)
	trouble := &trouble{log: c.log, doing: p.doing}
	for ctx.Err() == nil {
		if p.room(ctx); ctx.Err() != nil {
			return
		}
		err := p.once()
		if ctx.Err() != nil {
			return
		}
		err = explainConsumer(p.from, err)
		c.health.pulled(p.failing, err)
		if err != nil {
			trouble.note(err)
			sleep(ctx, retry.NextBackOff())
			continue
		}
		retry.Reset()
	}
}

func (p pull) once() error {
	batch, err := p.fetch()
	if err != nil {
		return err
	}
	for msg := range batch.Messages() {
		p.take(msg)
	}
	return batch.Error()
}
