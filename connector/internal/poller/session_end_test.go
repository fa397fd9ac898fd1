package poller

import (
	"testing"
	"time"

	"cc-connector/schema"
)

// What ends a session, and what does not yet: the state before, what comes, and
// whether it is over with that.
func TestSessionEnds(t *testing.T) {
	p := Patience{}.WithDefaults()
	var s sessionEnd
	poll := func(answer func(*sessionEnd, time.Time, Patience) bool) func(time.Time) bool {
		return func(now time.Time) bool { return answer(&s, now, p) }
	}
	well, missed, unfound := poll((*sessionEnd).pollAnswered), poll((*sessionEnd).pollMissed), poll((*sessionEnd).pollUnfound)
	event := func(state string) func(time.Time) bool {
		return func(now time.Time) bool { s.eventCame(state, now); return false }
	}
	history := func(time.Time) bool { s.historyFound(); return false }
	noHistory := func(time.Time) bool { return s.historyMissed() }
	failed := func(now time.Time) bool { return s.pollFailed(false, now, p) }
	word := func(now time.Time) bool { return s.pollFailed(true, now, p) }
	noAnswer := func(time.Time) bool { s.historyFailed(); return false }
	history404 := func(time.Time) bool { s.historyUnfound(); return false }
	type step struct {
		at   int
		do   func(time.Time) bool
		over bool
	}
	for name, steps := range map[string][]step{
		"connected, and silent":              {{0, event("connected"), false}, {3600, well, false}},
		"completed, and silent":              {{0, event("completed"), false}, {59, well, false}, {60, well, true}},
		"failed, and silent":                 {{0, event("failed"), false}, {60, well, true}},
		"completed, and a survey":            {{0, event("completed"), false}, {30, event("completed"), false}, {89, well, false}, {90, well, true}},
		"completed, and connected again":     {{0, event("completed"), false}, {30, event("connected"), false}, {3600, well, false}},
		"missing to poll and history":        {{0, missed, false}, {1, noHistory, true}},
		"missing to the history alone":       {{0, well, false}, {1, noHistory, false}},
		"missing once":                       {{0, missed, false}, {1, history, false}, {2, well, false}, {3, noHistory, false}, {20, missed, false}},
		"missing for long":                   {{0, missed, false}, {1, history, false}, {9, missed, false}, {10, missed, true}},
		"bare 404s for long":                 {{0, unfound, false}, {1, history404, false}, {599, unfound, false}, {600, unfound, true}},
		"bare 404s of polls alone":           {{0, unfound, false}, {1, history, false}, {600, unfound, false}, {601, unfound, false}, {602, history404, false}, {1201, unfound, true}},
		"bare 404s, and a poll between":      {{0, unfound, false}, {1, history404, false}, {300, well, false}, {600, unfound, false}, {601, history404, false}, {1200, unfound, true}},
		"bare 404s around an outage":         {{0, unfound, false}, {1, history404, false}, {2, failed, false}, {600, unfound, false}, {601, history404, false}, {602, noAnswer, false}, {1200, unfound, false}},
		"missing around an outage":           {{0, missed, false}, {1, history, false}, {2, failed, false}, {12, missed, false}},
		"completed, and no answers":          {{0, event("completed"), false}, {60, failed, false}, {3600, failed, false}, {3601, well, true}},
		"completed, and nothing but errors":  {{0, event("completed"), false}, {59, word, false}, {60, word, true}},
		"connected, and nothing but errors":  {{0, event("connected"), false}, {3600, word, false}},
		"missing around an error":            {{0, missed, false}, {1, history, false}, {2, word, false}, {12, missed, false}},
		"bare 404s, and no history asked":    {{0, unfound, false}, {600, unfound, false}},
		"a bare 404 of the history, earlier": {{0, history404, false}, {1, unfound, false}, {601, unfound, false}},
	} {
		s = sessionEnd{}
		for i, step := range steps {
			if over := step.do(second(step.at)); over != step.over {
				t.Errorf("%s, step %d: over: %v", name, i, over)
			}
		}
	}
}

func TestReasonOfTheEnd(t *testing.T) {
	for state, want := range map[string]schema.CloseReason{"": schema.ClosedGone, "connected": schema.ClosedGone, "failed": schema.ClosedFailed, "completed": schema.ClosedCompleted} {
		var s sessionEnd
		s.eventCame(state, second(0))
		if got := s.reason(schema.ClosedGone); got != want {
			t.Errorf("%q: closed for %s, want %s", state, got, want)
		}
	}
}

// However many commands find no session, a poll is cut once in a while.
func TestPollsAreCutSeldom(t *testing.T) {
	p := Patience{}.WithDefaults()
	var s sessionEnd
	for i, step := range []struct {
		at  int
		cut bool
	}{{0, true}, {1, false}, {2, true}, {3, false}} {
		if cut := s.mayPollAnew(second(step.at), p); cut != step.cut {
			t.Errorf("%d: cut: %v", i, cut)
		}
	}
	s.pollMissed(second(30), p)
	if s.mayPollAnew(second(31), p) {
		t.Error("a poll is cut though it is being found out")
	}
}

// A round is cut short by a request, wherever it is, and no other is.
func TestRoundsAreCut(t *testing.T) {
	p := newPolling(t.Context())
	p.cutRound()
	poll, end := p.beginPoll()
	if poll.Err() != nil {
		t.Error("a poll is cut by what came before it")
	}
	p.cutRound()
	<-poll.Done()
	end()
	poll, end = p.beginPoll()
	if p.ctx.Err() != nil || poll.Err() != nil {
		t.Error("more has ended than the round")
	}
	end()
	pause, end := p.beginPause()
	if pause.Err() != nil {
		t.Error("a pause is cut that nobody wants cut")
	}
	p.cutRound()
	<-pause.Done()
	end()
	_, end = p.beginPoll()
	end()
	p.cutRound() // between the poll and its pause
	pause, end = p.beginPause()
	defer end()
	<-pause.Done()
}
