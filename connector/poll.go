package connector

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// What a poll can come to. The reason is also the label of its metric.
type pollVerdict struct {
	reason string
	gone   bool // the session is no more: nothing is left to poll
	lost   bool // an answer may have been given away and not have arrived
	// The contact center holds another poll of the chat: a dead process's, or
	// one that was given up here. What is given to it never arrives.
	contended bool
	pause     time.Duration // the contact center asked for it
	// The contact center refuses the app: polling again does not mend that.
	misconfigured bool
}

func judgePoll(err error) pollVerdict {
	var failure *brightpattern.Error
	switch {
	case err == nil:
		return pollVerdict{reason: "ok"}
	case !errors.As(err, &failure):
		return pollVerdict{reason: "internal"}
	case failure.Code == brightpattern.CodeNotFound:
		return pollVerdict{reason: "gone", gone: true}
	}
	return pollVerdict{
		reason:        pollReason(failure),
		lost:          failure.Effect == brightpattern.EffectUnknown || isGateway(failure),
		contended:     failure.Code == brightpattern.CodeTooManyPollRequests,
		pause:         failure.RetryAfter,
		misconfigured: isMisconfigured(failure),
	}
}

func pollReason(failure *brightpattern.Error) string {
	if name := failure.Code.Name(); name != "" {
		return name
	}
	return string(failure.Reason)
}

const (
	firstPause   = 250 * time.Millisecond
	longestPause = 30 * time.Second
	longestWish  = 5 * time.Minute // no Retry-After, and no refusal, makes a chat deaf for longer
	// An empty answer that came sooner than this was not held, and polling
	// on at once would spin.
	shortestHold = 500 * time.Millisecond
	unheldPause  = time.Second
	lostPause    = 2 * time.Second // what was lost can be had from the history
	// A poll that is in the way is gone when it is answered, if not before.
	contendedPause = 5 * time.Second
)

// pace spaces the polls of one chat.
type pace struct {
	backOff  *backoff.ExponentialBackOff
	refusals *backoff.ExponentialBackOff // of polls that were refused for the configuration
	last     string
	refused  bool // the last poll, for the configuration
}

func newPace() *pace {
	return &pace{backOff: newBackOff(firstPause, longestPause), refusals: newBackOff(firstPause, longestWish)}
}

// after is the pause before the next poll. After a refusal for the
// configuration it is only the least.
func (p *pace) after(v pollVerdict, events int, took time.Duration) time.Duration {
	p.refused = v.misconfigured
	if p.refused {
		return max(p.refusals.NextBackOff(), min(v.pause, longestWish))
	}
	if v.reason == "ok" && (events > 0 || took >= shortestHold) {
		p.backOff.Reset()
		p.refusals.Reset()
		return 0
	}
	pause := p.backOff.NextBackOff()
	switch {
	case v.reason == "ok":
		return min(pause, unheldPause)
	case v.lost:
		pause = min(pause, lostPause)
	case v.contended:
		pause = min(pause, contendedPause)
	}
	return max(pause, min(v.pause, longestWish))
}

// changed tells whether the outcome is another than last time: worth a line in the log.
func (p *pace) changed(reason string) bool {
	before := p.last
	p.last = reason
	return before != reason && !(before == "" && reason == "ok")
}

// follow polls until the chat is to be closed: its session is over, or
// somebody wants so. An error ends the holding instead.
func (h *holder) follow(ctx context.Context) error {
	if h.over {
		return nil
	}
	pace, polled := newPace(), false
	h.calm, h.followed = true, true
	for h.polling.Err() == nil {
		if err := h.settleDoubt(ctx, polled); err != nil {
			return err
		}
		if h.isSurplus(pace) {
			return errSurplus
		}
		if !h.mayPoll() {
			break
		}
		if !h.lease.isSure() { // it has ended, or the process was frozen
			return cmp.Or(context.Cause(ctx), errLeaseLost)
		}
		h.calm, h.pollBegan = false, time.Now()
		events, pollErr := h.client.Poll(h.polling, h.token.credentials(), h.chat.id)
		polled = true
		pause, err := h.settlePoll(ctx, pace, events, pollErr)
		if err != nil {
			return err
		}
		sleep(h.polling, pause)
		if pace.refused {
			h.refusals.wait(h.polling, h.token.AppID)
		}
	}
	return h.afterPolling()
}

// mayPoll waits until what a poll brings can be published, and until a poll
// that follows a failure has its turn. It reports false if there is to be none.
func (h *holder) mayPoll() bool {
	h.awaitStore(h.polling)
	if h.pollOwes || !h.fresh && h.budget.isAway() {
		_ = h.budget.pay(h.polling)
	}
	return h.polling.Err() == nil
}

// settlePoll turns a poll's outcome into effects, and returns how long to
// wait before the next one. Publishing comes first: the next poll must not
// take what could not be published.
func (h *holder) settlePoll(ctx context.Context, pace *pace, events []brightpattern.Event, pollErr error) (time.Duration, error) {
	if pollErr != nil && h.polling.Err() != nil {
		return 0, nil // we cut it ourselves; close or the next holder looks for what it held
	}
	answered := time.Now()
	verdict := judgePoll(pollErr)
	h.pollOwes = h.budget.heard(pollErr)
	h.notePoll(pace, verdict, pollErr)
	var err error
	switch {
	case pollErr == nil:
		if err = h.store(ctx, events); err == nil {
			h.seenComplete(h.pollBegan, answered)
		}
	case verdict.gone:
		h.sessionGone()
	case verdict.contended:
		h.meetStray()
	case verdict.lost:
		h.losePoll()
	}
	h.calm = err == nil && !verdict.lost
	return pace.after(verdict, len(events), answered.Sub(h.pollBegan)), err
}

// store publishes what a poll has given.
func (h *holder) store(ctx context.Context, events []brightpattern.Event) error {
	read := time.Now()
	if len(events) > 0 {
		h.cfg.rehearsal.reach(pointPolled)
	}
	if h.cfg.rehearsal.without[safePublishFirst] {
		go func() { _ = h.receive(ctx, events, originPoll, read) }()
		return nil
	}
	return h.receive(ctx, events, originPoll, read)
}

// sessionGone ends the polling of a chat that the contact center does not know any more.
func (h *holder) sessionGone() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.wantClosed(schema.ClosedGone, originPoll)
	h.raiseDoubt(mayHaveEnded)
}

func (h *holder) notePoll(pace *pace, v pollVerdict, err error) {
	h.metrics.polls.WithLabelValues(v.reason).Inc()
	if !pace.changed(v.reason) {
		return
	}
	if err != nil {
		h.log.Warn("polling does not succeed", "reason", v.reason, "error", err)
		return
	}
	h.log.Info("polling works again")
}

// afterPolling tells whether the chat is to be closed. A poll that was cut for
// that may have held something. A replica that leaves does not look for it: the
// next holder will.
func (h *holder) afterPolling() error {
	cause := context.Cause(h.polling)
	switch {
	case errors.Is(cause, errClosing) && !h.calm:
		h.fearLoss()
	case errors.Is(cause, errClosing), errors.Is(cause, errEnded):
	default:
		return cause
	}
	return nil
}

// sleep returns after d, or when ctx ends.
func sleep(ctx context.Context, d time.Duration) {
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
