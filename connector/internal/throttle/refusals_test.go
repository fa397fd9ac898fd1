package throttle

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
)

func refusedPoll(status int, code brightpattern.Code) *brightpattern.Error {
	return &brightpattern.Error{Method: "pollEvents", IsRead: true, Status: status, Code: code, Reason: brightpattern.ReasonRefused, Effect: brightpattern.EffectNone}
}

func failedPoll(reason brightpattern.Reason, effect brightpattern.Effect) *brightpattern.Error {
	return &brightpattern.Error{Method: "pollEvents", Reason: reason, Effect: effect}
}

func TestRefusalsOfTheConfiguration(t *testing.T) {
	for _, c := range []struct {
		status int
		code   brightpattern.Code
		word   string // "": it is none
	}{
		{400, "1000", "CC_TENANT_URL"},
		{401, "2000", "CC_BASE_URL"}, {401, "2001", "CC_APP_ID"}, {401, "2002", "proxy"}, {401, "2003", "CC_APPS"}, {401, "2004", "clientId"},
		{403, "3000", "CC_APPS"}, {403, "5006", "launch point"},
		{401, "", "CC_BASE_URL"}, {403, "", "CC_BASE_URL"}, {403, "4711", "CC_BASE_URL"},
		{403, "5005", ""}, {404, "", ""}, {400, "", ""}, {429, "", ""}, {503, "5001", ""}, {500, "", ""},
	} {
		got, is := refusalIn(refusedPoll(c.status, c.code))
		if is != (c.word != "") || !strings.Contains(got.remedy, c.word) {
			t.Errorf("%d %s: %v %+v", c.status, c.code, is, got)
		}
	}
	for status, counts := range map[int]struct{ read, other bool }{
		301: {true, true}, 308: {true, true}, 302: {true, false}, 303: {true, false}, 307: {true, false}, 304: {}, 401: {true, false}, 403: {true, false},
	} {
		for _, isRead := range []bool{true, false} {
			e := refusedPoll(status, "")
			e.IsRead, e.Target = isRead, "https://other.example"
			got, is := refusalIn(e)
			if want := isRead && counts.read || !isRead && counts.other; is != want || want && status < 400 && !strings.Contains(got.says, e.Target) {
				t.Errorf("%d, of a read %v: it counts: %v: %+v", status, isRead, is, got)
			}
			if status < 400 && IsMisconfigured(e) {
				t.Errorf("%d: a redirect is not asked about again", status)
			}
		}
	}
	if got, _ := refusalIn(refusedPoll(301, "")); !strings.Contains(got.says, "no address") {
		t.Errorf("without a target it says %q", got.says)
	}
	if IsMisconfigured(nil) || IsMisconfigured(failedPoll(brightpattern.ReasonCut, brightpattern.EffectUnknown)) {
		t.Error("no answer, and no error, are refusals")
	}
}

// A file may be refused for what is in it, and lie elsewhere: that says nothing
// of the app. A code does, whatever was asked for.
func TestRefusedFilesSayNothingOfTheApp(t *testing.T) {
	for _, method := range []string{"getFile", "getProfilePhoto"} {
		for _, c := range []struct {
			status int
			code   brightpattern.Code
			counts bool
		}{{401, "", false}, {403, "", false}, {301, "", false}, {302, "", false}, {403, "3000", true}} {
			e := refusedPoll(c.status, c.code)
			e.Method = method
			if _, is := refusalIn(e); is != c.counts {
				t.Errorf("%s: %d %s counts: %v", method, c.status, c.code, is)
			}
		}
	}
}

// told is what the refusals have said.
func told(t *testing.T) (*Refusals, *bytes.Buffer, func(app string) float64) {
	t.Helper()
	var log bytes.Buffer
	gauge := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "refused"}, []string{"app"})
	apps := map[brightpattern.AppID]string{"app-1": "main", "app-2": "other"}
	r := NewRefusals(apps, gauge, slog.New(slog.NewJSONHandler(&log, nil)))
	return r, &log, func(app string) float64 { return gaugeOf(t, gauge, app) }
}

// heard has the refusals learn of a call.
func heard(r *Refusals, cred brightpattern.Credentials, method string, err error) {
	r.Heard(context.Background(), brightpattern.Observation{Credentials: cred, Method: method, Err: err})
}

