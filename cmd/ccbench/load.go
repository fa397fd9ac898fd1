package main

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// # Two kinds of load
//
// In a closed loop each caller gives its next command when the last one is
// done: that finds out how many can be done in a second. What it says of
// latency is too good, as a stall keeps the callers from asking, and so from
// being kept waiting. In an open loop commands are due at a fixed rate, and a
// command's latency is counted from when it was due, whether or not a caller
// was free to give it.

// work is what came of a load.
type work struct {
	given     int // commands, all of them done: one that fails ends the benchmark
	perSecond float64
	latencies []time.Duration
}

// caller gives a command, and returns when it is done.
type caller func(ctx context.Context, number int) error

// ledger takes the latencies of all callers.
type ledger struct {
	begin     time.Time
	mu        sync.Mutex
	latencies []time.Duration
}

func (l *ledger) add(own []time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latencies = append(l.latencies, own...)
}

// work is taken when all is done. That the callers end one after the other
// takes nothing from the rate: those that are still waiting keep the rest busy.
func (l *ledger) work() work {
	return work{len(l.latencies), float64(len(l.latencies)) / time.Since(l.begin).Seconds(), l.latencies}
}

// closedLoop has no caller begin another command after the span.
func closedLoop(ctx context.Context, callers int, span time.Duration, call caller) (work, error) {
	all := ledger{begin: time.Now()}
	end := all.begin.Add(span)
	group, ctx := errgroup.WithContext(ctx)
	for number := range callers {
		group.Go(func() error {
			var own []time.Duration
			for begun := time.Now(); begun.Before(end); {
				if err := call(ctx, number); err != nil {
					return err
				}
				now := time.Now()
				own, begun = append(own, now.Sub(begun)), now
			}
			all.add(own)
			return nil
		})
	}
	err := group.Wait()
	return all.work(), err
}

// openLoop gives as many commands as are due within the span, and waits for all.
func openLoop(ctx context.Context, callers int, perSecond float64, span time.Duration, call caller) (work, error) {
	all := ledger{begin: time.Now()}
	group, ctx := errgroup.WithContext(ctx)
	due := make(chan time.Time, max(1, int(perSecond*span.Seconds()))) // all of them: nothing holds back what is due
	group.Go(func() error { return tellDue(ctx, due, all.begin, perSecond) })
	for number := range callers {
		group.Go(func() error {
			var own []time.Duration
			for at := range due {
				if err := call(ctx, number); err != nil {
					return err
				}
				own = append(own, time.Since(at))
			}
			all.add(own)
			return nil
		})
	}
	err := group.Wait()
	return all.work(), err
}

// tellDue fills the channel, one time after the other, each when it has come.
func tellDue(ctx context.Context, due chan<- time.Time, begin time.Time, perSecond float64) error {
	defer close(due)
	for i := range cap(due) {
		at := begin.Add(time.Duration(float64(i) / perSecond * float64(time.Second)))
		sleep(time.Until(at))
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		due <- at
	}
	return nil
}
