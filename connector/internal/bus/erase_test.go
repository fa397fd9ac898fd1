package bus_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

const filler = "filler.block"

// narrow is what an administrator finds, with little room in one of the buckets.
func narrow(r *natstest.Rig, stream string, room int64) *bus.Streams {
	r.Helper()
	mustOpen(r, unset())
	change(r, stream, func(c *jetstream.StreamConfig) { c.MaxBytes = room })
	s, err := bus.Find(r.Ctx, r.JS, unset())
	r.Check(err)
	return s
}

// A bucket that has no room begins no other block, and says so.
func TestFullBucketIsNotTurnedOver(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	b := narrow(r, "KV_CC_CHATS", 64<<10).Chats
	if err := b.TurnOver(r.Ctx); !bus.IsFull(err) {
		t.Errorf("it says %v", err)
	}
	if left, err := b.Get(r.Ctx, filler); err != nil || left.Revision != 0 {
		t.Errorf("what it is filled with stands there: %d, %v", left.Revision, err)
	}
}

// interrupter interrupts when so many messages have been published.
type interrupter struct {
	jetstream.JetStream
	left      int
	interrupt func()
}

func (i *interrupter) PublishMsg(ctx context.Context, msg *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := i.JetStream.PublishMsg(ctx, msg, options...)
	if i.left--; i.left == 0 {
		i.interrupt()
	}
	return ack, err
}

// Who is interrupted leaves nothing in the bucket, and nothing stands there at any time
// but what was written last, whatever history the bucket keeps.
func TestTurningOverLeavesNothing(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	ctx, interrupt := context.WithCancel(r.Ctx)
	r.JS = &interrupter{r.JS, 20, interrupt}
	b := narrow(r, "KV_CC_CHATS", 512<<10).Chats
	change(r, "KV_CC_CHATS", func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 64 })
	if err := b.TurnOver(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("it comes to %v", err)
	}
	if n, err := b.Drop(r.Ctx, filler); n != 0 || err != nil {
		t.Errorf("%d messages of it stand there, %v", n, err)
	}
}
