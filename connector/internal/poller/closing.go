package poller

import (
	"context"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/schema"
)

// loadCloseRequest learns whether this opening was to be closed before the
// holder came.
func (h *holder) loadCloseRequest(ctx context.Context) error {
	reason, err := bus.Ask(ctx, h.log, "reading whether the chat is to be closed", func(ctx context.Context) (schema.CloseReason, error) {
		return h.poller.Chats.CloseRequest(ctx, h.token.Opening)
	})
	if err == nil && reason != "" {
		h.wantClosed(reason, closeRequested)
	}
	return err
}

// close says the last word on the chat and removes its token. Each step may
// be repeated by the next holder, should this one die before the last.
func (h *holder) close(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.phase != closed {
		if err := h.lookOnceMore(ctx); err != nil {
			return err
		}
		if err := h.announce(ctx, &schema.SessionClosed{ChatID: string(h.chat.ID), Reason: h.wanted}); err != nil {
			return err
		}
		h.poller.Failpoints.Reach(failpoint.Closed)
		h.phase = closed
		h.entry.MarkClosed(h.wanted, time.Now())
	}
	if err := h.closeEntry(ctx); err != nil {
		return err
	}
	return h.lease.End()
}

// lookOnceMore finds what may still be missing of a chat that ends: one that
// somebody closed may have events that no poll has taken; and where calls are
// answered with events, an answer can be on its way to this holder. That none
// is lost is likely, so a history that is gone leaves no gap.
func (h *holder) lookOnceMore(ctx context.Context) error {
	isLikely := h.traits.answered || h.poller.Chats.AreCallsAnswered() || h.polling.ended() == closeRequested
	if !h.reconciliation.isInSync() || !isLikely {
		return h.reconcile(ctx, true)
	}
	asked := time.Now()
	history, err := h.readHistory(ctx, true)
	defer history.end()
	if err != nil {
		h.log.Debug("the history of a chat that ends cannot be read", "error", err)
		return context.Cause(ctx)
	}
	h.reconciliation.raise(eventMissing)
	return h.publishMissing(ctx, history, asked)
}
