package poller

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// # Stacks
//
// A poll is held for seconds, and thousands are at a time. A goroutine's stack
// grows with all that the goroutine does and hardly shrinks again: a held poll
// would keep what publishing its last answer took. So each round runs in a
// goroutine of its own, begun with the smallest stack by the one before it. Still
// only one of them lives at a time.

// follow polls until the chat is to be closed or handed over, or cannot be held.
func (h *holder) follow() {
	if h.isClosed() {
		h.stop(sessionEnded, nil)
		return
	}
	h.begin()
	h.goOn()
}

// goOn makes ready for a poll, and has it made.
func (h *holder) goOn() {
	how, err := h.prepare(h.lease.Context())
	if err != nil || how != notEnded {
		h.stop(how, err)
		return
	}
	go h.round()
}

// round is a poll and the pause after it, either of which a command that finds no
// session cuts short.
func (h *holder) round() {
	if err := h.poll(); err != nil {
		h.stop(notEnded, err)
		return
	}
	h.pause()
	h.goOn()
}

// prepare returns when the chat is to be polled, or why it is not to be any more.
// An error ends the holding instead.
func (h *holder) prepare(ctx context.Context) (ending, error) {
	if h.polling.ctx.Err() != nil {
		return h.afterPolling()
	}
	if err := h.reconcileBeforePoll(ctx); err != nil {
		return notEnded, err
	}
	if h.isSurplus() {
		return chatIsSurplus, nil
	}
	if !h.mayPoll() {
		return h.afterPolling()
	}
	if !h.lease.IsSure() { // it has ended, or the process was frozen
		return notEnded, cmp.Or(context.Cause(ctx), lease.ErrLost)
	}
	return notEnded, nil
}

// begin goes on with a session whose end may have been announced.
func (h *holder) begin() {
	h.polls.begin()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.end.eventCame(h.entry.State, time.Now())
}

func (h *holder) pause() {
	next := h.polls.next
	if next.pause <= 0 && !next.whenAccepted {
		return
	}
	pause, end := h.polling.beginPause()
	defer end()
	h.progress.pause(time.Now().Add(next.pause))
	retry.Sleep(pause, next.pause)
	if next.whenAccepted {
		h.progress.wait()
		h.poller.Refusals.Wait(pause, h.token.AppID)
	}
	h.progress.step(time.Now())
}

func (h *holder) isClosed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.phase == closed
}

// mayPoll waits until what a poll brings can be published, and until a poll
// that follows a failure may be made. It reports false if there is to be none.
func (h *holder) mayPoll() bool {
	h.awaitStore()
	if h.polls.next.pays || !h.fresh && h.poller.Budget.IsAway() {
		h.progress.wait()
		_ = h.poller.Budget.Pay(h.polling.ctx)
		h.progress.step(time.Now())
	}
	return h.polling.ctx.Err() == nil
}

const storePause = 500 * time.Millisecond

// awaitStore returns when what a poll would bring can be published, as far as
// is known. Whoever polls without NATS takes what nobody can have. A store that
// fails is not waited for so long: it may be another chat's event that it
// does not take.
func (h *holder) awaitStore() {
	began := time.Now()
	isDown := func() bool {
		return !h.poller.NATS.IsConnected() || h.poller.Health.IsStoreDown() && time.Since(began) < bus.StoreMemory
	}
	for h.polling.ctx.Err() == nil && isDown() {
		retry.Sleep(h.polling.ctx, storePause/2+rand.N(storePause)) // not all at once
	}
}

// poll polls once, and publishes what it is given: the next poll must not take
// what could not be published.
func (h *holder) poll() error {
	ctx, end := h.polling.beginPoll() // until what the poll gave is published
	defer end()
	began := time.Now()
	h.polls.send(began)
	h.progress.sent(began.Add(h.poller.Client.PollTimeout()))
	h.poller.Metrics.PollsInFlight.Inc()
	events, err := h.poller.Client.Poll(ctx, h.credentials(), h.chat.ID)
	h.poller.Metrics.PollsInFlight.Dec()
	switch {
	case err != nil && h.polling.ctx.Err() != nil:
		return nil // we cut it ourselves; close or the next holder looks for what it held
	case err != nil && ctx.Err() != nil:
		h.polls.cut()
		h.progress.step(time.Now())
		return nil
	}
	return h.takeIn(events, err, began, end)
}

