package bus_test

import (
	"testing"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

const filler = "filler.block"

// found is what an administrator finds, of whose buckets one has little room.
func found(r *natstest.Rig, stream string, room int64) *bus.Streams {
	r.Helper()
	mustOpen(r, unset())
	config := configOf(r, stream)
	config.MaxBytes = room
	_, err := r.JS.UpdateStream(r.Ctx, config)
	r.Check(err)
	s, err := bus.Find(r.Ctx, r.JS, unset())
	r.Check(err)
	return s
}

// A bucket that has no room begins no other block, and says so.
func TestFullBucketIsNotTurnedOver(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	b := found(r, "KV_CC_CHATS", 64<<10).Chats
	if err := b.TurnOver(r.Ctx); !bus.IsFull(err) {
		t.Errorf("it says %v", err)
	}
	if left, err := b.Get(r.Ctx, filler); err != nil || left.Revision != 0 {
		t.Errorf("what it is filled with stands there: %d, %v", left.Revision, err)
	}
}
