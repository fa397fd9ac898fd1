package connector_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// hangPolls keeps the chat's polls from being answered until ClearFaults, so
// that a test decides what one answer holds. Before the chat is opened.
func hangPolls(r *rig) {
	r.Helper()
	injectInto(r, bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang"})
}

func TestSessionEndsByAnEvent(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		event  map[string]any
		trail  string
		reason schema.CloseReason
	}{
		"ended":            {map[string]any{"event": "chat_session_ended"}, "ended/poll", schema.ClosedEnded},
		"timeout":          {map[string]any{"event": "chat_session_inactivity_timeout", "msg": "bye"}, "inactivity_timeout/poll", schema.ClosedInactivityTimeout},
		"timeout misspelt": {map[string]any{"event": "chat_session_inactvity_timeout", "msg": "bye"}, "inactivity_timeout/poll", schema.ClosedInactivityTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{})
			polls := countPolls(r)
			hangPolls(r)
			r.start()
			w := watchNew(r)
			w.says("one")
			w.says("two")
			w.push(w.chat, end.event)
			w.sim.ClearFaults()
			w.awaitEnd(end.reason)
			w.checkTrail("session.opened", "message/poll", "message/poll", end.trail, "session.closed")
			w.checkAccount()
			if n, begun := polls.Load(), int64(w.record().Polls); n != begun {
				t.Errorf("%d polls, but only %d of a session that was not over", n, begun)
			}
			w.checkClosedEntry(end.reason)
		})
	}
}

func (w watched) checkClosedEntry(reason schema.CloseReason) {
	w.Helper()
	entry := w.entry()
	if entry.ClosedAt == nil || entry.ClosedReason != reason {
		w.Errorf("the entry is closed at %v for %q, want %q", entry.ClosedAt, entry.ClosedReason, reason)
	}
	if n := uint64(len(w.sequenced())); entry.Sequence != n {
		w.Errorf("the entry includes sequence %d of %d", entry.Sequence, n)
	}
}

// What follows the end in its own answer is no less an event.
func TestEventsBesideTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	intercept(r, answering(http.MethodGet, `{"events":[{"event":"chat_session_ended","timestamp":1614718748},{"event":"chat_session_party_left","party_id":"p","timestamp":1614718748}]}`))
	r.start()
	w := watchNew(r)
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "ended/poll", "party_left/poll", "session.closed")
}

// answering answers polls (GET) or sends (POST) in the simulator's place.
func answering(method, body string) func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, request *http.Request) bool {
		if request.Method != method || !isEvents(request) {
			return false
		}
		_, _ = rw.Write([]byte(body))
		return true
	}
}

func TestSessionIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	polls := countPolls(r)
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.check(r.sim.Forget(w.chat))
	w.awaitEnd(schema.ClosedGone)
	w.checkTrail("session.opened", "session.closed")
	if n, begun := polls.Load(), int64(w.record().Polls); n != begun {
		t.Errorf("%d polls after the chat was gone", n-begun)
	}
	w.checkClosedEntry(schema.ClosedGone)
}

// The conversation ends, the session does not: a survey comes.
func TestDisconnectKeepsPolling(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	w := watchNew(r)
	w.push(w.chat, map[string]any{"event": "chat_session_party_joined", "party_id": "agent", "type": "internal"})
	r.must("chat.disconnect", map[string]any{"chatId": w.chat})
	r.awaitStored(w.chat, ".event.party_left", 1)
	w.push(w.chat, map[string]any{"event": "chat_session_form_show", "form_request_id": 7, "form_name": "survey"})
	r.awaitStored(w.chat, ".event.form_show", 1)
	r.must("chat.form", map[string]any{"chatId": w.chat, "formRequestId": "7", "formName": "survey", "data": map[string]any{"stars": 5}})
	w.says("thank you")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkTrail("session.opened", "party_joined/poll", "party_left/poll", "form_show/poll", "message/poll")
	w.checkAccount()
	if w.entry().ClosedAt != nil || !w.hasToken() {
		t.Error("the chat is closed")
	}
}

func TestEndByCommand(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	w := watchNew(r)
	w.untilListening()
	r.must("chat.end", map[string]any{"chatId": w.chat})
	w.awaitEnd(schema.ClosedEnded)
	w.checkAccount()
	w.checkGaps()
	w.checkClosedEntry(schema.ClosedEnded)
}

// The contact center answers no poll any more. What it said before the end is
// in the history, which is read once.
func TestEndByCommandIntoSilence(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	hangPolls(r)
	r.start()
	w := watchNew(r)
	w.says("one")
	w.says("two")
	r.must("chat.end", map[string]any{"chatId": w.chat})
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "message/history", "message/history", "ended/history", "session.recovered", "session.closed")
	w.checkRecovered(3)
	w.checkGaps()
	w.checkAccount()
	if n := w.record().Calls[bpsim.GetHistory]; n != 1 {
		t.Errorf("the history was read %d times", n)
	}
}

// Nobody can tell any more what a poll held when it was cut.
func TestEndByCommandWithoutHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	hangPolls(r)
	injectInto(r, bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: 404, Code: "5005"})
	r.start()
	w := watchNew(r)
	w.says("one")
	r.must("chat.end", map[string]any{"chatId": w.chat})
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "session.gap", "session.closed")
	w.checkGaps(schema.GapHistoryUnavailable)
	r.checkSequence(w.chat)
}

// A command that ends a chat which an event has ended already changes nothing.
func TestEndByCommandAfterTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	w := watchNew(r)
	w.push(w.chat, map[string]any{"event": "chat_session_inactivity_timeout"})
	w.awaitEnd(schema.ClosedInactivityTimeout)
	r.call("chat.end", map[string]any{"chatId": w.chat})
	w.checkTrail("session.opened", "inactivity_timeout/poll", "session.closed")
	w.checkClosedEntry(schema.ClosedInactivityTimeout)
}

// Nothing is under way between two polls, so closing there loses nothing.
func TestDetachBetweenPolls(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
	r.start()
	w := watchNew(r)
	w.signals("REQUEST_CALL")
	r.awaitStored(w.chat, ".event.signaling", 1)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusTooManyRequests, RetryAfter: time.Hour, Times: 1})
	r.eventually("the chat waits for the next poll", func() bool { return strings.Contains(r.log.String(), "polling does not succeed") })
	r.must("chat.detach", map[string]any{"chatId": w.chat})
	w.awaitEnd(schema.ClosedDetached)
	w.checkClosedEntry(schema.ClosedDetached)
	w.checkGaps()
}

// A chat is ended before it was polled: what was said has to be told all the same.
func TestEndBeforeTheFirstPoll(t *testing.T) {
	t.Parallel()
	taken, goOn := make(chan struct{}, 1), make(chan struct{})
	r := newRig(t, bpsim.Options{}, func(r *rig) {
		r.config.At(func(point string) {
			if point == "Taken" {
				taken <- struct{}{}
				<-goOn
			}
		})
	})
	r.start()
	w := watched{r, r.openChat()}
	<-taken
	w.says("hello")
	state, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	requests, err := state.Watch(r.ctx, "closing.*")
	r.check(err)
	reply := make(chan schema.Result)
	go func() { reply <- r.call("chat.end", map[string]any{"chatId": w.chat}) }()
	for request := range requests.Updates() {
		if request != nil {
			break
		}
	}
	r.check(requests.Stop())
	close(goOn)
	if ended := <-reply; ended.Error != nil {
		t.Errorf("chat.end: %+v", ended.Error)
	}
	w.awaitEnd(schema.ClosedEnded)
	w.checkAccountUnordered()
	w.checkGaps()
}
