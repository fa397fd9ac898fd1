package connector_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// What a proxy, a firewall or a maintenance page says in the contact center's place.

// hasten shortens the patience with a session's end.
func hasten(missing, unfound, announced time.Duration) func(*rig) {
	return func(r *rig) { r.config.Hasten(missing, unfound, announced) }
}

// aside answers calls in the contact center's place while it is on.
type aside struct {
	on     atomic.Bool
	struck atomic.Int64
}

func (a *aside) handle(answer func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(rw http.ResponseWriter, request *http.Request) bool {
		if !a.on.Load() || !answer(rw, request) {
			return false
		}
		a.struck.Add(1)
		return true
	}
}

// Whatever stands in place of every read for a while is one outage: nothing is
// told of it but what the history gives back afterwards.
func TestOutageThatLooksLikeAnAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
	}{
		"maintenance page":      {200, "<html><h1>We will be back soon</h1></html>"},
		"page of status 404":    {404, "<html>no backend</html>"},
		"empty 200 of no kind":  {200, "OK"},
		"another's JSON":        {200, `{"status":"maintenance"}`},
		"an error as an answer": {200, `{"error_code":"5500","error_message":"later"}`},
		"a part":                {206, `{"events":[]}`},
		"portal":                {302, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond})
			outage := &aside{}
			intercept(r, outage.handle(func(rw http.ResponseWriter, request *http.Request) bool {
				if request.Method != http.MethodGet {
					return false
				}
				if c.status == http.StatusFound {
					rw.Header().Set("Location", "https://portal.example/login")
				}
				rw.WriteHeader(c.status)
				_, _ = rw.Write([]byte(c.body))
				return true
			}))
			r.start()
			w := watchNew(r)
			w.untilListening()
			w.says("one")
			r.awaitStored(w.chat, ".event.message", 1)
			w.inject(loss("lost", 1)) // with the answer that is the last one before
			outage.on.Store(true)
			w.says("two")
			r.eventually("it has lasted", func() bool { return outage.struck.Load() > 4 })
			outage.on.Store(false)
			r.awaitStored(w.chat, ".event.message", 2)
			w.says("three")
			r.awaitStored(w.chat, ".event.message", 3)
			w.untilListening()
			w.checkAccountUnordered()
			w.checkGaps()
		})
	}
}

// An answer is lost, no history is to be had, and then the session is gone: that
// is one loss.
func TestOneLossIsOneGap(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "page"})
	w.inject(loss("lost", 1))
	w.says("lost")
	r.eventually("the history is missed", func() bool { return strings.Contains(r.log.String(), "history cannot be read for the moment") })
	w.check(r.sim.Forget(w.chat))
	w.awaitEnd(schema.ClosedGone)
	w.checkGapsApart()
	if gaps := w.sessions("gap"); len(gaps) != 1 {
		t.Errorf("%d gaps for one loss:\n%s", len(gaps), strings.Join(w.trail(), "\n"))
	}
}

// checkGapsApart proves that no gap reaches back into another one.
func (w watched) checkGapsApart() {
	w.Helper()
	var last *schema.SessionGap
	for _, s := range w.sessions("gap") {
		gap := s.(*schema.SessionGap)
		if gap.To.Before(gap.From.Time) || last != nil && gap.From.Before(last.To.Time) {
			w.Errorf("a gap is from %v to %v, after %+v", gap.From, gap.To, last)
		}
		last = gap
	}
}

// A firewall that refuses what a customer writes says nothing of the app.
func TestFirewallRefusesAMessage(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusForbidden, http.StatusUnauthorized} {
		r := newRig(t, bpsim.Options{})
		replica := r.start()
		w := watchNew(r)
		w.inject(bpsim.Fault{Kind: "status", Status: status, HTML: true, Body: "<script>"})
		sent := map[string]any{"chatId": w.chat, "text": "<script>alert(1)</script>"}
		failed := r.call("chat.send", sent)
		if e := failed.Error; e == nil || e.Code != schema.CodeBadStatusCode || e.Outcome != schema.OutcomeNotDone || e.HTTPStatus != status || e.Retryable {
			t.Errorf("the result is %+v", failed.Error)
		}
		if err := replica.Ready(); err != nil {
			t.Errorf("readiness says %v", err)
		}
		if replica.gauge(t, "cc_contact_center_refused", "main") != 0 || strings.Contains(r.log.String(), `"level":"ERROR"`) {
			t.Errorf("the app is called refused:\n%s", r.log)
		}
		r.must("chat.send", map[string]any{"chatId": w.chat, "text": "hello"})
	}
}

