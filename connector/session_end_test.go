package connector_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// What is an end of a session, and what is none yet.

const noSession = `{"error_code":"5005","error_message":"chat session not found"}`

func status(state string) map[string]any {
	return map[string]any{"event": "chat_session_status", "state": state}
}

// A fail-over in the contact center: for a moment it knows no session.
func TestOnePollFindsNoSession(t *testing.T) {
	t.Parallel()
	for name, history := range map[string]*bpsim.Fault{
		"the history is there": nil,
		"and is away":          {Method: bpsim.GetHistory, Kind: "status", Status: 503, Times: 1},
		"and is a page":        {Method: bpsim.GetHistory, Kind: "page", Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond})
			r.start()
			w := watchNew(r)
			w.untilListening()
			w.says("one")
			r.awaitStored(w.chat, ".event.message", 1)
			if history != nil {
				w.inject(*history)
			}
			w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: 404, Code: "5005", Times: 2})
			r.eventually("polls find none", func() bool { return len(r.sim.Faults()) == 0 })
			w.says("two")
			r.awaitStored(w.chat, ".event.message", 2)
			w.checkGaps()
			w.checkAccount()
		})
	}
}

// Where polls find none for long, the session is gone, whatever the history says.
func TestPollsFindNoSessionForLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond}, hasten(time.Second, 0, 0))
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: 404, Code: "5005"})
	w.awaitEnd(schema.ClosedGone)
	w.checkTrail("session.opened", "session.closed")
}

// The end stands in the history: with it the session has ended.
func TestEndOfAMissingSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond}, hasten(time.Hour, 0, 0))
	missing := &aside{}
	intercept(r, missing.handle(func(rw http.ResponseWriter, request *http.Request) bool {
		if request.Method != http.MethodGet || !isEvents(request) {
			return false
		}
		http.Error(rw, noSession, http.StatusNotFound)
		return true
	}))
	r.start()
	w := watchNew(r)
	w.untilListening()
	missing.on.Store(true)
	r.eventually("a poll finds none", func() bool { return missing.struck.Load() > 0 })
	w.push(w.chat, map[string]any{"event": "chat_session_inactivity_timeout"})
	w.awaitEnd(schema.ClosedInactivityTimeout)
	w.checkGaps()
}

// A command learns that there is no session while the poll is held.
func TestCommandFindsNoSession(t *testing.T) {
	t.Parallel()
	for command, data := range map[string]map[string]any{
		"chat.send":    {"text": "hello"},
		"chat.typing":  {},
		"chat.history": {},
		"case.close":   {},
		"push.cancel":  {},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: time.Hour})
			r.client.PollTimeout = time.Hour
			gone := &aside{}
			intercept(r, gone.handle(func(rw http.ResponseWriter, _ *http.Request) bool {
				http.Error(rw, noSession, http.StatusNotFound)
				return true
			}))
			r.start()
			w := watchNew(r)
			w.untilListening()
			gone.on.Store(true)
			data["chatId"] = w.chat
			if e := r.call(command, data).Error; e == nil || e.WireCode != "5005" {
				t.Errorf("the result is %+v", e)
			}
			w.awaitEnd(schema.ClosedGone)
			w.checkTrail("session.opened", "session.closed")
		})
	}
}

// The same on the durable lane, and from a replica that does not hold the chat.
func TestDurableCommandFindsNoSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Hour}, aDayToFailOver)
	r.client.PollTimeout = time.Hour
	r.start()
	w := watchNew(r)
	w.untilListening()
	r.start()
	w.inject(bpsim.Fault{Kind: "status", Status: 404, Code: "5005"})
	for range 8 { // either replica runs some of them
		_, err := r.js.PublishMsg(r.ctx, &nats.Msg{Subject: "cc.durable.chat.typing." + string(w.token()), Data: []byte(`{}`)})
		r.check(err)
	}
	w.awaitEnd(schema.ClosedGone)
	w.checkGaps()
}

