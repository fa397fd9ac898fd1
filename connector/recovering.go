package connector

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sync/semaphore"
)

// # Many recoveries at once
//
// A replica that dies leaves thousands of chats to another one, and a
// connection that breaks can lose the answers of as many. All of them have
// something to read before their next poll. So many at a time may read; the
// others wait, for their places and in memory for nothing else.
//
// Reading back from JetStream and reading a history have places of their own:
// a contact center that hangs must not keep chats from being taken over. And
// so have the histories of chats that were just taken over and of those that
// are followed already: the live ones do not queue behind a takeover. A new
// chat has nothing to read and waits for nobody.

const (
	readBacksMost = 32
	historiesMost = 32 // of each sort; a history may have some MiB
)

type recoveries struct {
	readBacks *semaphore.Weighted
	takenOver *semaphore.Weighted // histories of chats on their way from another holder
	followed  *semaphore.Weighted // histories of chats that lost an answer here
}

func newRecoveries() *recoveries {
	return &recoveries{
		readBacks: semaphore.NewWeighted(readBacksMost),
		takenOver: semaphore.NewWeighted(historiesMost),
		followed:  semaphore.NewWeighted(historiesMost),
	}
}

// errNoPlace says that a history was not read now, for the sake of others.
var errNoPlace = errors.New("the contact center is spared, or too many histories are being read")

// readBack reads what earlier holders have published, when there is a place.
func (h *holder) readBack(ctx context.Context) error {
	if h.fresh {
		return h.chatLog.readBack(ctx, h.recall)
	}
	ctx, cancel := h.untilLeaving(ctx)
	defer cancel()
	if err := h.recoveries.readBacks.Acquire(ctx, 1); err != nil {
		return context.Cause(ctx)
	}
	defer h.recoveries.readBacks.Release(1)
	return h.chatLog.readBack(ctx, h.recall)
}

// places are those that the chat's history has to wait for.
func (h *holder) places() *semaphore.Weighted {
	if h.followed {
		return h.recoveries.followed
	}
	return h.recoveries.takenOver
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
		if h.pollOwes || time.Now().Before(h.historyAfter) || !places.TryAcquire(1) {
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
	switch {
	case !h.historyOwes && !h.pollOwes && !h.budget.isAway():
		return nil
	case wait:
		return h.budget.pay(ctx)
	case !h.budget.tryPay():
		return errNoPlace
	}
	return nil
}
