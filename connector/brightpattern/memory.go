package brightpattern

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// # What answers become
//
// A limit on bytes says little about memory: 16 KB may unpack to 16 MiB, and
// two bytes may become an event. So an answer is charged for what is made of
// it, as it is read: for each byte, unpacked, and for each event. All answers
// that are read or still worked on share one budget. One that has not come
// costs nothing, so held polls do not; nor does one of the usual size.
//
// Answers that have begun to come and wait for each other's share would wait
// for ever. So next to the pool that all draw on there is a reserve, large
// enough for the largest answer: whoever finds the pool empty waits for the
// reserve, one at a time, and then for nothing more.

const (
	// DefaultMemory is the budget of all answers under way together, in bytes.
	DefaultMemory = 256 << 20

	perByte  = 6       // its text, the copies of its fields, and what is written of it
	perEvent = 2 << 10 // an Event, and what it is translated to
	freeCost = 8 << 10 // not counted
	costStep = 64 << 10

	largestCost  = perByte*eventsBody + perEvent*maxEvents
	smallestPool = 4 << 20
)

// memory is the budget of a client's answers.
type memory struct {
	pool    *semaphore.Weighted // bytes
	reserve *semaphore.Weighted // of one
}

func newMemory(bytes int64) *memory {
	return &memory{
		pool:    semaphore.NewWeighted(max(bytes-largestCost, smallestPool)),
		reserve: semaphore.NewWeighted(1),
	}
}

// account is what one answer takes of it. It belongs to one goroutine at a time.
type account struct {
	memory     *memory
	spent      int64
	taken      int64 // from the pool
	hasReserve bool
}

// tryPay reports false if that needs the reserve.
func (a *account) tryPay(cost int64) bool {
	a.spent += cost
	missing := a.spent - freeCost - a.taken
	if a.hasReserve || missing <= 0 {
		return true
	}
	missing = max(missing, costStep)
	if !a.memory.pool.TryAcquire(missing) {
		return false
	}
	a.taken += missing
	return true
}

func (a *account) awaitReserve(ctx context.Context) error {
	err := a.memory.reserve.Acquire(ctx, 1)
	a.hasReserve = err == nil
	return err
}

// holds tells whether there is anything to give back.
func (a *account) holds() bool { return a.taken > 0 || a.hasReserve }

// close gives back what was taken.
func (a *account) close() {
	if a.taken > 0 {
		a.memory.pool.Release(a.taken)
	}
	if a.hasReserve {
		a.memory.reserve.Release(1)
	}
	a.taken, a.hasReserve = 0, false
}
