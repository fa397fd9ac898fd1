package command

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/metrics"
)

// admission bounds the commands under way, and those that wait for a place: how
// many they are, how many bytes they came in, and how many of them move files.
type admission struct {
	admitted *semaphore.Weighted
	bytes    *semaphore.Weighted
	running  *semaphore.Weighted
	moving   *semaphore.Weighted // files
	active   drain.Gate
}

// mostBytes of messages are held at once. What is made of a message to run it
// takes a few times its size.
const mostBytes = 64 << 20

// newAdmission lets so many commands run at once, and so many more wait.
func newAdmission(running, waiting int) *admission {
	return &admission{
		admitted: semaphore.NewWeighted(int64(running + waiting)), bytes: semaphore.NewWeighted(mostBytes),
		running: semaphore.NewWeighted(int64(running)), moving: semaphore.NewWeighted(max(1, int64(running)/filesPart)),
	}
}

// filesPart of the commands under way may move a file at a time: that may take
// minutes, and all others are to find places meanwhile.
const filesPart = 4

// admit works on a message of a size in a goroutine of its own, or reports
// false: too much waits, or this replica leaves.
func (a *admission) admit(size int, work func()) bool {
	weight := min(int64(size), mostBytes)
	if !a.admitted.TryAcquire(1) {
		return false
	}
	if !a.bytes.TryAcquire(weight) {
		a.admitted.Release(1)
		return false
	}
	release := func() { a.bytes.Release(weight); a.admitted.Release(1) }
	begun := a.active.Go(func() {
		defer release()
		work()
	})
	if !begun {
		release()
	}
	return begun
}

// enter waits for a command's place; leave gives it back, and may be called again.
func (a *admission) enter(ctx context.Context, lane *metrics.Lane) (leave func(), err error) {
	if a.running.TryAcquire(1) { // nearly always
		return a.leaving(lane), nil
	}
	defer lane.Places.End(lane.Places.Begin())
	if err := a.running.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return a.leaving(lane), nil
}

// enterWithin is enter that waits no longer than that.
func (a *admission) enterWithin(ctx context.Context, patience time.Duration, lane *metrics.Lane) (leave func(), err error) {
	if a.running.TryAcquire(1) { // nearly always: then nothing needs a timer
		return a.leaving(lane), nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return a.enter(ctx, lane)
}

func (a *admission) leaving(lane *metrics.Lane) (leave func()) {
	lane.Running.Inc()
	return sync.OnceFunc(func() {
		lane.Running.Dec()
		a.running.Release(1)
	})
}

// enterMoving waits for a place among those that move files.
func (a *admission) enterMoving(ctx context.Context) (leave func(), err error) {
	if err := a.moving.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	return func() { a.moving.Release(1) }, nil
}
