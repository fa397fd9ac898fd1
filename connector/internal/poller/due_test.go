package poller

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/internal/natstest"
	"cc-connector/subjects"
)

func TestWhatIsOwed(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	for name, c := range map[string]struct {
		duty      duty
		notBefore time.Time
		want      time.Duration
	}{
		"nothing yet":            {duty{}, time.Time{}, 0},
		"a step":                 {duty{since: ago(time.Minute)}, time.Time{}, time.Minute},
		"a pause that goes on":   {duty{since: now.Add(time.Second)}, time.Time{}, 0},
		"waiting for others":     {duty{since: ago(time.Hour), waits: true}, time.Time{}, 0},
		"NATS was away":          {duty{since: ago(time.Hour)}, ago(time.Second), time.Second},
		"NATS was away before":   {duty{since: ago(time.Second)}, ago(time.Hour), time.Second},
		"NATS is away":           {duty{since: ago(time.Hour)}, now, 0},
		"a clock that went back": {duty{since: now.Add(time.Hour)}, now, 0},
	} {
		if got := c.duty.owed(now, c.notBefore); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// BenchmarkSweep is over as many chats as a replica may have.
func BenchmarkSweep(b *testing.B) {
	p := &Poller{held: newHeld(1), watchdog: newWatchdog(), Needs: Needs{Log: natstest.Log()}}
	for i := range 10000 {
		h := &holder{poller: p}
		h.chat.Token = subjects.ChatToken(string(rune('a'+i%26)) + time.Duration(i).String())
		h.progress.step(time.Now())
		p.held.byChat[h.chat.Token] = h
	}
	b.ReportAllocs()
	for b.Loop() {
		p.owing(time.Now(), time.Hour)
	}
}

// A watchdog that was held up itself accuses nobody.
func TestWhatExcuses(t *testing.T) {
	start := time.Now()
	for name, c := range map[string]struct {
		sweeps  []time.Duration
		away    bool
		excused time.Duration
	}{
		"in time":         {[]time.Duration{0, 4, 8, 12}, false, 0},
		"held up":         {[]time.Duration{0, 4, 10, 14}, false, 10},
		"NATS is away":    {[]time.Duration{0, 4, 8}, true, 8},
		"the first sweep": {[]time.Duration{3}, false, 3},
	} {
		w := newWatchdog()
		for _, at := range c.sweeps {
			w.begin(start.Add(at), 10, c.away)
		}
		if got := w.excused.Sub(start); got != c.excused {
			t.Errorf("%s: nothing is owed up to %v, want %v", name, got, c.excused)
		}
	}
}

// A chat is named once when its stall begins, and once when it is over, however often it is seen.
func TestStallsAreNamedOnce(t *testing.T) {
	log := &lines{}
	p := &Poller{watchdog: newWatchdog(), Needs: Needs{Log: log.logger()}}
	for range 2 {
		for range 3 {
			p.noteStalls(map[subjects.ChatToken]time.Time{"one": time.Now()})
		}
		p.noteStalls(nil)
		p.noteStalls(nil)
	}
	if begun, over := log.count("is not polled"), log.count("polled again"); begun != 2 || over != 2 {
		t.Errorf("two stalls are logged %d times, and %d times that they are over", begun, over)
	}
}

// All chats may stall at once: some are named, the others counted.
func TestManyStalls(t *testing.T) {
	log := &lines{}
	p := &Poller{watchdog: newWatchdog(), Needs: Needs{Log: log.logger()}}
	all := make(map[subjects.ChatToken]time.Time)
	for i := range 3 * namedMost {
		all[subjects.ChatToken("chat"+time.Duration(i).String())] = time.Now()
	}
	for range 3 {
		p.noteStalls(all)
	}
	if named, more := log.count("is not polled"), log.count("more chats"); named != namedMost || more != 1 {
		t.Errorf("%d are named, %d lines count the others", named, more)
	}
	p.noteStalls(nil)
	if over := log.count("polled again"); over != namedMost || len(p.watchdog.named) != 0 {
		t.Errorf("%d are over, %d are not", over, len(p.watchdog.named))
	}
}

// lines are what is logged.
type lines struct{ bytes.Buffer }

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

func (l *lines) count(words string) int { return strings.Count(l.String(), words) }
