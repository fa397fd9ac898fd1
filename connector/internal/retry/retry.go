// Package retry repeats what does not succeed yet: one back-off, one way of
// waiting, and one line in the log for each new reason.
package retry

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go"
)

const (
	// FirstPause is the usual pause after a first failure.
	FirstPause = 250 * time.Millisecond
	// LongestRetryAfter bounds what a Retry-After of the contact center may ask
	// for: it would make a chat deaf for longer.
	LongestRetryAfter = 5 * time.Minute
)

// NewBackOff is the one back-off of the connector: exponential, with jitter.
func NewBackOff(initial, longest time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     initial,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         longest,
	}
}

// Until repeats do until it succeeds, returns a Final error, ctx ends, or
// patience is over; 0 is patience without end. It pauses for initial after the
// first failure, and for longest at most.
func Until(ctx context.Context, patience, initial, longest time.Duration, do func(context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, do(ctx) },
		backoff.WithBackOff(NewBackOff(initial, longest)), backoff.WithMaxElapsedTime(patience))
	return err
}

// Final marks an error that repeating cannot mend. Until returns it unmarked.
func Final(err error) error { return backoff.Permanent(err) }

// IsFinal tells whether an error was marked by Final.
func IsFinal(err error) bool {
	var final *backoff.PermanentError
	return errors.As(err, &final)
}

// Sleep returns after d, or when ctx ends.
func Sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Within is a context that ends after d at the latest: the one that is given, if it
// ends before.
func Within(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if end, ends := ctx.Deadline(); ends && time.Until(end) <= d {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// Trouble logs what goes wrong again and again, but only when the reason
// changes. It belongs to one goroutine.
type Trouble struct {
	Log     *slog.Logger
	Doing   string // what does not succeed, in an operator's words
	Subject string // that it is done on; empty: none

	last string
}

// Note logs err, unless it was the last thing that was logged.
func (t *Trouble) Note(err error) {
	reason := err.Error()
	if errors.Is(err, nats.ErrReconnectBufExceeded) { // a connection without a buffer says so
		reason = "there is no connection to NATS"
	}
	if reason == t.last {
		return
	}
	t.last = reason
	log := t.Log
	if t.Subject != "" {
		log = log.With("subject", t.Subject)
	}
	log.Warn(t.Doing+" does not succeed yet", "error", reason)
}

// Over has the next failure logged, whatever it is: this one has passed.
func (t *Trouble) Over() { t.last = "" }
