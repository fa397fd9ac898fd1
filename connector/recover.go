package connector

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// # Recovery
//
// The contact center gives each event away once. An answer that is lost on
// its way, or dies with the process that received it, is only to be had from
// the chat's history. So whoever takes a chat that may have been polled
// before, and whoever loses an answer, reads the history and publishes what
// is missing of it, before the next poll.
//
// There is no cursor to compare. The history holds every server event except
// signaling; the stream holds what was published. Both are counted by
// likeness (see Identity), and what the history has more of is missing. A
// history that cannot be had, when an answer may have been lost, leaves a
// gap, and the chat's consumers are told so.
//
// A history also lists events that no poll has taken yet. They are published
// out of the history, and when a poll gives them away they are passed over.
// That could pass over a new event which looks just like a lost one; so the
// history is read once more, before the next poll, and counting finds it.

// reconcile returns the server events of a history that are missing among the
// published ones, in the order in which they are to be published: by time,
// equal times as listed, those without a time behind their predecessor.
func reconcile(chat brightpattern.ChatID, published map[likeness]int, history []brightpattern.Event) []brightpattern.Event {
	met := make(map[likeness]int, len(history))
	var missing []brightpattern.Event
	for _, event := range inTimeOrder(history) {
		if event.IsFromClient(chat) {
			continue
		}
		like := likenessOf(event)
		if met[like]++; met[like] > published[like] {
			missing = append(missing, event)
		}
	}
	return missing
}

// inTimeOrder restores the order that a history does not promise.
func inTimeOrder(history []brightpattern.Event) []brightpattern.Event {
	type timed struct {
		event brightpattern.Event
		at    time.Time
	}
	var latest time.Time
	list := make([]timed, len(history))
	for i, event := range history {
		if !event.Time.IsZero() {
			latest = event.Time
		}
		list[i] = timed{event, latest}
	}
	slices.SortStableFunc(list, func(a, b timed) int { return a.at.Compare(b.at) })
	sorted := make([]brightpattern.Event, len(list))
	for i, t := range list {
		sorted[i] = t.event
	}
	return sorted
}

// compare publishes what the history has and the stream has not, if there is
// any doubt. A history that cannot be had for the moment leaves the doubt
// standing until the next poll has come back, or, when it is the last chance,
// leaves a gap. h.mu is held.
func (h *holder) compare(ctx context.Context, last bool) error {
	if last {
		h.stray = stray{}
	}
	if h.doubt == noDoubt || h.looked && h.stray.isThere() {
		return nil
	}
	asked := time.Now()
	history, done, err := h.readHistory(ctx, last)
	defer done()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(context.Cause(h.polling), errLeaving):
		return errLeaving
	case err == nil:
		if h.doubt >= mayStray { // else it would not have told of a gap
			h.compared, h.comparedSince = asked, h.doubtSince
		}
		return h.mend(ctx, history, asked)
	case !last && h.mayBeReadLater(err):
		h.noteMissingHistory(err)
		return nil
	case h.doubt == mayHaveEnded:
		h.doubt = noDoubt
		return nil
	}
	if isGone(err) { // nothing more can be given to anybody
		h.stray = stray{}
	}
	since := h.doubtSince
	h.settle(time.Now())
	return h.reportGap(ctx, since, gapReason(err))
}

// mend publishes what is missing, and says so if an answer may have been lost.
func (h *holder) mend(ctx context.Context, history []brightpattern.Event, asked time.Time) error {
	read, since, lost := time.Now(), h.doubtSince, h.doubt == mayHaveLost
	missing := reconcile(h.chat.id, h.chatLog.seen, history)
	h.cfg.rehearsal.reach(pointRead)
	for _, event := range missing {
		if err := h.publish(ctx, event, originHistory, read); err != nil {
			return err
		}
	}
	h.saveEntry(ctx)
	if lost {
		if err := h.reportRecovered(ctx, missing, since, read); err != nil {
			return err
		}
	}
	if h.doubt < mayStray || !h.signaled {
		h.settle(asked)
		return nil
	}
	if h.stray.isThere() { // told once, with what that one may be given
		h.doubt, h.looked = mayStray, true
		return nil
	}
	h.settle(asked)
	return h.reportGap(ctx, since, schema.GapSignaling)
}

const (
	// A chat that waits for its past is deaf: after this it is polled again,
	// and the history tried once before each poll.
	historyPatience = 10 * time.Second
	// What cannot be read so often will not be readable.
	unreadableMost = 3
)

