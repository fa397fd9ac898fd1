package connector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// holder follows one chat for as long as this replica holds its session token:
// take it over, poll it, close it. What it publishes goes through one door,
// receive, whoever read it; so the chat's messages have one order.
type holder struct {
	*Connector
	chat  chatKey
	token sessionToken
	lease *lease
	fresh bool // a new chat's first holder: nothing can be missing yet
	log   *slog.Logger

	polling     context.Context // ends before the lease does when the chat is to be closed or handed over
	stopPolling context.CancelCauseFunc
	done        chan struct{} // closed when the holder has let go of the chat

	// The holder's own goroutine alone writes and reads these.
	calm      bool // no answer of a poll can be under way
	pollBegan time.Time

	going bool // it is being handed over to another replica; guarded by held

	mu       sync.Mutex // guards all below: one publication at a time
	chatLog  *chatLog
	entry    entry
	saved    checkpoint
	opened   bool // this opening has been announced
	over     bool // this opening has been closed
	departed bool // the chat is the next holder's: nothing is published any more
	wanted   schema.CloseReason
	signaled bool      // the chat has had signaling, which no history gives back
	answered bool      // calls on the chat have been answered with events
	lastSeen time.Time // up to when the chat's events are known to be complete
	compared time.Time // when the history was asked for last
	// since when the chat was in doubt then: from there on a gap was told
	comparedSince time.Time

	doubt      doubt
	doubtSince time.Time
	tried      bool // the history, for this doubt
	heard      bool // a poll has been answered since
	unreadable int  // so often was the history
	looked     bool // the history was read; it is to be read once more when the stray is gone
	stray      stray

	followed     bool      // the chat is taken over, and polled from here
	pollOwes     bool      // the last poll failed: the next is paid for
	historyOwes  bool      // and so for histories
	historyAfter time.Time // the contact center wants no history before
}

// run holds the chat until it is over, handed over or lost.
func (h *holder) run() {
	defer close(h.done)
	defer h.stopPolling(nil)
	err := h.hold(h.lease.ctx)
	switch {
	case err == nil:
		h.log.Info("chat closed")
	case errors.Is(err, errLeaseLost):
		h.log.Warn("chat let go: its session token could not be confirmed in time, another replica may have it")
		if h.lease.overran() {
			h.reportStray()
		}
		h.lease.stop() // a heartbeat may just have been confirmed
	case errors.Is(err, errFenced):
		h.letGoFenced()
	default:
		h.giveBack(err)
	}
}

func (h *holder) hold(ctx context.Context) error {
	if err := h.takeOver(ctx); err != nil {
		return err
	}
	if err := h.follow(ctx); err != nil {
		return err
	}
	return h.close(ctx)
}

// takeOver shuts out earlier holders, learns what they published, and sees to
// it that the chat has been opened and that nothing is missing.
func (h *holder) takeOver(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.chatLog.raiseFence(ctx); err != nil {
		return err
	}
	h.cfg.rehearsal.reach(pointTaken)
	if err := h.loadEntry(ctx); err != nil {
		return err
	}
	if err := h.loadCheckpoint(ctx); err != nil {
		return err
	}
	another := h.chatLog.isAnother()
	if another { // the checkpoint's
		h.chatLog.position = 0
	}
	if err := h.readBack(ctx); err != nil {
		return err
	}
	if another {
		if err := h.keepCheckpoint(ctx); err != nil {
			return err
		}
	}
	if h.over {
		return nil
	}
	if h.saved.revision != 0 && h.saved.Opening != h.token.Opening { // it expires with the earlier opening
		if err := h.saveCheckpoint(ctx, false); err != nil {
			h.log.Warn("the chat's checkpoint could not be written", "error", err)
		}
	}
	if err := h.loadIntention(ctx); err != nil {
		return err
	}
	return h.openOrRecover(ctx)
}

