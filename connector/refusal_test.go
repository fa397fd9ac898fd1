package connector_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// gauge is the value of a metric's series with one label of that value.
func (r *replica) gauge(t *testing.T, name, label string) float64 {
	t.Helper()
	value, found := r.metric(t, name, label)
	if !found {
		t.Fatalf("there is no metric %s of %s", name, label)
	}
	return value
}

// metric is a gauge's or a counter's; 0 and false where nothing has been counted.
func (r *replica) metric(t *testing.T, name, label string) (value float64, found bool) {
	t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name && m.GetLabel()[0].GetValue() == label {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue(), true
			}
		}
	}
	return 0, false
}

// What only an operator can mend is told loudly, and not asked for ever; when
// it is mended every chat goes on at once, and nothing is lost.
func TestContactCenterRefusesTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault bpsim.Fault
		says  string
	}{
		"app id":       {bpsim.Fault{Status: 403, Code: "3000"}, "CC_APP_ID"},
		"tenant":       {bpsim.Fault{Status: 400, Code: "1000"}, "CC_TENANT_URL"},
		"launch point": {bpsim.Fault{Status: 404, Code: "5006"}, "the launch point is there"},
		"header":       {bpsim.Fault{Status: 401, Code: "2001"}, "Authorization header"},
		"bare 401":     {bpsim.Fault{Status: 401}, "HTTP status 401"},
		"bare 403":     {bpsim.Fault{Status: 403, HTML: true}, "HTTP status 403"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: time.Minute})
			polls := countPolls(r)
			replica := r.start()
			w, other := watchNew(r), watchNew(r)
			w.untilListening()
			other.untilListening()
			for _, method := range []string{bpsim.PollEvents, bpsim.GetHistory} {
				c.fault.Method, c.fault.Kind = method, "status"
				injectInto(r, c.fault)
			}
			w.says("last before it") // ends the polls that are held
			other.says("last before it")
			r.eventually("readiness says it", func() bool {
				err := replica.Ready()
				return err != nil && strings.Contains(err.Error(), c.says) && strings.Contains(err.Error(), "the app main")
			})
			logged := func(words string) int { return strings.Count(r.log.String(), words) }
			r.eventually("both are refused", func() bool { return logged("polling does not succeed") == 2 })
			if replica.gauge(t, "cc_contact_center_refused", "main") != 1 || replica.gauge(t, "cc_contact_center_refused", "other") != 0 {
				t.Error("the metric does not say that main is refused, and only main")
			}
			before, told := polls.Load(), logged("refuses the app: its configuration")
			r.sitOut(6) // far longer than the first pauses of a back-off
			if replica.Ready() == nil {
				t.Error("ready though nothing has changed")
			}
			if n := polls.Load() - before; n > 2 { // one more of each, begun before the refusal was known
				t.Errorf("%d polls while the app was refused", n)
			}
			// A poll that was held until then is a good answer: it may have changed once in between.
			if n := logged("refuses the app: its configuration"); n != told || n > 2 {
				t.Errorf("it is logged %d times:\n%s", n, r.log)
			}

			w.says("while it lasted")
			other.says("while it lasted")
			r.sim.ClearFaults()
			r.must("chat.typing", map[string]any{"chatId": w.chat}) // any good answer for the app
			for _, chat := range []watched{w, other} {
				r.awaitStored(chat.chat, ".event.message", 2)
				chat.checkAccount()
				chat.checkGaps()
			}
			r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
			if replica.gauge(t, "cc_contact_center_refused", "main") != 0 {
				t.Error("the metric still says that main is refused")
			}
		})
	}
}

// One chat that is refused does not make the replica unready for good.
func TestOneRefusedChatIsNotTheApp(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	replica := r.start()
	refused, fine := watchNew(r), watchNew(r)
	refused.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusForbidden, Chat: refused.chat})
	r.eventually("it is told", func() bool { return strings.Contains(r.log.String(), "the contact center refuses the app") })
	fine.says("hello")
	r.awaitStored(fine.chat, ".event.message", 1)
	r.eventually("the connector is ready", func() bool { return replica.Ready() == nil })
	refused.says("hello, too")
	r.sim.ClearFaults()
	r.awaitStored(refused.chat, ".event.message", 1)
	refused.checkAccount()
}

// A history that is refused for the configuration is read when that is mended.
func TestHistoryRefusedForTheConfigurationIsNoGap(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: 403, Code: "3000"})
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: 403, Code: "3000"})
	w.inject(loss("lost", 1))
	w.says("lost")
	r.eventually("history and poll are refused", func() bool {
		log := r.log.String()
		return strings.Contains(log, "history cannot be read for the moment") && strings.Contains(log, `"reason":"chat_session_auth_header_bad_app_id"`)
	})
	r.sim.ClearFaults()
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkAccount()
	w.checkGaps()
}

// A clientId that somebody claims and does not have is no matter of the app.
func TestARefusedClaimIsNotTheApp(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	replica := r.start()
	injectInto(r, bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: http.StatusForbidden, Times: 1})
	if failed := r.call("chat.attach", map[string]any{"chatId": "theirs", "clientId": "mallory"}); failed.Error == nil {
		t.Errorf("the result is %+v", failed)
	}
	if err := replica.Ready(); err != nil {
		t.Errorf("readiness says %v", err)
	}
}
