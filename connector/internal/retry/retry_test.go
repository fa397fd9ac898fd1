package retry

import (
	"context"
	"testing"
	"time"
)

func TestSleepEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	Sleep(ctx, time.Hour)
	Sleep(t.Context(), 0)
	Sleep(t.Context(), -time.Hour)
}

func TestWithinIsNoLongerThanItIsGiven(t *testing.T) {
	soon, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if same, end := Within(soon, 2*time.Hour); same != soon {
		t.Error("it is another context, though that ends later")
	} else {
		end()
	}
	earlier, cancel := Within(soon, time.Minute)
	defer cancel()
	if end, ends := earlier.Deadline(); !ends || time.Until(end) > time.Minute {
		t.Errorf("it ends at %v", end)
	}
	endless, cancel := Within(t.Context(), time.Minute)
	defer cancel()
	if _, ends := endless.Deadline(); !ends || soon.Err() != nil {
		t.Error("it never ends, or has ended another one")
	}
}