// recall brings the holder's picture of the chat up to what is published.
func (h *holder) recall(p published) {
	if complete, err := time.Parse(time.RFC3339Nano, p.msg.Header.Get(headerComplete)); err == nil {
		h.lastSeen = complete
	}
	switch p.subject.Kind {
	case subjects.KindSession:
		h.recallSession(p)
	case subjects.KindEvent:
		h.signaled = h.signaled || p.subject.Event == subjects.NameOfEvent(string(brightpattern.EventSignaling))
		h.answered = h.answered || origin(p.msg.Header.Get(headerOrigin)) == originSend
		h.recallEvent(p)
	}
}

func (h *holder) recallSession(p published) {
	if p.opening != h.token.Opening {
		return
	}
	h.opened = h.opened || p.subject.Session == subjects.Opened
	if p.subject.Session != subjects.Closed {
		return
	}
	h.over = true
	if ce, _, err := schema.Decode(p.msg.Header, p.msg.Data); err == nil {
		if closed, err := schema.DecodeSession(ce); err == nil {
			h.wanted = closed.(*schema.SessionClosed).Reason
		}
	}
}

// recallEvent brings the chat's entry up to the event, and learns whether the
// session has ended. The data of an event that was too large for the bus tell
// neither.
func (h *holder) recallEvent(p published) {
	ce, _, err := schema.Decode(p.msg.Header, p.msg.Data)
	if err != nil {
		return
	}
	event, err := schema.DecodeEvent(ce)
	if err != nil {
		return
	}
	if p.sequence > h.entry.Sequence {
		h.entry.apply(event, p.sequence)
	}
	if reason, ends := brightpattern.ParseEvent(event.Header().Raw).EndsSession(); ends && h.opened {
		h.wantClosed(schema.CloseReason(reason), originHistory)
	}
}

// openOrRecover sees to it that the opening is announced, and that what an
// earlier holder, or nobody, has read is published.
func (h *holder) openOrRecover(ctx context.Context) error {
	if h.opened {
		if h.cameClean() {
			h.compared, h.comparedSince = h.saved.Compared.Add(-clockDoubt), h.saved.ComparedSince.Add(clockDoubt)
		} else {
			h.fearStray()
		}
		return h.compare(ctx, false)
	}
	h.lastSeen = latest(h.lastSeen, h.token.OpenedAt)
	if err := h.announce(ctx, h.token.opened()); err != nil {
		return err
	}
	h.cfg.rehearsal.reach(pointAnnounced)
	h.opened = true
	h.reopenEntry()
	h.saveEntry(ctx)
	if h.fresh {
		return nil
	}
	h.raiseDoubt(mayLack)
	h.expectStray(time.Now().Add(strayPatience))
	return h.compare(ctx, false)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// receive publishes what the contact center gave away, in its order.
func (h *holder) receive(ctx context.Context, events []brightpattern.Event, origin origin, read time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return err
	}
	if origin == originSend {
		h.chatLog.rehearsal.reach(pointHandedOver)
	}
	for _, event := range events {
		if err := h.publish(ctx, event, origin, read); err != nil {
			return err
		}
	}
	h.saveEntry(ctx)
	return nil
}

// checkHeld tells whether the chat's log is this holder's to write: it is not
// before the fence stands. h.mu is held.
func (h *holder) checkHeld() error {
	switch {
	case h.departed:
		return errDeparted
	case h.over, h.chatLog.fence.position == 0:
		return errNotHeld
	}
	return nil
}

// publish is the one door to the chat's log for events. h.mu is held.
func (h *holder) publish(ctx context.Context, event brightpattern.Event, origin origin, read time.Time) error {
	like := likenessOf(event)
	if origin != originHistory && h.chatLog.alreadyTold(like) {
		h.raiseDoubt(mayLack)
		return nil
	}
	var data schema.Event
	err := h.fenced(ctx, func() (err error) {
		h.chatLog.complete = h.completeUntil()
		data, err = h.chatLog.event(ctx, event, like, origin, read)
		return err
	})
	if err != nil {
		return err
	}
	h.cfg.rehearsal.reach(pointPublished)
	h.metrics.events.WithLabelValues(string(origin)).Inc()
	h.signaled = h.signaled || event.Name == brightpattern.EventSignaling
	h.answered = h.answered || origin == originSend
	h.entry.apply(data, h.chatLog.sequence)
	if reason, ends := event.EndsSession(); ends {
		h.wantClosed(schema.CloseReason(reason), origin)
	}
	return nil
}

