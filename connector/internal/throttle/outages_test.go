package throttle

import (
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
)

var names = AppNames{"app-1": "main", "app-2": "other"}

// calls are what calls come to, one a second; ok is a good answer.
func (o *Outages) calls(app brightpattern.AppID, from time.Time, errs ...error) (now time.Time) {
	now = from
	for _, err := range errs {
		now = now.Add(time.Second)
		o.heard(app, err, func() time.Time { return now })
	}
	return now
}

func TestOutages(t *testing.T) {
	start := time.Now()
	away := failedPoll(brightpattern.ReasonUnreachable, brightpattern.EffectNone)
	canceled := failedPoll(brightpattern.ReasonCanceled, brightpattern.EffectUnknown)
	for name, c := range map[string]struct {
		calls []error
		is    bool
	}{
		"too few":              {[]error{away, away}, false},
		"a row":                {[]error{away, away, away}, true},
		"a good answer":        {[]error{away, away, away, nil}, false},
		"a refusal":            {[]error{away, away, away, refusedPoll(404, "5005")}, false},
		"one that we cut":      {[]error{away, away, canceled, away}, true},
		"nothing but our cuts": {[]error{canceled, canceled, canceled}, false},
		"gateways":             {[]error{refusedPoll(502, ""), refusedPoll(503, ""), refusedPoll(504, "")}, true},
	} {
		o := NewOutages(names)
		now := o.calls("app-1", start, c.calls...)
		o.calls("app-2", start, nil)
		got := o.faults(now)
		if (len(got) == 1) != c.is || len(got) > 1 {
			t.Errorf("%s: %v", name, got)
			continue
		}
		if c.is && (got[0].Name != "main" || !strings.Contains(got[0].Err.Error(), "the app main") || !got[0].Since.Equal(start.Add(time.Second)) || !got[0].Last.Equal(now)) {
			t.Errorf("%s: it is %+v", name, got[0])
		}
	}
}

// What nobody has tried again for long says nothing, and does not count towards the next outage.
func TestOutagesAreForgotten(t *testing.T) {
	away := failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectUnknown)
	o := NewOutages(names)
	now := o.calls("app-1", time.Now(), away, away, away)
	if got := o.faults(now.Add(outageMemory)); len(got) != 1 {
		t.Errorf("as long as it may be tried again: %v", got)
	}
	later := now.Add(outageMemory + time.Second)
	if got := o.faults(later); len(got) != 0 {
		t.Errorf("later: %v", got)
	}
	now = o.calls("app-1", later, away, away)
	if got := o.faults(now); len(got) != 0 {
		t.Errorf("two of another outage: %v", got)
	}
	asked := refusedPoll(429, "")
	asked.RetryAfter = time.Minute
	now = o.calls("app-1", now, asked)
	if got := o.faults(now.Add(outageMemory + time.Minute)); len(got) != 1 {
		t.Errorf("when it has asked for time: %v", got)
	}
}
