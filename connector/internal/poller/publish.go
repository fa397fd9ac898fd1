package poller

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// receive publishes what the contact center gave away, in its order, whoever
// read it.
func (h *holder) receive(ctx context.Context, events []brightpattern.Event, origin translate.Origin, read time.Time) error {
	drafts := h.translate(events)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.checkHeld(); err != nil {
		return err
	}
	if origin == translate.FromAnswer {
		h.poller.Failpoints.Reach(failpoint.HandedOver)
	}
	for _, event := range drafts {
		if err := h.publish(ctx, event, origin, read); err != nil {
			return err
		}
	}
	h.saveEntry(ctx)
	return nil
}

func (h *holder) translate(events []brightpattern.Event) []translate.ServerEvent {
	translated := make([]translate.ServerEvent, len(events))
	for i, event := range events {
		translated[i] = translate.ReadServerEvent(h.chat.ID, event)
	}
	return translated
}

// publish is the one door to the chat's log for events. h.mu is held.
func (h *holder) publish(ctx context.Context, event translate.ServerEvent, origin translate.Origin, read time.Time) error {
	if origin != translate.FromHistory && h.chatLog.WasTold(event.Likeness) {
		h.reconciliation.raise(eventMissing)
		return nil
	}
	if err := h.appendEvent(ctx, event, origin, read); err != nil {
		return err
	}
	h.poller.Failpoints.Reach(failpoint.Published)
	h.poller.Metrics.Events.WithLabelValues(string(origin)).Inc()
	h.traits.signaled = h.traits.signaled || event.Signaling
	h.traits.answered = h.traits.answered || origin == translate.FromAnswer
	counts := h.chatLog.Counts()
	h.entry.Apply(event.Data, counts.Sequence, counts.Position)
	if event.Ends != "" {
		h.wantClosed(h.end.reason(schema.CloseReason(event.Ends)), endingBy(origin))
	} else {
		h.end.eventCame(h.entry.State, time.Now())
	}
	if h.chatLog.IsBurst(h.poller.retention()) {
		h.trySaveCheckpoint(ctx)
	}
	return nil
}

// appendEvent publishes what no message can hold as far as it can be: a holder
// that gave up would meet the event again, and so would the next one.
func (h *holder) appendEvent(ctx context.Context, event translate.ServerEvent, origin translate.Origin, read time.Time) error {
	try := func(event translate.ServerEvent) error {
		return h.append(ctx, func() error {
			return h.chatLog.AppendEvent(ctx, event, origin, read, h.reconciliation.completeUntil())
		})
	}
	err := try(event)
	if bus.IsUnfit(err) { // the stream may take less than was known
		err = try(event)
	}
	switch {
	case bus.IsUnfit(err):
		h.noteSimpler(metrics.SimplerUnfit, "error", err)
		return try(event.Bare(err.Error()))
	case err == nil && event.Simplified:
		h.noteSimpler(metrics.SimplerNested)
	}
	return err
}

// noteSimpler counts each, and logs the first.
func (h *holder) noteSimpler(reason string, more ...any) {
	h.poller.Metrics.Simpler.WithLabelValues(reason).Inc()
	if h.traits.simplified {
		return
	}
	h.traits.simplified = true
	h.log.With(more...).Warn("an event could not be published just as it came; others of the chat are only counted", "reason", reason)
}

// endingBy is how the polling ends when the session's end has come that way. A
// poll under way is cut when it came by an answer, and what it held is looked for.
func endingBy(origin translate.Origin) ending {
	if origin == translate.FromAnswer {
		return closeRequested
	}
	return sessionEnded
}

// announce publishes a session message.
func (h *holder) announce(ctx context.Context, payload schema.Session) error {
	err := h.append(ctx, func() error {
		return h.chatLog.AppendSession(ctx, h.token, payload, h.reconciliation.completeUntil())
	})
	if err == nil {
		counts := h.chatLog.Counts()
		h.entry.Reach(counts.Sequence, counts.Position)
	}
	return err
}

// append publishes under the chat's fence, which is put up again if the stream
// has lost it: see package chatlog. h.mu is held.
func (h *holder) append(ctx context.Context, publish func() error) error {
	err := publish()
	if !errors.Is(err, bus.ErrFenced) || !h.lease.IsSure() || h.chatLog.Restore(ctx) != nil {
		return err
	}
	h.log.Warn("the stream of events had lost the chat's fence; it is up again")
	if h.chatLog.IsAnotherStream() { // the next holder has to read back what is published from now on
		h.chatLog.CountFromFence()
		h.entry.Displace()
		h.saveEntry(ctx) // before anybody looks for what is published from now on
		if err := h.mustSaveCheckpoint(ctx); err != nil {
			return err
		}
	}
	return publish()
}
