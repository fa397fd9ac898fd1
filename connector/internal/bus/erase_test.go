package bus_test

import (
	"testing"

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