// Who has moved says so to every call, and nobody follows.
func TestRedirectsAreTold(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 307, 308} {
		r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond})
		moved := &aside{}
		intercept(r, moved.handle(func(rw http.ResponseWriter, request *http.Request) bool {
			http.Redirect(rw, request, "https://moved.example/clientweb?clientId=s3cr3t", status)
			return true
		}))
		replica := r.start()
		w := watchNew(r)
		moved.on.Store(true)
		r.eventually("readiness says it", func() bool {
			err := replica.Ready()
			return err != nil && strings.Contains(err.Error(), "https://moved.example") && strings.Contains(err.Error(), "CC_BASE_URL")
		})
		failed := r.call("chat.send", map[string]any{"chatId": w.chat, "text": "hello"})
		if e := failed.Error; e == nil || e.Code != schema.CodeBadStatusCode || e.Outcome != schema.OutcomeNotDone || !strings.Contains(e.Message, "https://moved.example") {
			t.Errorf("the result is %+v", failed.Error)
		}
		if log := r.log.String(); !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "https://moved.example") || strings.Contains(log, "s3cr3t") {
			t.Errorf("the log is\n%s", log)
		}
		moved.on.Store(false)
		w.says("one")
		r.awaitStored(w.chat, ".event.message", 1)
		r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
		w.checkGaps()
	}
}

// Without a chat, too, an address that has moved is told, and one call that is
// sent elsewhere is not.
func TestRedirectedCommands(t *testing.T) {
	t.Parallel()
	for status, isTold := range map[int]bool{301: true, 308: true, 302: false, 307: false} {
		r := newRig(t, bpsim.Options{})
		intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
			http.Redirect(rw, request, "https://moved.example/", status)
			return true
		})
		replica := r.start()
		if e := r.call("chat.request", map[string]any{"from": "Ada"}).Error; e == nil || e.Code != schema.CodeBadStatusCode || e.Outcome != schema.OutcomeNotDone || !strings.Contains(e.Message, "https://moved.example") {
			t.Errorf("%d: the result is %+v", status, e)
		}
		if err := replica.Ready(); (err != nil) != isTold {
			t.Errorf("%d: readiness says %v", status, err)
		}
	}
}

// A proxy that has lost its way to one chat is believed after a long time.
func TestChatThatNobodyFinds(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond}, aDayToFailOver, hasten(0, 2*time.Second, 0))
	replica := r.start()
	w, fine := watchNew(r), watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Kind: "status", Status: 404, HTML: true, Chat: w.chat, For: time.Second})
	r.eventually("the fault has passed", func() bool { return len(r.sim.Faults()) == 0 })
	w.says("still there")
	r.awaitStored(w.chat, ".event.message", 1)
	w.inject(bpsim.Fault{Kind: "status", Status: 404, HTML: true, Chat: w.chat})
	w.awaitEnd(schema.ClosedGone)
	w.checkGaps()
	fine.says("hello")
	r.awaitStored(fine.chat, ".event.message", 1)
	if err := replica.Ready(); err != nil {
		t.Errorf("readiness says %v", err)
	}
}

// As long as one of the two is answered by the contact center, nothing is gone.
func TestChatThatOnlyTheHistoryFinds(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond}, aDayToFailOver, hasten(0, 300*time.Millisecond, 0))
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: 404, Times: 5})
	r.eventually("polls are not found", func() bool { return len(r.sim.Faults()) == 0 })
	w.says("still there")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkGaps()
	w.checkAccount()
}

// A good status without what is due in the answer is no good answer.
func TestAnswersWithoutWhatIsDue(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	var body atomic.Pointer[string]
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if text := body.Load(); text != nil && !isEvents(request) {
			_, _ = rw.Write([]byte(*text))
			return true
		}
		return false
	})
	r.start()
	chat := r.openChat()
	for command, bodies := range map[string][]string{
		"service.version":       {`{"server_version":{"a":[1]}}`, `{}`, `{"server_version":null}`, "<html>", ""},
		"service.availability":  {`{"chat":5}`, `{"ewt":"3"}`},
		"service.parameters":    {`{"parameters":{}}`, `{}`, `{"parameters":["PHONE"]}`, `{"parameters":null}`},
		"service.configuration": {`[]`, `"down"`},
		"service.iceservers":    {`{"servers":[{}]}`, `{}`, `{"servers":null}`},
		"chat.request":          {`{"state":"queued","is_new_chat":true}`, `{"chat_id":5,"state":"queued","is_new_chat":true}`, `{"chat_id":"c","state":5,"is_new_chat":true}`},
		"chat.history":          {`{"events":{}}`, `{}`, `{"events":null}`, ""},
		"case.history":          {`{"sessions":{}}`, `{}`, `{"sessions":[{}]}`, `{"sessions":null}`},
		"case.close":            {`"done"`, "<html>"},
	} {
		data := map[string]any{}
		if command == "chat.request" {
			data["from"] = "Ada"
		} else if !strings.HasPrefix(command, "service.") {
			data["chatId"] = chat
		}
		for _, text := range bodies {
			body.Store(&text)
			if e := r.call(command, data).Error; e == nil || e.Code != schema.CodeUnexpectedResponse {
				t.Errorf("%s, %s: %+v", command, text, e)
			}
		}
	}
}
