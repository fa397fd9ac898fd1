package connector_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// The ways in which an answer that gives events away does not arrive.
var losses = map[string]bpsim.Fault{
	"lost":       {Kind: "lose"},
	"cut":        {Kind: "cut_after"},
	"truncated":  {Kind: "truncate"},
	"unreadable": {Kind: "garbage"},
}

func loss(kind string, times int) bpsim.Fault {
	fault := losses[kind]
	fault.Method, fault.Times = bpsim.PollEvents, times
	return fault
}

func TestLostAnswersAreRecovered(t *testing.T) {
	t.Parallel()
	for name := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: time.Minute})
			r.start()
			w := watchNew(r)
			w.untilListening()
			w.says("one")
			r.awaitStored(w.chat, ".event.message", 1)
			w.untilListening()

			w.inject(loss(name, 1))
			w.says("two")
			r.awaitStored(w.chat, ".event.message", 2)
			w.untilListening()

			w.says("three")
			r.awaitStored(w.chat, ".event.message", 3)
			w.checkTrail("session.opened", "message/poll", "message/history", "session.recovered", "message/poll")
			w.checkAccount()
			w.checkRecovered(1)
			w.checkGaps()
			w.checkWellBehaved()
		})
	}
}

// One answer after the other is lost, of several events each.
func TestManyLostAnswersAreRecovered(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	r.start()
	w := watchNew(r)
	stored := 0
	for _, name := range []string{"lost", "truncated", "unreadable"} {
		w.untilListening()
		hang := bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang", Times: 1}
		w.inject(hang) // for the poll after this one
		w.types()
		w.untilStruck()
		w.inject(loss(name, 1))
		w.says(name)
		w.types()
		w.says(name + " too")
		w.letGo()
		stored += 2
		r.awaitStored(w.chat, ".event.message", stored)
	}
	w.untilListening()
	w.checkAccount()
	w.checkRecovered(3, 3, 3)
	w.checkGaps()
}

// letGo lets the hanging poll go on, into the fault that waits for its answer.
func (w watched) letGo() {
	w.Helper()
	faults := w.sim.Faults()
	w.sim.ClearFaults()
	for _, fault := range faults {
		w.inject(fault)
	}
}

// No answer within the poll's time, though it had been given.
func TestLateAnswersAreRecovered(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, func(r *rig) { r.client.PollTimeout = 2 * time.Second })
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "delay", Delay: 4 * time.Second, AfterEffect: true, Times: 1})
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	w.untilListening()
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	w.checkTrail("session.opened", "message/history", "session.recovered", "message/poll")
	w.checkAccount()
	w.checkGaps()
}

// A poll that is never answered gave nothing away: nothing is told of it, and
// what comes afterwards arrives.
func TestHangingPollsAreGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.client.PollTimeout = time.Second })
	injectInto(r, bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang", Times: 1})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkTrail("session.opened", "message/poll")
	w.checkGaps()
	w.checkAccount()
}

// The customer's own events stand in the history, too.
func TestOnlyServerEventsAreRecovered(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	r.start()
	w := watchNew(r)
	w.untilListening()
	r.must("chat.send", map[string]any{"chatId": w.chat, "text": "hello"})
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	w.inject(loss("lost", 1))
	w.types()
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkTrail("session.opened", "typing/history", "session.recovered")
	w.checkAccount()
}

// All in one second, so that nothing but their number tells the events apart.
func TestLookAlikesAreCounted(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := newRig(t, bpsim.Options{Hold: time.Minute, Now: func() time.Time { return now }})
	r.start()
	w := watchNew(r)
	for i, lost := range []bool{false, true, true, false, true, false, false} {
		w.untilListening()
		if lost {
			w.inject(loss("lost", 1))
		}
		w.types()
		r.awaitStored(w.chat, ".event.typing", i+1)
	}
	w.untilListening()
	w.checkAccount()
	w.checkRecovered(1, 1, 1)
}

// Signaling is in no history: only a chat that has had any may have lost some.
func TestLostSignalingIsAGap(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(loss("lost", 1))
	w.says("before")
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.untilListening()
	w.checkGaps()

	w.signals("REQUEST_CALL")
	r.awaitStored(w.chat, ".event.signaling", 1)
	w.untilListening()
	w.inject(loss("lost", 1))
	w.signals("OFFER_CALL")
	r.awaitStored(w.chat, ".session.gap", 1)
	w.untilListening()
	w.inject(loss("lost", 1))
	w.says("after")
	r.awaitStored(w.chat, ".session.gap", 2)
	w.untilListening()

	w.checkTrail("session.opened", "message/history", "session.recovered", "signaling/poll", "session.gap",
		"message/history", "session.recovered", "session.gap")
	w.checkGaps(schema.GapSignaling, schema.GapSignaling)
	r.checkSequence(w.chat)
}

// The history is refused: nobody knows what was lost, and the chat goes on. The
// gap is told when no call can be given anything more.
func TestUnavailableHistoryIsAGap(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(loss("lost", 1))
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: 400, Code: "5003"})
	w.says("lost")
	r.awaitStored(w.chat, ".session.gap", 1)
	w.untilListening()
	w.says("found")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkTrail("session.opened", "session.gap", "message/poll")
	w.checkGaps(schema.GapHistoryUnavailable)
	gap := w.sessions("gap")[0].(*schema.SessionGap)
	if gap.From == nil || gap.To == nil || gap.To.Before(gap.From.Time) {
		t.Errorf("the gap is from %v to %v", gap.From, gap.To)
	}
	r.checkSequence(w.chat)
}

// A history that fails for the moment is asked for again before it is a gap.
func TestHistoryIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(loss("lost", 1))
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: 503, Times: 1})
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "garbage", Times: 1})
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	w.untilStruck()
	w.untilListening()
	w.checkTrail("session.opened", "message/history", "session.recovered")
	w.checkAccount()
	w.checkGaps()
}

// A history that has the session's end has everything: no second look is
// needed, and that none is to be had leaves no gap.
func TestHistoryWithTheEndIsTheLast(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	var histories atomic.Int64
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if !isHistory(request) || histories.Add(1) == 1 {
			return false
		}
		http.Error(rw, `{"error_code":"5005"}`, http.StatusNotFound)
		return true
	})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(loss("lost", 1))
	w.check(w.sim.End(w.chat))
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "ended/history", "session.recovered", "session.closed")
	w.checkGaps()
	w.checkAccount()
}
