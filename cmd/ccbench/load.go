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
	mu        sync.Mutex
	latencies []time.Duration
	counted   int // done within the span that is counted
}

func (l *ledger) add(own []time.Duration, counted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latencies = append(l.latencies, own...)
	l.counted += counted
}

func (l *ledger) work(span time.Duration) work {
	return work{len(l.latencies), float64(l.counted) / span.Seconds(), l.latencies}
}

// closedLoop counts for the span what is done, after all callers have come into their stride.
func closedLoop(ctx context.Context, callers int, span time.Duration, call caller) (work, error) {
	var all ledger
	from := time.Now().Add(span / 4)
	to := from.Add(span)
	group, ctx := errgroup.WithContext(ctx)
	for number := range callers {
		group.Go(func() error {
			var own []time.Duration
			counted := 0
			for begun := time.Now(); begun.Before(to); {
				if err := call(ctx, number); err != nil {
					return err
				}
				now := time.Now()
				own = append(own, now.Sub(begun))
				if now.After(from) && now.Before(to) {
					counted++
				}
				begun = now
			}
			all.add(own, counted)
			return nil
		})
	}
	err := group.Wait()
	return all.work(span), err
}

// openLoop gives as many commands as are due within the span, and waits for all.
func openLoop(ctx context.Context, callers int, perSecond float64, span time.Duration, call caller) (work, error) {
	var all ledger
	group, ctx := errgroup.WithContext(ctx)
	due := make(chan time.Time, max(1, int(perSecond*span.Seconds()))) // all of them: nothing holds back what is due
	begin := time.Now()
	group.Go(func() error { return tellDue(ctx, due, begin, perSecond) })
	for number := range callers {
		group.Go(func() error {
			var own []time.Duration
			for at := range due {
				if err := call(ctx, number); err != nil {
					return err
				}
				own = append(own, time.Since(at))
			}
			all.add(own, len(own))
			return nil
		})
	}
	err := group.Wait()
	return all.work(time.Since(begin)), err
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