// One command is told so, and the session is there: nothing is lost by looking.
func TestCommandIsWrongAboutTheSession(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Hour})
	r.client.PollTimeout = time.Hour
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	w.untilListening()
	polls := w.record().Polls
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 404, Code: "5005", Times: 3})
	for range 3 {
		r.call("chat.typing", map[string]any{"chatId": w.chat})
	}
	w.until("it is polled anew", func(r bpsim.Record) bool { return r.Polls > polls })
	w.untilListening()
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	if n := w.record().Calls[bpsim.PollEvents]; n > 4 {
		t.Errorf("%d polls: one is cut for all three commands", n)
	}
	w.checkAccount()
	w.checkGaps()
}

// A survey may come after the status that announces the end.
func TestSurveyAfterTheAnnouncedEnd(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"completed", "failed"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond, Linger: time.Minute})
			r.start()
			w := watchNew(r)
			w.untilListening()
			w.push(w.chat, status(state))
			r.awaitStored(w.chat, ".event.status", 1)
			w.push(w.chat, map[string]any{"event": "chat_session_form_show", "form_request_id": 7, "form_name": "survey"})
			r.awaitStored(w.chat, ".event.form_show", 1)
			r.must("chat.form", map[string]any{"chatId": w.chat, "formRequestId": "7", "formName": "survey", "data": map[string]any{"stars": 5}})
			w.check(r.sim.End(w.chat))
			w.awaitEnd(schema.CloseReason(state))
			w.checkTrail("session.opened", "status/poll", "form_show/poll", "ended/poll", "session.closed")
			w.checkAccount()
			w.checkClosedEntry(schema.CloseReason(state))
		})
	}
}

// Without a survey the chat is closed when nothing has come for a while, or when
// the contact center knows it no more.
func TestAnnouncedEndWithoutASurvey(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		linger, missing, announced time.Duration
		fault                      bpsim.Fault // of each poll, once the end is announced
	}{
		"silence":            {time.Hour, time.Hour, time.Second, bpsim.Fault{}},
		"no session":         {time.Second, time.Second, time.Hour, bpsim.Fault{}},
		"nothing but errors": {time.Hour, time.Hour, time.Second, bpsim.Fault{Kind: "status", Status: 500, Code: "5500"}},
		"another's poll":     {time.Hour, time.Hour, time.Second, bpsim.Fault{Kind: "status", Status: 400, Code: "5509"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond, Linger: c.linger}, hasten(c.missing, 0, c.announced))
			r.start()
			w := watchNew(r)
			w.push(w.chat, status("completed"))
			r.awaitStored(w.chat, ".event.status", 1)
			if c.fault.Kind != "" {
				c.fault.Method = bpsim.PollEvents
				w.inject(c.fault)
			}
			w.awaitEnd(schema.ClosedCompleted)
			w.checkClosedEntry(schema.ClosedCompleted)
			w.checkTrail("session.opened", "status/poll", "session.closed")
			w.checkGaps()
		})
	}
}

// A state that follows takes the announcement back.
func TestAnnouncedEndIsTakenBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 100 * time.Millisecond, Linger: time.Hour}, hasten(0, 0, 300*time.Millisecond))
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.push(w.chat, status("completed"))
	w.push(w.chat, status("connected"))
	r.awaitStored(w.chat, ".event.status", 2)
	polls := w.record().Polls
	w.until("it has been polled on", func(r bpsim.Record) bool { return r.Polls > polls+8 })
	if !w.hasToken() || len(w.sessions("closed")) != 0 {
		t.Error("the chat is closed")
	}
}

// The next holder knows that the end was announced.
func TestAnnouncedEndOutlivesTheHolder(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond, Linger: time.Hour}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	w.push(w.chat, status("completed"))
	r.awaitStored(w.chat, ".event.status", 1)
	first.stop()
	hasten(0, 0, time.Second)(r)
	r.start()
	w.push(w.chat, map[string]any{"event": "chat_session_form_show", "form_request_id": 7, "form_name": "survey"})
	r.awaitStored(w.chat, ".event.form_show", 1)
	w.awaitEnd(schema.ClosedCompleted)
	w.checkAccountUnordered()
}
