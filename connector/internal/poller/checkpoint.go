package poller

import (
	"context"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// # A stream that forgets
//
// The stream of events has limits, and a chat may outlive what it holds. A
// holder that counted only what is left there would take forgotten events for
// missing ones and publish them again out of the history, and would number
// from 1. So the counts are kept outside the stream, too: a checkpoint says up
// to which message of the stream it is complete, and a new holder reads on
// from there. It is written lazily, but before the stream can have forgotten
// what it does not have yet; that also bounds what a takeover must read.

// checkpoint is what the holder of a chat has counted, and knows of it.
type checkpoint struct {
	Position uint64           `json:"position"` // sequence in the stream of the last message that is counted
	Sequence uint64           `json:"sequence"`
	Seen     translate.Counts `json:"seen"`
	Untaken  translate.Counts `json:"untaken,omitempty"`
	Opening  chats.OpeningID  `json:"opening"` // that session.opened was published for
	Signaled bool             `json:"signaled,omitempty"`
	Answered bool             `json:"answered,omitempty"` // calls on the chat have been answered with events
	LastSeen time.Time        `json:"lastSeen,omitzero"`  // up to when nothing was missing
	Compared time.Time        `json:"compared,omitzero"`  // when the history was asked for last
	// since when events might have been missing then
	ComparedSince time.Time `json:"comparedSince,omitzero"`

	Wanted schema.CloseReason `json:"wanted,omitempty"` // why the opening is to be closed
	Closed bool               `json:"closed,omitempty"` // session.closed was published for it

	// Whose fence stood when the chat was handed over with nothing lost.
	Clean chatlog.FenceID `json:"clean,omitempty"`

	revision uint64
}

func checkpointKey(key chats.Key) string { return "checkpoint." + string(key.Token) }

// findCheckpoint returns the zero checkpoint for a chat that has none.
func (p *Poller) findCheckpoint(ctx context.Context, key chats.Key) (checkpoint, error) {
	found, revision, err := bus.Load[checkpoint](ctx, p.Streams.State, checkpointKey(key))
	found.revision = revision
	return found, err
}

// loadCheckpoint begins the counts where an earlier holder has left them.
func (h *holder) loadCheckpoint(ctx context.Context) error {
	found, err := bus.Ask(ctx, h.log, "reading the chat's checkpoint", func(ctx context.Context) (checkpoint, error) {
		return h.poller.findCheckpoint(ctx, h.chat)
	})
	if err != nil {
		return err
	}
	h.saved = found
	// The stream may have forgotten more than the entry has.
	h.chatLog.Resume(chatlog.Counts{Position: found.Position, Sequence: found.Sequence, Seen: found.Seen, Untaken: found.Untaken}, h.entry.Sequence)
	if found.Opening == h.token.Opening {
		h.phase = announced
		if found.Closed {
			h.phase = closed
		}
		if found.Wanted != "" {
			h.wantClosed(found.Wanted, closeRequested)
		}
	}
	h.traits.signaled, h.traits.answered = found.Signaled, found.Answered
	h.reconciliation.complete = found.LastSeen
	return nil
}

// trySaveCheckpoint writes down what is counted. h.mu is held.
func (h *holder) trySaveCheckpoint(ctx context.Context) {
	if err := h.writeCheckpoint(ctx, false, ""); err != nil {
		h.log.Warn("the chat's checkpoint could not be written", "error", err)
	}
}

// mustSaveCheckpoint writes down what is counted, until it is. h.mu is held.
func (h *holder) mustSaveCheckpoint(ctx context.Context) error {
	_, err := bus.Ask(ctx, h.log, "writing the chat's checkpoint", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, h.writeCheckpoint(ctx, false, "")
	})
	return err
}

// writeCheckpoint takes the place of one that an earlier holder wrote late, but
// not of one that knows more.
func (h *holder) writeCheckpoint(ctx context.Context, isLast bool, clean chatlog.FenceID) error {
	if h.poller.Failpoints.LeavesOut(failpoint.Checkpoint) {
		return nil
	}
	next := h.checkpoint(clean)
	var keep time.Duration
	if isLast {
		keep = bus.WholeSeconds(h.poller.Streams.Keeps())
	}
	revision, err := bus.SaveOver(ctx, h.poller.Streams.State, checkpointKey(h.chat), next, h.saved.revision, keep,
		func(found checkpoint) bool { return found.Sequence > next.Sequence })
	h.poller.Failpoints.Reach(failpoint.CheckpointWritten)
	if err == nil {
		next.revision = revision
		h.saved = next
		h.chatLog.Checkpointed()
	}
	return err
}

func (h *holder) checkpoint(clean chatlog.FenceID) checkpoint {
	counts := h.chatLog.Counts()
	c := checkpoint{
		Position: counts.Position, Sequence: counts.Sequence, Seen: counts.Seen, Untaken: counts.Untaken,
		Signaled: h.traits.signaled, Answered: h.traits.answered, LastSeen: h.reconciliation.completeUntil(),
		Compared: h.reconciliation.covered.until, ComparedSince: h.reconciliation.covered.since, Clean: clean,
	}
	if h.phase != unannounced {
		c.Opening, c.Wanted, c.Closed = h.token.Opening, h.wanted, h.phase == closed
	}
	return c
}
