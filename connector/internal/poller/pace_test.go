package poller

import (
	"errors"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/retry"
)

func refusedPoll(status int, code brightpattern.Code) *brightpattern.Error {
	return &brightpattern.Error{Method: "pollEvents", IsRead: true, Status: status, Code: code, Reason: brightpattern.ReasonRefused, Effect: brightpattern.EffectNone}
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
		"ok":                  {nil, pollVerdict{outcome: pollAnswered, reason: "ok"}},
		"gone":                {refusedPoll(404, "5005"), pollVerdict{outcome: pollMissed, reason: "gone"}},
		"gone, as 400":        {refusedPoll(400, "5005"), pollVerdict{outcome: pollMissed, reason: "gone"}},
		"404 of a proxy":      {refusedPoll(404, ""), pollVerdict{outcome: pollUnfound, reason: "refused"}},
		"301":                 {refusedPoll(301, ""), pollVerdict{outcome: pollFailed, reason: "refused"}},
		"too many polls":      {refusedPoll(429, "5509"), pollVerdict{outcome: pollContended, reason: "chat_session_too_many_poll_requests", isWord: true}},
		"too many, as 400":    {refusedPoll(400, "5509"), pollVerdict{outcome: pollContended, reason: "chat_session_too_many_poll_requests", isWord: true}},
		"429":                 {refusedPoll(429, ""), pollVerdict{outcome: pollFailed, reason: "refused", pays: true}},
		"429 and Retry-After": {later, pollVerdict{outcome: pollFailed, reason: "refused", retryAfter: 7 * time.Second, pays: true}},
		"500":                 {refusedPoll(500, ""), pollVerdict{outcome: pollFailed, reason: "refused", pays: true}},
		"an error inside":     {refusedPoll(500, "5500"), pollVerdict{outcome: pollFailed, reason: "chat_session_internal_server_error", pays: true, isWord: true}},
		"503":                 {refusedPoll(503, "5001"), pollVerdict{outcome: pollFailed, reason: "chat_session_server_not_available", pays: true}},
		"unknown code":        {refusedPoll(400, "4711"), pollVerdict{outcome: pollFailed, reason: "refused"}},
		"unreachable":         {failedPoll(brightpattern.ReasonUnreachable, brightpattern.EffectNone), pollVerdict{outcome: pollFailed, reason: "unreachable", pays: true}},
		"timeout":             {failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectUnknown), pollVerdict{outcome: pollLost, reason: "timeout", pays: true}},
		"timeout of a dial":   {failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectNone), pollVerdict{outcome: pollFailed, reason: "timeout", pays: true}},
		"cut":                 {failedPoll(brightpattern.ReasonCut, brightpattern.EffectUnknown), pollVerdict{outcome: pollLost, reason: "cut", pays: true}},
		"unreadable":          {failedPoll(brightpattern.ReasonUnreadable, brightpattern.EffectUnknown), pollVerdict{outcome: pollLost, reason: "unreadable", pays: true}},
		"canceled":            {failedPoll(brightpattern.ReasonCanceled, brightpattern.EffectUnknown), pollVerdict{outcome: pollLost, reason: "canceled"}},
		"401":                 {refusedPoll(401, ""), pollVerdict{outcome: pollRefused, reason: "refused"}},
		"unknown app":         {refusedPoll(403, "3000"), pollVerdict{outcome: pollRefused, reason: brightpattern.Code("3000").Name()}},
		"of a gateway":        {refusedPoll(504, ""), pollVerdict{outcome: pollLost, reason: "refused", pays: true}},
		"wrapped":             {errors.Join(errors.New("outer"), refusedPoll(404, "5005")), pollVerdict{outcome: pollMissed, reason: "gone"}},
		"no wire error":       {errors.New("odd"), pollVerdict{outcome: pollFailed, reason: "internal"}},
	} {
		if got := judgePoll(c.err); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Every code of the reference has its own label, and none but 5005 finds no session.
func TestJudgePollKnowsEveryCode(t *testing.T) {
	labels := map[string]bool{}
	for _, code := range []brightpattern.Code{
		"1000", "2000", "2001", "2002", "2003", "2004", "3000", "5000", "5001", "5003", "5004", "5006", "5500", "5501",
		"5502", "5509", "5511", "5558", "5601", "5602", "5603", "5955",
	} {
		got := judgePoll(refusedPoll(500, code))
		if got.outcome == pollMissed || got.outcome == pollLost || got.reason != code.Name() || labels[got.reason] {
			t.Errorf("%s: %+v", code, got)
		}
		labels[got.reason] = true
	}
}

var (
	goodPoll    = pollVerdict{outcome: pollAnswered, reason: "ok"}
	failingPoll = pollVerdict{outcome: pollFailed, reason: "unreachable"}
	lostPoll    = pollVerdict{outcome: pollLost, reason: "cut"}
)

func TestPaceOfGoodPolls(t *testing.T) {
	p := newPace()
	for _, c := range []struct {
		events int
		took   time.Duration
	}{{1, 0}, {500, time.Millisecond}, {1, time.Minute}, {0, shortestHold}, {0, time.Minute}} {
		if pause := p.after(goodPoll, c.events, c.took).pause; pause != 0 {
			t.Errorf("%d events after %v: a pause of %v", c.events, c.took, pause)
		}
	}
}

func TestPaceOfUnheldPolls(t *testing.T) {
	p := newPace()
	for i := range 20 {
		pause := p.after(goodPoll, 0, shortestHold-1).pause
		if pause < retry.FirstPause/2 || pause > unheldPause {
			t.Errorf("pause %d is %v", i, pause)
		}
		if i > 5 && pause < unheldPause {
			t.Errorf("pause %d is only %v", i, pause)
		}
	}
}

func TestPaceOfFailingPolls(t *testing.T) {
	p := newPace()
	limit := retry.FirstPause
	for i := range 20 {
		pause := p.after(failingPoll, 0, time.Hour).pause
		if pause < limit/2 || pause > limit*3/2+1 {
			t.Errorf("pause %d is %v, want about %v", i, pause, limit)
		}
		limit = min(2*limit, longestPause)
	}
	p.after(goodPoll, 1, 0)
	if pause := p.after(failingPoll, 0, 0).pause; pause > retry.FirstPause*3/2+1 {
		t.Errorf("after a good poll the first pause is %v", pause)
	}
}

// What was lost comes from the history: the chat need not be deaf for long.
func TestPaceOfLostPolls(t *testing.T) {
	p := newPace()
	for i := range 20 {
		if pause := p.after(lostPoll, 0, time.Hour).pause; pause < retry.FirstPause/2 || pause > lostPause {
			t.Errorf("pause %d is %v", i, pause)
		}
	}
}

func TestPaceHonoursRetryAfter(t *testing.T) {
	for asked, least := range map[time.Duration]time.Duration{
		0: retry.FirstPause / 2, time.Minute: time.Minute, retry.LongestRetryAfter: retry.LongestRetryAfter, 24 * time.Hour: retry.LongestRetryAfter,
	} {
		p := newPace()
		pause := p.after(pollVerdict{outcome: pollFailed, reason: "refused", retryAfter: asked}, 0, 0).pause
		if pause < least || pause > max(retry.LongestRetryAfter, retry.FirstPause*2) {
			t.Errorf("Retry-After %v: a pause of %v", asked, pause)
		}
	}
}

// A gateway's answer may be a lost one, and still say when to come back.
func TestPaceOfLostPollsHonoursRetryAfter(t *testing.T) {
	p := newPace()
	if pause := p.after(pollVerdict{outcome: pollLost, reason: "refused", retryAfter: time.Minute}, 0, 0).pause; pause < time.Minute {
		t.Errorf("a pause of %v", pause)
	}
}

func TestPaceNotesChangesOnly(t *testing.T) {
	p := newPace()
	for i, c := range []struct {
		poll   pollVerdict
		isNews bool
	}{{goodPoll, false}, {goodPoll, false}, {lostPoll, true}, {lostPoll, false}, {failingPoll, true}, {goodPoll, true}, {goodPoll, false}} {
		if next := p.after(c.poll, 0, 0); next.isNews != c.isNews {
			t.Errorf("%d: %s is news: %v", i, c.poll.reason, next.isNews)
		}
	}
	if fresh := newPace(); !fresh.after(lostPoll, 0, 0).isNews {
		t.Error("a first failure is no news")
	}
}

// A chat is handed over as complete only after a good poll, and when no answer
// can be on its way.
func TestPollsAreComplete(t *testing.T) {
	var p polls
	now := time.Now()
	for _, step := range []struct {
		name     string
		do       func()
		complete bool
	}{
		{"before the first", func() {}, false},
		{"begun", p.begin, true},
		{"sent", func() { p.send(now) }, false},
		{"arrived", p.arrived, true},
		{"sent and lost", func() { p.send(now.Add(time.Second)) }, false},
	} {
		if step.do(); p.areComplete() != step.complete {
			t.Errorf("%s: complete: %v", step.name, p.areComplete())
		}
	}
	if !p.open.Equal(now.Add(time.Second)) {
		t.Errorf("it is open since %v", p.open)
	}
}

// A chat that is refused while its app is not is polled more and more rarely.
func TestPaceOfRefusedPolls(t *testing.T) {
	p, refused := newPace(), judgePoll(refusedPoll(403, "3000"))
	limit := retry.FirstPause
	for i := range 20 {
		next := p.after(refused, 0, 0)
		if next.pause < limit/2 || next.pause > limit*3/2+1 || !next.whenAccepted {
			t.Errorf("pause %d is %v, want about %v; waits for the app: %v", i, next.pause, limit, next.whenAccepted)
		}
		limit = min(2*limit, retry.LongestRetryAfter)
	}
	if next := p.after(goodPoll, 1, 0); next.pause != 0 || next.whenAccepted {
		t.Errorf("a good poll is followed by %+v", next)
	}
	if pause := p.after(refused, 0, 0).pause; pause > retry.FirstPause*3/2+1 {
		t.Errorf("after a good poll the first pause is %v", pause)
	}
}
