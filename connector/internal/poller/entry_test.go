package poller

import (
	"testing"

	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// What a checkpoint counts is not read back for the entry, which therefore has
// it before: also what could not be written when it came.
func TestEntryIsWrittenBeforeTheCheckpoint(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.knowing("opening", 5)
	h.entry = h.token.Entry()
	h.entry.Apply(&schema.Status{State: "connected"}, 5, 5)
	r.Check(h.writeCheckpoint(r.Ctx, atCleanParting))
	found, err := r.poller.Chats.Find(r.Ctx, r.chat)
	r.Check(err)
	if found.State != "connected" || found.Sequence != 5 || found.StreamSequence != 5 {
		t.Errorf("the entry is %+v", found.Chat)
	}
}

// The entry forgets its place in a stream that was made anew, also where nothing
// is published there.
func TestPlaceInALostStreamIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.knowing("opening", 500)
	r.Check(h.chatLog.Raise(r.Ctx))
	h.entry = h.token.Entry()
	h.entry.Reach(500, 500)
	r.Check(h.standAnew(r.Ctx))
	if h.entry.StreamSequence != 500 {
		t.Errorf("the stream is there, and the place is %d", h.entry.StreamSequence)
	}
	stream, err := r.JS.Stream(r.Ctx, natstest.Prefix.StreamName("EVENTS"))
	r.Check(err)
	r.Check(stream.Purge(r.Ctx))
	r.Check(h.standAnew(r.Ctx))
	if h.entry.StreamSequence != 0 || !h.entry.Lags() {
		t.Errorf("the place is still %d", h.entry.StreamSequence)
	}
}