func TestRefusalsAreToldOnceAChange(t *testing.T) {
	r, log, gauge := told(t)
	main, other := brightpattern.Credentials{App: "app-1"}, brightpattern.Credentials{App: "app-2"}
	for range 3 {
		heard(r, main, "pollEvents", refusedPoll(403, "3000"))
	}
	heard(r, other, "pollEvents", nil)
	if err := r.Check(); err == nil || !strings.Contains(err.Error(), "the app main") || !strings.Contains(err.Error(), "3000") || strings.Contains(err.Error(), "other") {
		t.Errorf("readiness says %v", err)
	}
	heard(r, main, "pollEvents", refusedPoll(403, "5006"))
	if n := strings.Count(log.String(), `"level":"ERROR"`); n != 2 || gauge("main") != 1 || gauge("other") != 0 {
		t.Errorf("%d errors, gauges %v and %v:\n%s", n, gauge("main"), gauge("other"), log)
	}
	heard(r, main, "pollEvents", nil)
	if err := r.Check(); err != nil || gauge("main") != 0 || !strings.Contains(log.String(), "accepts the app again") {
		t.Errorf("after a good answer: %v, %v:\n%s", err, gauge("main"), log)
	}
}

// A target that is always another one does not flood the log; readiness names the last.
func TestRedirectsAreToldOnceInAWhile(t *testing.T) {
	r, log, _ := told(t)
	for _, target := range []string{"https://a.example", "https://b.example", "https://c.example"} {
		e := refusedPoll(301, "")
		e.Target = target
		heard(r, brightpattern.Credentials{App: "app-1"}, "pollEvents", e)
	}
	if n := strings.Count(log.String(), `"level":"ERROR"`); n != 1 {
		t.Errorf("%d errors:\n%s", n, log)
	}
	if err := r.Check(); err == nil || !strings.Contains(err.Error(), "c.example") {
		t.Errorf("readiness says %v", err)
	}
}

// Only who knows the app can refuse a call for its own sake.
func TestWhatEndsARefusal(t *testing.T) {
	main := brightpattern.Credentials{App: "app-1"}
	for name, c := range map[string]struct {
		method string
		err    error
		ends   bool
	}{
		"a good answer":      {"sendEvents", nil, true},
		"the version":        {"getVersion", nil, false},
		"no such chat":       {"pollEvents", refusedPoll(404, "5005"), true},
		"a second poll":      {"pollEvents", refusedPoll(429, "5509"), true},
		"a gateway":          {"pollEvents", refusedPoll(502, ""), false},
		"nobody there":       {"pollEvents", refusedPoll(503, "5001"), false},
		"a proxy's 404":      {"pollEvents", refusedPoll(404, ""), false},
		"a page":             {"pollEvents", failedPoll(brightpattern.ReasonUnreadable, brightpattern.EffectUnknown), false},
		"an answer cut":      {"pollEvents", failedPoll(brightpattern.ReasonCut, brightpattern.EffectUnknown), false},
		"a call not written": {"pollEvents", failedPoll(brightpattern.ReasonInvalid, brightpattern.EffectNone), false},
	} {
		r, _, _ := told(t)
		heard(r, main, "pollEvents", refusedPoll(403, ""))
		heard(r, main, c.method, c.err)
		if ended := r.Check() == nil; ended != c.ends {
			t.Errorf("%s ends it: %v", name, ended)
		}
	}
}

func TestWaitingForTheEndOfARefusal(t *testing.T) {
	r, _, _ := told(t)
	main := brightpattern.Credentials{App: "app-1"}
	r.Wait(t.Context(), "app-1") // nothing to wait for
	heard(r, main, "pollEvents", refusedPoll(403, "3000"))
	r.Wait(t.Context(), "app-2")
	done := make(chan struct{})
	go func() { defer close(done); r.Wait(t.Context(), "app-1") }()
	heard(r, main, "pollEvents", refusedPoll(403, "5006")) // another one is no end
	select {
	case <-done:
		t.Fatal("it did not wait")
	default:
	}
	heard(r, main, "pollEvents", nil)
	<-done
}
