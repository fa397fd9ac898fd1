package connector_test

import (
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// While the store of files is full or away, what is too large for the bus waits,
// and a read that brings it is refused. Everything else goes on: other chats, and
// what others ask of that one. Then all comes, once and in its order.
func TestStoreOfFilesIsAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		away  func(*rig) (back func())
		words string
	}{
		"full": {(*rig).fillFiles, "OBJ_CC_FILES is full"},
		"missing": {func(r *rig) func() {
			config := r.streamConfig("OBJ_CC_FILES")
			r.check(r.js.DeleteStream(r.ctx, "OBJ_CC_FILES"))
			return func() {
				_, err := r.js.CreateStream(r.ctx, config)
				r.check(err)
			}
		}, "OBJ_CC_FILES is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waitForFiles(t, c.away, c.words)
		})
	}
}

func waitForFiles(t *testing.T, away func(*rig) (back func()), words string) {
	t.Helper()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, tinyBus, smallStore, aDayToFailOver).provided()
	replica := r.start()
	busy, other := watchNew(r), watchNew(r)
	back := away(r)
	busy.says(strings.Repeat("x", longText))
	busy.says("behind it")
	r.unready(replica, words)
	for range 5 {
		other.sends("hello")
		other.says("hello")
		busy.sends("hello")
	}
	other.awaitStored(other.chat, ".event.message", 5)
	if read := r.call("chat.history", fields{"chatId": busy.chat}); read.Error == nil || read.Error.Code != schema.CodeUnavailable || !read.Error.Retryable {
		t.Errorf("a history for which there is no place: %+v", read)
	}
	if n := len(busy.awaitStored(busy.chat, ".event.message", 0)); n != 0 {
		t.Errorf("%d messages have overtaken one that waits", n)
	}
	back()
	busy.awaitStored(busy.chat, ".event.message", 2)
	r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
	for _, w := range []watched{busy, other} {
		r.check(r.sim.End(w.chat))
		w.awaitEnd(schema.ClosedEnded)
		w.checkGaps()
		w.checkWholeAccount()
	}
}
