package connector

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
)

// However deliveries come, a lane holds the latest of each command, in the
// order of the stream, and none that another replica may have been given.
func TestLaneHoldsWhatIsInHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, latest := &lane{}, map[uint64]*delivery{}
		for range rapid.IntRange(1, 40).Draw(t, "deliveries") {
			d := &delivery{sequence: rapid.Uint64Range(1, 12).Draw(t, "sequence"), until: time.Now().Add(time.Hour)}
			if lapsed := rapid.Uint64Range(1, 12).Draw(t, "lapsed"); latest[lapsed] != nil {
				latest[lapsed].until = time.Now().Add(-time.Second)
				delete(latest, lapsed)
			}
			l.put(d)
			latest[d.sequence] = d
			checkLane(t, l, latest)
		}
	})
}

func checkLane(t *rapid.T, l *lane, latest map[uint64]*delivery) {
	sorted := slices.IsSortedFunc(l.waiting, func(a, b *delivery) int { return int(a.sequence) - int(b.sequence) })
	if !sorted || len(l.waiting) != len(latest) {
		t.Fatalf("the lane has %d of %d commands, in order: %v", len(l.waiting), len(latest), sorted)
	}
	for _, d := range l.waiting {
		if latest[d.sequence] != d {
			t.Fatalf("the lane has another delivery of %d", d.sequence)
		}
	}
}

// Pauses grow, stay within their limit, and are never shorter than asked for.
func TestRetryPauses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		attempts := rapid.IntRange(-3, 1<<40).Draw(t, "attempts")
		pause := retryPause(attempts, nil)
		full := min(longestRetry, firstRetry<<min(max(attempts-1, 0), 10))
		if pause < full/2 || pause >= full*3/2 {
			t.Fatalf("attempt %d is followed by a pause of %v", attempts, pause)
		}
		wish := time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "wish"))
		if pause := retryPause(attempts, &brightpattern.Error{RetryAfter: wish}); pause < min(wish, longestWish) {
			t.Fatalf("a pause of %v, asked for was one of %v", pause, wish)
		}
	})
}
