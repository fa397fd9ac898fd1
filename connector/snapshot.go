package connector

import (
	"context"
	"errors"
	"time"

	"cc-connector/schema"
)

// How a holder keeps the chat's entry in the bucket of chats.

const (
	// An entry that only lags by its sequence is written after so many
	// messages, not after each: readers take the rest from the stream.
	entryLag = 32
	// A snapshot is no reason to hold up events.
	entryTimeout = 2 * time.Second
)

func (h *holder) loadEntry(ctx context.Context) error {
	var err error
	h.entry, err = persist(ctx, h.log, "reading the chat's entry", func(ctx context.Context) (entry, error) {
		found, err := h.known.find(ctx, h.chat)
		if errors.Is(err, errUnknownChat) {
			return entry{Chat: h.token.chat()}, nil
		}
		return found, err
	})
	h.chatLog.sequence = h.entry.Sequence // the stream may have forgotten more than the entry has
	return err
}

// saveEntry writes the entry if it is worth it. It may fail: the next one
// will do, or the next holder rebuilds it from the stream.
func (h *holder) saveEntry(ctx context.Context) {
	if !h.entry.changed && h.entry.Sequence < h.entry.saved+entryLag {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, entryTimeout)
	defer cancel()
	if err := h.writeEntry(ctx); err != nil {
		h.log.Warn("the chat's entry lags: it could not be written", "error", err)
	}
}

// writeEntry writes over whatever an opener wrote since, but never over a
// newer holder's entry.
func (h *holder) writeEntry(ctx context.Context) error {
	err := h.known.save(ctx, h.chat, &h.entry)
	if !isWrongSequence(err) {
		return err
	}
	newer, err := h.known.find(ctx, h.chat)
	switch {
	case errors.Is(err, errUnknownChat):
		h.entry.revision = 0
	case err != nil:
		return err
	case newer.Sequence > h.entry.Sequence:
		return errFenced
	default:
		h.entry.revision = newer.revision
	}
	return h.known.save(ctx, h.chat, &h.entry)
}

// closeEntry marks the chat as closed and lets what is kept of it expire.
func (h *holder) closeEntry(ctx context.Context) error {
	if h.entry.ClosedAt == nil { // closed by a holder that died before it could say so here
		h.entry.close(h.wanted, time.Now())
	}
	h.entry.Sequence = max(h.entry.Sequence, h.chatLog.sequence)
	_, err := persist(ctx, h.log, "marking the chat as closed", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, errors.Join(h.writeEntry(ctx), h.numbers.retire(ctx, h.chat))
	})
	if checkpointErr := h.saveCheckpoint(ctx, true); checkpointErr != nil { // it only serves a chat that is attached again
		h.log.Warn("the closed chat's checkpoint could not be written", "error", checkpointErr)
	}
	return err
}

// reopenEntry makes the entry that of this opening, whatever the holder of an
// earlier one wrote last.
func (h *holder) reopenEntry() {
	h.entry.ClientID, h.entry.App, h.entry.AppID = string(h.token.ClientID), h.token.App, string(h.token.AppID)
	h.entry.OpenedAt, h.entry.ClosedAt, h.entry.ClosedReason = schema.Time{Time: h.token.OpenedAt}, nil, ""
	h.entry.changed = true
}

// chat is a new entry for the chat that the token opens.
func (t sessionToken) chat() schema.Chat {
	return schema.Chat{
		ChatID: string(t.ChatID), ClientID: string(t.ClientID), App: t.App, AppID: string(t.AppID),
		State: t.State, OpenedAt: schema.Time{Time: t.OpenedAt},
	}
}

func (t sessionToken) opened() *schema.SessionOpened {
	return &schema.SessionOpened{
		ChatID: string(t.ChatID), ClientID: string(t.ClientID), App: t.App, IsNewChat: t.IsNewChat, State: t.State,
	}
}
