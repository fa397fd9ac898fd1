package bus_test

import (
	"testing"

	"cc-connector/connector/internal/natstest"
)

const madeAgain = "cc-connector.made-again"

// A stream that a replica misses at its start, where others have held something,
// is marked as made again; all of them are new where none has held anything.
func TestOpenMarksWhatWasLost(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	mustOpen(r, unset())
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	mustOpen(r, unset())
	if mark := configOf(r, "KV_CC_STATE").Metadata[madeAgain]; mark != "" {
		t.Errorf("nobody has worked here, and it is marked: %q", mark)
	}
	_, err := r.JS.Publish(r.Ctx, "cc.result.chat.send", nil)
	r.Check(err)
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	_, log := mustOpen(r, unset())
	if mark := configOf(r, "KV_CC_STATE").Metadata[madeAgain]; mark == "" {
		t.Error("it is not marked")
	}
	checkSays(t, log, "KV_CC_STATE", "what was in it is lost")
	for _, there := range []string{"CC_EVENTS", "KV_CC_CHATS"} {
		if mark := configOf(r, there).Metadata[madeAgain]; mark != "" {
			t.Errorf("%s was there, and is marked: %q", there, mark)
		}
	}
}
