package poller

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
)

// How a holder keeps the chat's entry in the bucket of chats.

// A snapshot is no reason to hold up events.
const entryTimeout = 2 * time.Second

func (h *holder) loadEntry(ctx context.Context) error {
	var err error
	h.entry, err = bus.Ask(ctx, h.log, "reading the chat's entry", func(ctx context.Context) (chats.Entry, error) {
		found, err := h.poller.Chats.Find(ctx, h.chat)
		if errors.Is(err, chats.ErrUnknown) {
			return h.token.Entry(), nil
		}
		return found.Of(h.token), err
	})
	return err
}

// saveEntry writes the entry if it is worth it. It may fail: the next one
// will do, or the next holder rebuilds it from the stream.
func (h *holder) saveEntry(ctx context.Context) {
	if h.entry.IsWorthSaving() {
		_ = h.writeEntry(ctx)
	}
}

// isStale tells whether the entry is to be written for its client's sake.
func (h *holder) isStale() bool {
	return h.phase == announced && h.poller.Chats.IsStale(&h.entry)
}

func (h *holder) writeEntry(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, entryTimeout)
	defer cancel()
	err := h.poller.Chats.SaveAsHolder(ctx, h.chat, &h.entry)
	if err != nil {
		h.log.Warn("the chat's entry lags: it could not be written", "error", err)
	}
	return err
}

// closeEntry marks the chat as closed and lets what is kept of it expire.
func (h *holder) closeEntry(ctx context.Context) error {
	if h.entry.ClosedAt == nil { // closed by a holder that died before it could say so here
		h.entry.MarkClosed(h.wanted, time.Now())
	}
	if counts := h.chatLog.Counts(); counts.Sequence >= h.entry.Sequence {
		h.entry.Reach(counts.Sequence, counts.Position)
	}
	_, err := bus.Ask(ctx, h.log, "marking the chat as closed", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, errors.Join(h.poller.Chats.SaveAsHolder(ctx, h.chat, &h.entry), h.poller.Chats.RetireNumber(ctx, h.chat))
	})
	if checkpointErr := h.writeCheckpoint(ctx, atClose); checkpointErr != nil { // it only serves a chat that is attached again
		h.log.Warn("the closed chat's checkpoint could not be written", "error", checkpointErr)
	}
	return err
}
