package connector

import (
	"context"
	"errors"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
)

func refusedPoll(status int, code brightpattern.Code) *brightpattern.Error {
	return &brightpattern.Error{Method: "pollEvents", Status: status, Code: code, Reason: brightpattern.ReasonRefused, Effect: brightpattern.EffectNone}
}

func failedPoll(reason brightpattern.Reason, effect brightpattern.Effect) *brightpattern.Error {
	return &brightpattern.Error{Method: "pollEvents", Reason: reason, Effect: effect}
}

func TestJudgePoll(t *testing.T) {
	later := refusedPoll(429, "")
	later.RetryAfter = 7 * time.Second
	for name, c := range map[string]struct {
		err  error
		want pollVerdict
	}{
		"ok":                  {nil, pollVerdict{reason: "ok"}},
		"gone":                {refusedPoll(404, "5005"), pollVerdict{reason: "gone", gone: true}},
		"gone, as 400":        {refusedPoll(400, "5005"), pollVerdict{reason: "gone", gone: true}},
		"404 of a proxy":      {refusedPoll(404, ""), pollVerdict{reason: "refused"}},
		"too many polls":      {refusedPoll(429, "5509"), pollVerdict{reason: "chat_session_too_many_poll_requests", contended: true}},
		"too many, as 400":    {refusedPoll(400, "5509"), pollVerdict{reason: "chat_session_too_many_poll_requests", contended: true}},
		"429":                 {refusedPoll(429, ""), pollVerdict{reason: "refused"}},
		"429 and Retry-After": {later, pollVerdict{reason: "refused", pause: 7 * time.Second}},
		"500":                 {refusedPoll(500, ""), pollVerdict{reason: "refused"}},
		"503":                 {refusedPoll(503, "5001"), pollVerdict{reason: "chat_session_server_not_available"}},
		"unknown code":        {refusedPoll(400, "4711"), pollVerdict{reason: "refused"}},
		"unreachable":         {failedPoll(brightpattern.ReasonUnreachable, brightpattern.EffectNone), pollVerdict{reason: "unreachable"}},
		"timeout":             {failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectUnknown), pollVerdict{reason: "timeout", lost: true}},
		"timeout of a dial":   {failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectNone), pollVerdict{reason: "timeout"}},
		"cut":                 {failedPoll(brightpattern.ReasonCut, brightpattern.EffectUnknown), pollVerdict{reason: "cut", lost: true}},
		"unreadable":          {failedPoll(brightpattern.ReasonUnreadable, brightpattern.EffectUnknown), pollVerdict{reason: "unreadable", lost: true}},
		"canceled":            {failedPoll(brightpattern.ReasonCanceled, brightpattern.EffectUnknown), pollVerdict{reason: "canceled", lost: true}},
		"wrapped":             {errors.Join(errors.New("outer"), refusedPoll(404, "5005")), pollVerdict{reason: "gone", gone: true}},
		"no wire error":       {errors.New("odd"), pollVerdict{reason: "internal"}},
	} {
		if got := judgePoll(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Every code of the reference has its own label, and none but 5005 ends a chat.
func TestJudgePollKnowsEveryCode(t *testing.T) {
	labels := map[string]bool{}
	for _, code := range []brightpattern.Code{
		"1000", "2000", "2001", "2002", "2003", "2004", "3000", "5000", "5001", "5003", "5004", "5006", "5500", "5501",
		"5502", "5509", "5511", "5558", "5601", "5602", "5603", "5955",
	} {
		got := judgePoll(refusedPoll(500, code))
		if got.gone || got.lost || got.reason != code.Name() || labels[got.reason] {
			t.Errorf("%s: %+v", code, got)
		}
		labels[got.reason] = true
	}
}

var (
	pollOK     = pollVerdict{reason: "ok"}
	pollFailed = pollVerdict{reason: "unreachable"}
	pollLost   = pollVerdict{reason: "cut", lost: true}
)

func TestPaceOfGoodPolls(t *testing.T) {
	p := newPace()
	for _, c := range []struct {
		events int
		took   time.Duration
	}{{1, 0}, {500, time.Millisecond}, {1, time.Minute}, {0, shortestHold}, {0, time.Minute}} {
		if pause := p.after(pollOK, c.events, c.took); pause != 0 {
			t.Errorf("%d events after %v: a pause of %v", c.events, c.took, pause)
		}
	}
}

func TestPaceOfUnheldPolls(t *testing.T) {
	p := newPace()
	for i := range 20 {
		pause := p.after(pollOK, 0, shortestHold-1)
		if pause < firstPause/2 || pause > unheldPause {
			t.Errorf("pause %d is %v", i, pause)
		}
		if i > 5 && pause < unheldPause {
			t.Errorf("pause %d is only %v", i, pause)
		}
	}
}

func TestPaceOfFailingPolls(t *testing.T) {
	p := newPace()
	limit := firstPause
	for i := range 20 {
		pause := p.after(pollFailed, 0, time.Hour)
		if pause < limit/2 || pause > limit*3/2+1 {
			t.Errorf("pause %d is %v, want about %v", i, pause, limit)
		}
		limit = min(2*limit, longestPause)
	}
	p.after(pollOK, 1, 0)
	if pause := p.after(pollFailed, 0, 0); pause > firstPause*3/2+1 {
		t.Errorf("after a good poll the first pause is %v", pause)
	}
}

// What was lost comes from the history: the chat need not be deaf for long.
func TestPaceOfLostPolls(t *testing.T) {
	p := newPace()
	for i := range 20 {
		if pause := p.after(pollLost, 0, time.Hour); pause < firstPause/2 || pause > lostPause {
			t.Errorf("pause %d is %v", i, pause)
		}
	}
}

func TestPaceHonoursRetryAfter(t *testing.T) {
	for asked, least := range map[time.Duration]time.Duration{
		0: firstPause / 2, time.Minute: time.Minute, longestWish: longestWish, 24 * time.Hour: longestWish,
	} {
		pause := newPace().after(pollVerdict{reason: "refused", pause: asked}, 0, 0)
		if pause < least || pause > max(longestWish, firstPause*2) {
			t.Errorf("Retry-After %v: a pause of %v", asked, pause)
		}
	}
}

// A gateway's answer may be a lost one, and still say when to come back.
func TestPaceOfLostPollsHonoursRetryAfter(t *testing.T) {
	if pause := newPace().after(pollVerdict{reason: "refused", lost: true, pause: time.Minute}, 0, 0); pause < time.Minute {
		t.Errorf("a pause of %v", pause)
	}
}

func TestPaceNotesChangesOnly(t *testing.T) {
	p := newPace()
	for i, c := range []struct {
		reason  string
		changed bool
	}{{"ok", false}, {"ok", false}, {"cut", true}, {"cut", false}, {"timeout", true}, {"ok", true}, {"ok", false}} {
		if got := p.changed(c.reason); got != c.changed {
			t.Errorf("%d: %s changed: %v", i, c.reason, got)
		}
	}
	if !newPace().changed("cut") {
		t.Error("a first failure is no change")
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sleep(ctx, time.Hour)
	sleep(t.Context(), 0)
	sleep(t.Context(), -time.Hour)
}

func TestGapReason(t *testing.T) {
	for want, errs := range map[string][]error{
		"history_unreadable":  {failedPoll(brightpattern.ReasonUnreadable, brightpattern.EffectNone)},
		"history_unavailable": {refusedPoll(404, "5005"), failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectNone), errors.New("odd")},
	} {
		for _, err := range errs {
			if got := gapReason(err); string(got) != want {
				t.Errorf("%v: %s, want %s", err, got, want)
			}
		}
	}
}
