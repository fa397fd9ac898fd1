package command

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/retry"
)

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
		if pause := retryPause(attempts, &brightpattern.Error{RetryAfter: wish}); pause < min(wish, retry.LongestRetryAfter) {
			t.Fatalf("a pause of %v, asked for was one of %v", pause, wish)
		}
	})
}

// What waits without a call is looked at ever more seldom.
func TestWaitPauses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		waited := time.Duration(rapid.Int64Range(-int64(time.Minute), int64(time.Hour)).Draw(t, "waited"))
		full := min(longestRetry, max(firstRetry, waited/2))
		if pause := waitPause(waited); pause < full/2 || pause >= full*3/2 {
			t.Fatalf("after %v follows a pause of %v", waited, pause)
		}
	})
}