func (h *holder) credentials() brightpattern.Credentials {
	return brightpattern.Credentials{App: h.token.AppID, Client: h.token.ClientID}
}

// takeIn takes in what a poll came to; done gives back what its answer takes.
func (h *holder) takeIn(events []brightpattern.Event, err error, began time.Time, done func()) error {
	answered, verdict := time.Now(), judgePoll(err)
	h.progress.cameBack(answered, verdict.outcome.isOfContactCenter())
	h.poller.Budget.Heard(err)
	h.polls.next = h.polls.pace.after(verdict, len(events), answered.Sub(began))
	h.notePoll(verdict, err)
	if verdict.outcome == pollAnswered {
		defer h.poller.setAside(events, done)()
		if err := h.store(h.lease.Context(), events); err != nil {
			return err
		}
	}
	h.learn(verdict, began, answered)
	return nil
}

// learn takes in what a poll came to, once what it gave is published.
func (h *holder) learn(verdict pollVerdict, began, answered time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	outcome := verdict.outcome
	if h.polls.wasCut && outcome != pollMissed { // cut for the sake of a session that is not there, it has held nothing
		h.polls.wasCut = false
		h.fearOrphan()
	}
	switch outcome {
	case pollAnswered:
		h.reconciliation.pollAnswered(began, answered)
	case pollMissed, pollUnfound:
		h.reconciliation.raise(endMissing)
	case pollContended:
		h.reconciliation.pollContended(time.Now())
	case pollLost:
		h.fearOrphan()
	}
	if !outcome.isOfContactCenter() {
		h.reconciliation.pollFailed()
	}
	if h.isSessionOver(verdict, answered) {
		h.wantClosed(h.end.reason(schema.ClosedGone), sessionEnded)
	}
	if outcome != pollLost {
		h.polls.arrived()
	}
}

func (h *holder) isSessionOver(verdict pollVerdict, now time.Time) bool {
	patience := h.poller.cfg.Patience
	switch verdict.outcome {
	case pollAnswered:
		return h.end.pollAnswered(now, patience)
	case pollMissed:
		return h.end.pollMissed(now, patience)
	case pollUnfound:
		return h.end.pollUnfound(now, patience)
	}
	return h.end.pollFailed(verdict.isWord, now, patience)
}

// store publishes what a poll has given.
func (h *holder) store(ctx context.Context, events []brightpattern.Event) error {
	read := time.Now()
	ctx, span := h.poller.Traces.Poll(ctx, h.chat.ID, len(events))
	defer span.End()
	if len(events) > 0 {
		h.poller.Failpoints.Reach(failpoint.Polled)
	}
	if h.poller.Failpoints.LeavesOut(failpoint.PublishFirst) {
		go func() { _ = h.receive(ctx, events, translate.FromPoll, read) }()
		return nil
	}
	return h.receive(ctx, events, translate.FromPoll, read)
}

func (h *holder) notePoll(v pollVerdict, err error) {
	h.poller.Metrics.Polled(v.reason)
	if !h.polls.next.isNews {
		return
	}
	if err != nil {
		h.log.Warn("polling does not succeed", "reason", v.reason, "error", err)
		return
	}
	h.log.Info("polling works again")
}

// afterPolling is why the polling has ended. A poll that was cut for a chat
// that is to be closed may have held something. A replica that leaves does not
// look for it: the next holder will.
func (h *holder) afterPolling() (ending, error) {
	why := h.polling.ended()
	if why == leaseEnded {
		return why, context.Cause(h.polling.ctx)
	}
	if why == closeRequested && h.polls.isOpen() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.reconciliation.raise(answerMayBeLost)
	}
	return why, nil
}
