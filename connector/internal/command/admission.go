package command

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"

	"cc-connector/connector/internal/drain"
)

// admission bounds the commands under way, and those that wait for a place.
type admission struct {
	admitted *semaphore.Weighted
	running  *semaphore.Weighted
	active   drain.Gate
}

func newAdmission(most int) *admission {
	return &admission{admitted: semaphore.NewWeighted(2 * int64(most)), running: semaphore.NewWeighted(int64(most))}
}

// admit works in a goroutine of its own, or reports false: too many wait, or
// this replica leaves.
func (a *admission) admit(work func()) bool {
	if !a.admitted.TryAcquire(1) {
		return false
	}
	begun := a.active.Go(func() {
		defer a.admitted.Release(1)
		work()
	})
	if !begun {
		a.admitted.Release(1)
	}
	return begun
}

// enter waits for a place; leave gives it back, and may be called again.
func (a *admission) enter(ctx context.Context) (leave func(), err error) {
	if err := a.running.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() { a.running.Release(1) }), nil
}
