package throttle

import (
	"context"
	"errors"
	"sync"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/metrics"
)

const (
	budgetFloor = 20   // calls a second while the contact center fails
	budgetMost  = 1000 // calls a second, however well it goes
	budgetBurst = 10   // a few chats that fail wait for nothing but their own back-off
	awayAfter   = 8    // failures in a row, of whatever chats
)

// Budget is that of one replica. It may be used from any goroutine.
type Budget struct {
	limit   *rate.Limiter
	first   *semaphore.Weighted // one waits for the limiter, so that all follow when its rate changes
	waiting metrics.Wait

	mu       sync.Mutex
	failures int // in a row
}

// NewBudget shows how many calls wait, and how long.
func NewBudget(waiting metrics.Wait) *Budget {
	return &Budget{limit: rate.NewLimiter(budgetFloor, budgetBurst), first: semaphore.NewWeighted(1), waiting: waiting}
}

// Pay returns when a call that follows a failure may be made, in the order of
// asking, or with ctx's error.
func (b *Budget) Pay(ctx context.Context) error {
	defer b.waiting.End(b.waiting.Begin())
	if err := b.first.Acquire(ctx, 1); err != nil {
		return err
	}
	defer b.first.Release(1)
	return b.limit.Wait(ctx)
}

// IsAway tells whether nothing has succeeded for a while.
func (b *Budget) IsAway() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.failures >= awayAfter
}

// succeeded notes a call that the contact center has answered well.
func (b *Budget) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	b.set(b.limit.Limit() + 1)
}

// failed notes a call that may succeed later.
func (b *Budget) failed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.set(b.limit.Limit() - rate.Limit(int(1)<<min(b.failures, 10)))
	b.failures++
}

func (b *Budget) set(limit rate.Limit) {
	if limit = min(max(limit, budgetFloor), budgetMost); limit != b.limit.Limit() {
		b.limit.SetLimit(limit)
	}
}

// TryPay pays only if that takes no waiting.
func (b *Budget) TryPay() bool {
	if !b.first.TryAcquire(1) {
		return false
	}
	defer b.first.Release(1)
	return b.limit.Allow()
}

// Heard notes what a call came to. Refusals that are the chat's own say
// nothing about the others.
func (b *Budget) Heard(err error) (failed bool) {
	if failed = IsBackOff(err); failed {
		b.failed()
	} else if err == nil {
		b.succeeded()
	}
	return failed
}

// IsBackOff tells the failures after which calls are to be throttled: the
// contact center is away, overloaded, or something before it is.
func IsBackOff(err error) bool {
	var wire *brightpattern.Error
	return errors.As(err, &wire) && brightpattern.IsTransient(err) &&
		wire.Reason != brightpattern.ReasonCanceled && wire.Code != brightpattern.CodeTooManyPollRequests
}

// AskedToWait has the next try wait for as long as the contact center asks for.
func AskedToWait(err error) error {
	if after := brightpattern.RetryAfter(err); after > 0 {
		return errors.Join(err, &backoff.RetryAfterError{Duration: after})
	}
	return err
}
