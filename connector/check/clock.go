package check

import (
	"sync"
	"time"
)

// # Clocks
//
// A question and its answer bound how far another clock is off: what it showed
// when it answered lies between the two moments here. The shortest exchange bounds
// it best.

// skewMost is how far off a clock may be: event times and ages are compared
// across machines, and nobody minds seconds.
const skewMost = 5 * time.Second

// clock is another machine's, as far as it is known. The zero value knows nothing.
type clock struct {
	mu    sync.Mutex
	known bool
	took  time.Duration
	ahead time.Duration // of ours; negative: behind
}

// saw notes what the other clock showed between two moments here.
func (c *clock) saw(asked, answered, showed time.Time) {
	if showed.IsZero() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	took := answered.Sub(asked)
	if c.known && took >= c.took {
		return
	}
	c.known, c.took = true, took
	c.ahead = showed.Sub(asked.Add(took / 2))
}

// finding compares the clocks; unsure is what the other clock leaves out.
func (c *clock) finding(id ID, whose string, unsure time.Duration) []Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known {
		return nil
	}
	off := max(c.ahead.Abs()-c.took/2-unsure, 0)
	if off <= skewMost {
		return []Finding{fine(id, "", "the clock of %s agrees with this machine's", whose)}
	}
	direction := "ahead of"
	if c.ahead < 0 {
		direction = "behind"
	}
	return []Finding{warn(id, "", "have both set their clocks by NTP", "the clock of %s is %s %s this machine's", whose, Shown(off), direction)}
}
