package connector_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// The simulator says "nothing new" in three ways by turns.
func TestQuietPolls(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	w := watchNew(r)
	w.until("every way of saying nothing has occurred", func(r bpsim.Record) bool { return r.Polls > 3 })
	w.untilListening()
	w.says("hello")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkTrail("session.opened", "message/poll")
	w.checkAccount()
	w.checkWellBehaved()
	if log := r.log.String(); strings.Contains(log, "polling does not succeed") {
		t.Errorf("silence is taken for a failure:\n%s", log)
	}
	if n := w.record().Calls[bpsim.GetHistory]; n != 0 {
		t.Errorf("the history was read %d times for nothing", n)
	}
}

// checkWellBehaved: never two polls at once, never one refused.
func (w watched) checkWellBehaved() {
	w.Helper()
	if r := w.record(); r.MostPolls != 1 || r.Refused != 0 {
		w.Errorf("%d polls at once, %d refused", r.MostPolls, r.Refused)
	}
}

// The contact center's own error answers give nothing away: the polls go on,
// no history is read and no gap is told.
func TestPollsGoOnAfterErrorAnswers(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]bpsim.Fault{
		"500":                  {Status: 500, Times: 2},
		"500 with a code":      {Status: 500, Code: "5500", Message: "oops", Times: 2},
		"503":                  {Status: 503, Times: 2},
		"503 with a code":      {Status: 503, Code: "5001", Times: 2},
		"429":                  {Status: 429, Times: 2},
		"429 with Retry-After": {Status: 429, RetryAfter: time.Second, Times: 1},
		"5509 as 400":          {Status: 400, Code: "5509", Times: 2},
		"5509 as 429":          {Status: 429, Code: "5509", Times: 2},
		"an unknown code":      {Status: 400, Code: "9999", Times: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{})
			fault.Method, fault.Kind = bpsim.PollEvents, "status"
			injectInto(r, fault)
			r.start()
			w := watchNew(r)
			w.says("hello")
			r.awaitStored(w.chat, ".event.message", 1)
			w.untilStruck()
			w.checkTrail("session.opened", "message/poll")
			w.checkAccount()
			w.checkWellBehaved()
			reads := 0
			if fault.Code == "5509" { // the poll that stood in the way may have been given something
				reads = 1
			}
			if n := w.record().Calls[bpsim.GetHistory]; n > reads {
				t.Errorf("the history was read %d times", n)
			}
			if log := r.log.String(); strings.Count(log, "polling does not succeed") != 1 {
				t.Errorf("one reason is to be logged once:\n%s", log)
			}
		})
	}
}

// A foreign poller holds the chat's place: ours is refused, and comes back.
func TestAForeignPollerIsNotFought(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	injectInto(r, bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: 429, Code: "5509"})
	polls := countPolls(r)
	r.start()
	w := watchNew(r)
	w.says("hello")
	checkPaced(w, polls.Load)
	w.sim.ClearFaults()
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkAccount()
}

// An empty answer that was not held must not be asked for again at once.
func TestUnheldPollsDoNotSpin(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Nanosecond})
	r.start()
	w := watchNew(r)
	checkPaced(w, func() int64 { return int64(w.record().Polls) })
	w.says("hello")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkAccount()
	w.checkWellBehaved()
}

// checkPaced lets so many commands run, one after the other, as take far
// longer than as many polls: whoever polled without a pause would have made
// more polls than that.
func checkPaced(w watched, polls func() int64) {
	w.Helper()
	const commands = 60
	for range commands {
		w.must("chat.typing", map[string]any{"chatId": w.chat})
	}
	if n := polls(); n > commands/2 {
		w.Errorf("%d polls while %d commands ran", n, commands)
	}
}

// Everything that waits comes in one answer, and keeps its order.
func TestEventsOfOneAnswerKeepTheirOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	injectInto(r, bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang", Times: 1})
	r.start()
	w := watchNew(r)
	w.untilStruck()
	for i := range 60 {
		if i%3 == 0 {
			w.types()
		}
		w.says(string(rune('A' + i)))
	}
	w.sim.ClearFaults()
	r.awaitStored(w.chat, ".event.message", 60)
	w.checkAccount()
	if trail := w.trail(); slices.Contains(trail, "message/history") {
		t.Errorf("origins: %v", trail)
	}
}
