package poller

import (
	"context"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// takeOver shuts out earlier holders, learns what they published, and sees to
// it that the chat has been opened and that nothing is missing.
func (h *holder) takeOver(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.chatLog.Raise(ctx); err != nil {
		return err
	}
	h.poller.Failpoints.Reach(failpoint.Taken)
	if err := h.learnThePast(ctx); err != nil {
		return err
	}
	h.poller.Metrics.Taken(h.cameBy())
	if h.phase == closed {
		return nil
	}
	if h.saved.revision != 0 && h.saved.Opening != h.token.Opening { // it expires with the earlier opening
		h.trySaveCheckpoint(ctx)
	}
	if err := h.loadCloseRequest(ctx); err != nil {
		return err
	}
	return h.openOrRecover(ctx)
}

// cameBy is how the chat came to this holder, which has learnt its past.
func (h *holder) cameBy() metrics.Takeover {
	switch {
	case h.phase == unannounced:
		return metrics.TakenNew
	case h.wasHandedOver():
		return metrics.TakenOver
	}
	return metrics.TakenDied
}

// learnThePast loads what is known of the chat, and reads back what is not in it.
func (h *holder) learnThePast(ctx context.Context) error {
	if err := h.loadEntry(ctx); err != nil {
		return err
	}
	if err := h.loadCheckpoint(ctx); err != nil {
		return err
	}
	another := h.chatLog.IsAnotherStream()
	if another { // than the checkpoint's
		h.chatLog.CountFromStart()
		h.entry.Displace()
	}
	if another || !h.wasHandedOver() {
		if err := h.readBack(ctx); err != nil {
			return err
		}
	}
	h.chatLog.KnowPast()
	if another {
		h.saveEntry(ctx)
		return h.mustSaveCheckpoint(ctx)
	}
	return nil
}

// readBack reads what earlier holders have published, when there is a place.
func (h *holder) readBack(ctx context.Context) error {
	if h.fresh {
		return h.chatLog.ReadBack(ctx, h.recall)
	}
	ctx, cancel := h.polling.untilLeaving(ctx)
	defer cancel()
	h.progress.wait()
	err := h.poller.Places.ReadBacks.Acquire(ctx, 1)
	h.progress.step(time.Now())
	if err != nil {
		return context.Cause(ctx)
	}
	defer h.poller.Places.ReadBacks.Release(1)
	if err := h.chatLog.ReadBack(ctx, h.recall); err != nil {
		return orCause(ctx, err)
	}
	return nil
}

// orCause is why a context has ended, if it has, in place of what broke off then.
func orCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// recall brings the holder's picture of the chat up to what is published.
func (h *holder) recall(p chatlog.Published) {
	if !p.Complete.IsZero() {
		h.reconciliation.complete = p.Complete
	}
	switch p.Subject.Kind {
	case subjects.KindSession:
		h.recallSession(p)
	case subjects.KindEvent:
		h.traits.signaled = h.traits.signaled || p.Subject.Event == subjects.NameOfEvent(string(brightpattern.EventSignaling))
		h.traits.answered = h.traits.answered || p.Origin == translate.FromAnswer
		h.recallEvent(p)
	}
}

func (h *holder) recallSession(p chatlog.Published) {
	if p.Opening != h.token.Opening {
		return
	}
	switch p.Subject.Session {
	case subjects.Opened:
		h.phase = max(h.phase, announced)
	case subjects.Gap:
		if told, is := decodeSession(p.Message).(*schema.SessionGap); is && told.From != nil && told.To != nil {
			h.reconciliation.gapTold(gap{told.From.Time, told.To.Time})
		}
	case subjects.Closed:
		h.phase = closed
		if told, is := decodeSession(p.Message).(*schema.SessionClosed); is {
			h.wanted = told.Reason
		}
	}
}

// decodeSession is nil for what cannot be read.
func decodeSession(msg *bus.Stored) schema.Session {
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		return nil
	}
	payload, err := schema.DecodeSession(ce)
	if err != nil {
		return nil
	}
	return payload
}

// recallEvent brings the chat's entry up to the event, and learns whether the
// session has ended. Of one that was too large for the bus, the name tells.
func (h *holder) recallEvent(p chatlog.Published) {
	event, err := decodeEvent(p.Message)
	if err != nil {
		event = schema.NewEvent(string(p.Subject.Event))
	} else if p.Sequence > h.entry.Sequence {
		h.entry.Apply(event, p.Sequence, p.Message.Sequence)
	}
	if reason := translate.EndOf(event); reason != "" && h.phase != unannounced {
		h.end.eventCame(h.entry.State, time.Now())
		h.wantClosed(h.end.reason(schema.CloseReason(reason)), sessionEnded)
	}
}

func decodeEvent(msg *bus.Stored) (schema.Event, error) {
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		return nil, err
	}
	return schema.DecodeEvent(ce)
}

// openOrRecover sees to it that the opening is announced, and that what an
// earlier holder, or nobody, has read is published.
func (h *holder) openOrRecover(ctx context.Context) error {
	if h.phase == announced {
		if h.cameClean() {
			h.reconciliation.takeOver(historySpan{h.saved.Compared, h.saved.ComparedSince}, replicas.ClockSkew)
		} else {
			h.fearOrphan()
		}
		return h.reconcile(ctx, false)
	}
	h.reconciliation.complete = later(h.reconciliation.complete, h.token.OpenedAt)
	if err := h.announce(ctx, h.poller.Chats.Opened(h.token)); err != nil {
		return err
	}
	h.poller.Failpoints.Reach(failpoint.Announced)
	h.phase = announced
	h.entry.Reopen(h.token)
	h.saveEntry(ctx)
	if h.fresh {
		return nil
	}
	h.reconciliation.raise(eventMissing)
	now := time.Now()
	h.reconciliation.expectOrphan(now, now.Add(orphanPatience))
	return h.reconcile(ctx, false)
}