// readHistory has a place for the history from before it is read until done.
func (h *holder) readHistory(ctx context.Context, last bool) (history []brightpattern.Event, done func(), err error) {
	ctx, cancel := h.untilLeaving(ctx)
	defer cancel()
	began := time.Now()
	again := h.tried
	h.tried = true
	release, err := h.placeForHistory(ctx, last, again)
	if err != nil {
		return nil, func() {}, err
	}
	patience := max(historyPatience-time.Since(began), firstPause)
	if last {
		patience = historyPatience
	}
	history, err = h.tryHistory(ctx, patience, last, again)
	return history, release, err
}

// tryHistory reads the history, again and again while there is patience; once
// if it was tried before and will be again.
func (h *holder) tryHistory(ctx context.Context, patience time.Duration, last, again bool) ([]brightpattern.Event, error) {
	once, tries := again && !last, uint(0) // no limit but that of time
	if once {
		tries = 1
	}
	paying, cancel := ctx, func() {}
	if !last {
		paying, cancel = context.WithTimeout(ctx, patience)
	}
	defer cancel()
	return backoff.Retry(ctx, func() ([]brightpattern.Event, error) {
		if h.payForHistory(paying, !once) != nil {
			return nil, backoff.Permanent(errNoPlace)
		}
		events, err := h.client.History(ctx, h.token.credentials(), h.chat.id)
		h.noteHistory(err)
		if isUnreadable(err) {
			h.unreadable++
		} else if err == nil {
			h.unreadable = 0
		}
		if err != nil && (!isTransient(err) || h.unreadable >= unreadableMost) {
			return nil, backoff.Permanent(err)
		}
		return events, askedToWait(err)
	}, backoff.WithBackOff(newBackOff(firstPause, 2*time.Second)), backoff.WithMaxElapsedTime(patience), backoff.WithMaxTries(tries))
}

func (h *holder) noteHistory(err error) {
	h.historyOwes = h.budget.heard(err)
	h.historyAfter = time.Now().Add(min(wishOf(err), longestWish))
}

// askedToWait has the next try wait for as long as the contact center asks for.
func askedToWait(err error) error {
	if wish := wishOf(err); wish > 0 {
		return errors.Join(err, &backoff.RetryAfterError{Duration: wish})
	}
	return err
}

// wishOf is the Retry-After of an answer, or 0.
func wishOf(err error) time.Duration {
	var failure *brightpattern.Error
	if errors.As(err, &failure) {
		return failure.RetryAfter
	}
	return 0
}

// mayBeReadLater tells whether a history that was not had is to be tried again
// before the next poll. One that is refused for the configuration is, too,
// but not where polls succeed all the same.
func (h *holder) mayBeReadLater(err error) bool {
	switch {
	case errors.Is(err, errNoPlace):
		return true
	case isMisconfigured(err):
		return !h.heard
	}
	return isTransient(err) && h.unreadable < unreadableMost
}

func isUnreadable(err error) bool {
	var failure *brightpattern.Error
	return errors.As(err, &failure) && failure.Reason == brightpattern.ReasonUnreadable
}

func (h *holder) noteMissingHistory(err error) {
	if errors.Is(err, errNoPlace) {
		h.log.Debug("the chat's history is not read now; it will be tried before each poll", "reason", err)
		return
	}
	h.log.Warn("the chat's history cannot be read for the moment; it will be tried before each poll", "error", err)
}

// untilLeaving ends the context also when this replica leaves: the next
// holder will read the history anyway.
func (h *holder) untilLeaving(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(h.polling, func() {
		if cause := context.Cause(h.polling); errors.Is(cause, errLeaving) {
			cancel(cause)
		}
	})
	return ctx, func() { stop(); cancel(nil) }
}

func gapReason(err error) schema.GapReason {
	if isUnreadable(err) {
		return schema.GapHistoryUnreadable
	}
	return schema.GapHistoryUnavailable
}

func (h *holder) reportRecovered(ctx context.Context, missing []brightpattern.Event, from, to time.Time) error {
	if len(missing) == 0 {
		return nil
	}
	h.log.Info("events recovered from the history", "events", len(missing))
	return h.announce(ctx, &schema.SessionRecovered{
		ChatID: string(h.chat.id), Events: len(missing), From: schema.NewTime(from), To: schema.NewTime(to),
	})
}

func (h *holder) reportGap(ctx context.Context, from time.Time, reason schema.GapReason) error {
	h.log.Warn("events of the chat may be missing and cannot be had", "reason", reason)
	h.metrics.gaps.WithLabelValues(string(reason)).Inc()
	return h.announce(ctx, &schema.SessionGap{
		ChatID: string(h.chat.id), From: schema.NewTime(from), To: schema.NewTime(time.Now()), Reason: reason,
	})
}
