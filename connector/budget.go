package connector

import (
	"context"
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"cc-connector/connector/brightpattern"
)

// # The budget for calls that follow a failure
//
// Each chat backs off by itself. That is enough for one chat and not for ten
// thousand: their back-offs begin together, and what a contact center that
// comes back needs least is all of them at its door. So a call that follows a
// failure, a poll or a history, is paid for from one budget of the replica.
//
// The budget is a rate. It is small while the contact center fails, and each
// good answer raises it by one a second: what is paid for and succeeds makes
// room for as much again, and the rate doubles about every second until every
// chat is polled. Failures in a row lower it, each by twice as much as the one
// before: one among many does no harm, a dozen are an outage. Where more than
// a third of all calls fail, the budget stays small.
//
// A call that follows no failure costs nothing, unless the contact center
// seems to be away: then those of chats that were just taken over pay as well.

const (
	budgetFloor = 20   // calls a second while the contact center fails
	budgetMost  = 1000 // calls a second, however well it goes
	budgetBurst = 10   // a few chats that fail wait for nothing but their own back-off
	awayAfter   = 8    // failures in a row, of whatever chats
)

type budget struct {
	limit   *rate.Limiter
	turn    *semaphore.Weighted // one waits for the limiter, so that all follow when its rate changes
	waiting prometheus.Gauge

	mu       sync.Mutex
	failures int // in a row
}

func newBudget(waiting prometheus.Gauge) *budget {
	return &budget{limit: rate.NewLimiter(budgetFloor, budgetBurst), turn: semaphore.NewWeighted(1), waiting: waiting}
}

// pay returns when a call that follows a failure may be made, in the order of
// asking, or with ctx's error.
func (b *budget) pay(ctx context.Context) error {
	b.waiting.Inc()
	defer b.waiting.Dec()
	if err := b.turn.Acquire(ctx, 1); err != nil {
		return err
	}
	defer b.turn.Release(1)
	return b.limit.Wait(ctx)
}

// isAway tells whether nothing has succeeded for a while.
func (b *budget) isAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= awayAfter
}

// succeeded notes a call that the contact center has answered well.
func (b *budget) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	b.set(b.limit.Limit() + 1)
}

// failed notes a call that may succeed later.
func (b *budget) failed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(b.limit.Limit() - rate.Limit(int(1)<<min(b.failures, 10)))
	b.failures++
}

func (b *budget) set(limit rate.Limit) {
	if limit = min(max(limit, budgetFloor), budgetMost); limit != b.limit.Limit() {
		b.limit.SetLimit(limit)
	}
}

// tryPay pays only if that takes no waiting.
func (b *budget) tryPay() bool {
	if !b.turn.TryAcquire(1) {
		return false
	}
	defer b.turn.Release(1)
	return b.limit.Allow()
}

// heard notes what a call came to. Refusals that are the chat's own say
// nothing about the others.
func (b *budget) heard(err error) (failed bool) {
	if failed = isBackOff(err); failed {
		b.failed()
	} else if err == nil {
		b.succeeded()
	}
	return failed
}

// isBackOff tells the failures after which the contact center is to be
// spared: it is away, overloaded, or something before it is.
func isBackOff(err error) bool {
	var wire *brightpattern.Error
	return errors.As(err, &wire) && isTransient(err) &&
		wire.Reason != brightpattern.ReasonCanceled && wire.Code != brightpattern.CodeTooManyPollRequests
}
