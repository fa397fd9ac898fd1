package poller

import (
	"testing"

	"cc-connector/connector/internal/chatlog"
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
	r.Check(h.writeCheckpoint(r.Ctx, false, chatlog.FenceID("clean")))
	found, err := r.poller.Chats.Find(r.Ctx, r.chat)
	r.Check(err)
	if found.State != "connected" || found.Sequence != 5 || found.StreamSequence != 5 {
		t.Errorf("the entry is %+v", found.Chat)
	}
}
