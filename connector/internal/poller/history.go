package poller

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sync/semaphore"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/throttle"
)

// When a chat's history may be read, and how long it is tried: see package
// throttle.

// errNoPlace says that a history was not read now, for the sake of others.
var errNoPlace = errors.New("the contact center is left alone, or too many histories are being read")

// A chat that waits for its past is deaf: after this it is polled again, and
// the history tried once before each poll.
const historyPatience = 10 * time.Second

// past is a history that was read. It has a place and memory, until it is ended.
type past struct {
	events []brightpattern.Event
	end    func() // may be called again
}

// readHistory has a place for the history, and memory, from before it is read.
// What it returns is to be ended, also with an error.
func (h *holder) readHistory(ctx context.Context, last bool) (past, error) {
	ctx, cancel := h.polling.untilLeaving(ctx)
	began := time.Now()
	again := h.reconciliation.attempts.begin() || h.reconciliation.reason == endMissing // it has to be polled, too
	release, err := h.placeForHistory(ctx, last, again)
	if err != nil {
		return past{end: cancel}, err
	}
	leave := sync.OnceFunc(release)
	patience := max(historyPatience-time.Since(began), retry.FirstPause)
	if last {
		patience = historyPatience
	}
	events, err := h.tryHistory(ctx, patience, last, again)
	return past{events, func() { cancel(); leave() }}, err
}

// tryHistory reads the history, again and again while there is patience; once
// if it was tried before and will be again. While polls are well odd answers are
// tried again at once: they are the history's own.
func (h *holder) tryHistory(ctx context.Context, patience time.Duration, last, again bool) ([]brightpattern.Event, error) {
	attempts, once := &h.reconciliation.attempts, again && !last
	paying, cancel := ctx, func() {}
	if !last {
		paying, cancel = context.WithTimeout(ctx, patience)
	}
	defer cancel()
	return backoff.Retry(ctx, func() ([]brightpattern.Event, error) {
		if h.payForHistory(paying, !once) != nil {
			return nil, retry.Final(errNoPlace)
		}
		events, err := h.poller.Client.History(ctx, h.token.Credentials(), h.chat.ID)
		h.noteHistory(err)
		odd := brightpattern.IsOdd(err)
		mayPass := odd && !attempts.areMany() || !odd && brightpattern.IsTransient(err)
		if err != nil && (!mayPass || once && !(odd && attempts.polled)) {
			return nil, retry.Final(err)
		}
		return events, throttle.AskedToWait(err)
	}, backoff.WithBackOff(retry.NewBackOff(retry.FirstPause, 2*time.Second)), backoff.WithMaxElapsedTime(patience))
}

func (h *holder) noteHistory(err error) {
	h.reconciliation.attempts.note(err != nil, brightpattern.IsOdd(err))
	retryAfter := min(brightpattern.RetryAfter(err), retry.LongestRetryAfter)
	h.polls.history = nextHistory{pays: h.poller.Budget.Heard(err), notBefore: time.Now().Add(retryAfter)}
}

// places are those that the chat's history has to wait for.
func (h *holder) places() *semaphore.Weighted {
	if h.polls.begun {
		return h.poller.Places.Followed
	}
	return h.poller.Places.TakenOver
}

// placeForHistory waits for a place: for the last look at the chat as long as
// it takes, for the first one only so long as a chat may be deaf, and later,
// before each poll, not at all. A contact center that asked for time, or fails
// the chat's polls, too, is left alone then.
func (h *holder) placeForHistory(ctx context.Context, last, again bool) (release func(), err error) {
	places := h.places()
	release = func() { places.Release(1) }
	switch {
	case last:
		err = places.Acquire(ctx, 1)
	case again:
		if h.polls.next.pays || time.Now().Before(h.polls.history.notBefore) || !places.TryAcquire(1) {
			return nil, errNoPlace
		}
	default:
		waiting, cancel := context.WithTimeout(ctx, historyPatience)
		defer cancel()
		if err = places.Acquire(waiting, 1); err != nil && ctx.Err() == nil {
			return nil, errNoPlace
		}
	}
	if err != nil {
		return nil, context.Cause(ctx)
	}
	return release, nil
}

// payForHistory pays for the next reading, if it has to be paid for; one that
// is tried before a poll is not waited for.
func (h *holder) payForHistory(ctx context.Context, wait bool) error {
	budget := h.poller.Budget
	switch {
	case !h.polls.history.pays && !h.polls.next.pays && !budget.IsAway():
		return nil
	case wait:
		return budget.Pay(ctx)
	case !budget.TryPay():
		return errNoPlace
	}
	return nil
}

// setAside ends what events take of the places and the memory for answers, if
// they wait for files, and those that wait so have room for them. It returns how
// to give that room back. See package throttle.
func (p *Poller) setAside(events []brightpattern.Event, end func()) (back func()) {
	size, hasFiles := int64(0), false
	for _, event := range events {
		size += int64(len(event.Raw)) + aroundEvent
		hasFiles = hasFiles || event.Name == brightpattern.EventFile
	}
	if !hasFiles || !p.Places.Waiting.TryAcquire(size) {
		return func() {}
	}
	end()
	return func() { p.Places.Waiting.Release(size) }
}

// aroundEvent is what an event takes beside its text, in bytes.
const aroundEvent = 2 << 10
