package health

import (
	"errors"
	"slices"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return start.Add(d) }

func is(part Part, name, words string) Fault {
	return Fault{Part: part, Name: name, Err: errors.New(words)}
}

// What passes by itself is told when it has not passed in its time, which begins anew when it was gone.
func TestEachPartHasItsTime(t *testing.T) {
	for _, part := range order {
		w, patience := NewWatch(Usual), Usual[part]
		away := []Fault{is(part, "x", "away")}
		if got := len(w.Lasting(start, away)); (got == 0) != (patience > 0) {
			t.Errorf("%s: %d problems at once", part, got)
		}
		if patience == 0 {
			continue
		}
		if got := w.Lasting(after(patience-1), away); len(got) != 0 {
			t.Errorf("%s: %v before its time", part, got)
		}
		if got := w.Lasting(after(patience), away); len(got) != 1 || !got[0].Since.Equal(start) || got[0].Message != "away" {
			t.Errorf("%s: %v when its time is over", part, got)
		}
		if got := w.Lasting(after(patience+1), nil); len(got) != 0 {
			t.Errorf("%s: %v when it is over", part, got)
		}
		if got := w.Lasting(after(patience+2), away); len(got) != 0 {
			t.Errorf("%s: %v when it has just begun anew", part, got)
		}
	}
}

func TestEveryPartIsInOrder(t *testing.T) {
	for part := range Usual {
		if !slices.Contains(order, part) {
			t.Errorf("%s has no place", part)
		}
	}
}

func TestWhatStaysIsToldAtOnce(t *testing.T) {
	f := is(Stream, "CC_EVENTS", "full")
	f.Stays = true
	if got := NewWatch(Usual).Lasting(start, []Fault{f}); len(got) != 1 || got[0] != (Problem{Stream, "CC_EVENTS", "full", start}) {
		t.Errorf("got %v", got)
	}
}

// One failure that nobody tried again says nothing, however long ago it was.
func TestOneLostAnswerNeverLasts(t *testing.T) {
	w, f := NewWatch(Usual), is(Publishing, "events", "timeout")
	f.Since, f.Last = start, start
	if got := w.Lasting(after(time.Hour), []Fault{f}); len(got) != 0 {
		t.Errorf("one failure: %v", got)
	}
	f.Last = after(Usual[Publishing])
	if got := w.Lasting(after(time.Hour), []Fault{f}); len(got) != 1 || !got[0].Since.Equal(start) {
		t.Errorf("it failed again: %v", got)
	}
}

// One part's fault says nothing of another one's, and two in one place are told together.
func TestPlaces(t *testing.T) {
	w := NewWatch(Patience{Stream: time.Second})
	w.Lasting(start, []Fault{is(Stream, "A", "a")})
	both := []Fault{is(Stream, "B", "b"), is(Stream, "A", "a"), is(Canary, "z", "two"), is(Canary, "z", "more"), is(NATS, "", "first")}
	got := w.Lasting(after(time.Second), both)
	var told []string
	for _, p := range got {
		told = append(told, string(p.Part)+" "+p.Name+" "+p.Message)
	}
	if want := []string{"nats  first", "stream A a", "canary z two; more"}; !slices.Equal(told, want) {
		t.Errorf("got %q, want %q", told, want)
	}
}