// wantClosed ends the polling. A poll under way when the end came by another
// way is cut, and what it held is looked for. h.mu is held.
func (h *holder) wantClosed(reason schema.CloseReason, by origin) {
	if h.wanted != "" && h.wanted != schema.ClosedDetached && h.wanted != schema.ClosedGone {
		return
	}
	h.wanted = reason
	if by == originSend {
		h.stopPolling(errClosing)
	} else {
		h.stopPolling(errEnded)
	}
}

// announce publishes a session message.
func (h *holder) announce(ctx context.Context, payload schema.Session) error {
	return h.fenced(ctx, func() error {
		h.chatLog.complete = h.completeUntil()
		return h.chatLog.session(ctx, h.token, payload)
	})
}

// close says the last word on the chat and removes its token. Each step may
// be repeated by the next holder, should this one die before the last.
func (h *holder) close(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over {
		if err := h.lookOnceMore(ctx); err != nil {
			return err
		}
		if err := h.announce(ctx, &schema.SessionClosed{ChatID: string(h.chat.id), Reason: h.wanted}); err != nil {
			return err
		}
		h.cfg.rehearsal.reach(pointClosed)
		h.over = true
		h.entry.close(h.wanted, time.Now())
	}
	if err := h.closeEntry(ctx); err != nil {
		return err
	}
	return h.lease.end()
}

// lookOnceMore finds what may still be missing of a chat that ends: one that
// somebody closed may have events that no poll has taken; and where calls are
// answered with events, an answer can be on its way to this holder. That none
// is lost is likely, so a history that is gone leaves no gap.
func (h *holder) lookOnceMore(ctx context.Context) error {
	isAsked := errors.Is(context.Cause(h.polling), errClosing)
	if h.doubt != noDoubt || !h.answered && !h.answering.Load() && !isAsked {
		return h.compare(ctx, true)
	}
	asked := time.Now()
	history, done, err := h.readHistory(ctx, true)
	defer done()
	if err != nil {
		h.log.Debug("the history of a chat that ends cannot be read", "error", err)
		return context.Cause(ctx)
	}
	h.raiseDoubt(mayLack)
	return h.mend(ctx, history, asked)
}

// askToClose makes the holder close the chat; the durable intention has been written before.
func (h *holder) askToClose(reason schema.CloseReason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wanted == "" {
		h.wanted = reason
	}
	h.stopPolling(errClosing)
}

// letGoFenced tells a fence that another holder put up from one that the
// stream has forgotten; in the second case the token is still ours to give.
func (h *holder) letGoFenced() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.lease.ctx), h.cfg.FailoverAfter/2)
	defer cancel()
	last, _, err := h.chatLog.lastFence(ctx)
	switch {
	case err == nil && last == 0:
		h.giveBack(errFenceForgotten)
		return
	case err != nil:
		h.log.Warn("chat let go: whose its fence is cannot be read", "error", err)
	default:
		h.log.Warn("chat let go: another replica has taken it")
	}
	h.depart(errFenced)
	h.reportStray()
	h.lease.stop()
}

// retakeDelay keeps a chat that nobody can hold from going round in circles.
const retakeDelay = 2 * time.Second

func (h *holder) giveBack(reason error) {
	h.depart(reason)
	delay := retakeDelay
	switch {
	case errors.Is(reason, errLeaving):
		<-h.pulled // or the token would come back to this replica's own pull
		delay = 0
	case errors.Is(reason, errFenceForgotten), errors.Is(reason, errSurplus):
		delay = 0
	}
	if err := h.lease.giveBack(delay); err != nil {
		h.log.Warn("chat let go; its session token could not be given back and is free when its time is over", "reason", reason, "error", err)
		return
	}
	h.log.Info("chat given back", "reason", reason)
}
