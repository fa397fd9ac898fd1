package poller

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// # A stream that forgets
//
// The stream of events has limits, and a chat may outlive what it holds. A
// holder that knew only what is left there would take forgotten events for
// missing ones and publish them again out of the history, and would number
// from 1. So what is known of the published events is kept outside the stream,
// too: a checkpoint says up to which message of the stream it is complete, and
// a new holder reads on from there. It is written lazily, but before the
// stream can have forgotten what it does not have yet; that also bounds what a
// takeover must read.
//
// A chat may have more events than one message of the bus can tell of: see
// segment.go.

// checkpoint is what the holder of a chat has counted, and knows of it.
type checkpoint struct {
	Position uint64 `json:"position"` // sequence in the stream of the last message that is counted
	Sequence uint64 `json:"sequence"`

	// For earlier versions, as long as one message holds all that is known.
	Seen    translate.Counts `json:"seen"`
	Untaken translate.Counts `json:"untaken,omitempty"`

	Journal []byte      `json:"journal,omitempty"` // of the published events (see package chatlog), but for what is sealed
	Before  segmentName `json:"before,omitempty"`  // the last segment of what is sealed

	Opening  chats.OpeningID `json:"opening"` // that session.opened was published for
	Signaled bool            `json:"signaled,omitempty"`
	Answered bool            `json:"answered,omitempty"` // calls on the chat have been answered with events
	LastSeen time.Time       `json:"lastSeen,omitzero"`  // up to when nothing was missing
	Compared time.Time       `json:"compared,omitzero"`  // when the history was asked for last
	// since when events might have been missing then
	ComparedSince time.Time `json:"comparedSince,omitzero"`

	Told []toldGap `json:"told,omitempty"` // the last gaps

	Wanted schema.CloseReason `json:"wanted,omitempty"` // why the opening is to be closed
	Closed bool               `json:"closed,omitempty"` // session.closed was published for it

	// Whose fence stood when the chat was handed over: with all counted that was
	// published under it, and with nothing lost.
	Final chatlog.FenceID `json:"final,omitempty"`
	Clean chatlog.FenceID `json:"clean,omitempty"`

	revision uint64
	sealed   int // bytes of the journal that segments hold
}

// occasion is when a checkpoint is written.
type occasion int

const (
	inPassing      occasion = iota
	atParting               // the chat is handed over, and nothing is published any more
	atCleanParting          // and nothing is lost
	atClose                 // it is to expire
)

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
	memory, err := h.loadMemory(ctx, &found)
	if err != nil {
		return err
	}
	if h.saved = found.withoutMemory(); found.Closed && found.Opening != h.token.Opening {
		h.unseal() // what is sealed expires with the earlier opening
	}
	// The stream may have forgotten more than the entry has.
	h.chatLog.Resume(chatlog.Counts{Position: found.Position, Sequence: found.Sequence}, memory, h.entry.Sequence)
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
	for _, g := range found.Told {
		h.reconciliation.gapTold(gap{g.From, g.To})
	}
	return nil
}

// trySaveCheckpoint writes down what is counted, or is tried again by upkeep.
// h.mu is held.
func (h *holder) trySaveCheckpoint(ctx context.Context) {
	level := slog.LevelWarn
	if h.poller.Health.IsUnremembered(string(h.chat.Token)) { // that has been said
		level = slog.LevelDebug
	}
	if err := h.writeCheckpoint(ctx, inPassing); err != nil {
		h.log.Log(ctx, level, "the chat's checkpoint could not be written", "error", err)
	}
}

// mustSaveCheckpoint writes down what is counted, until it is. h.mu is held.
func (h *holder) mustSaveCheckpoint(ctx context.Context) error {
	_, err := bus.Ask(ctx, h.log, "writing the chat's checkpoint", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, h.writeCheckpoint(ctx, inPassing)
	})
	return err
}

// writeCheckpoint takes the place of one that an earlier holder wrote late, but
// not of one that knows more. Readiness tells when it cannot be written.
func (h *holder) writeCheckpoint(ctx context.Context, when occasion) error {
	if h.poller.Failpoints.LeavesOut(failpoint.Checkpoint) {
		return nil
	}
	if h.phase == announced && h.entry.Lags() { // what is counted is not read back for it
		_ = h.writeEntry(ctx)
	}
	err := h.putCheckpoint(ctx, when)
	h.poller.Failpoints.Reach(failpoint.CheckpointWritten)
	if ctx.Err() == nil {
		h.poller.Health.Remembered(string(h.chat.Token), err)
	}
	return err
}

func (h *holder) putCheckpoint(ctx context.Context, when occasion) error {
	var keep time.Duration
	if when == atClose {
		keep = bus.WholeSeconds(h.poller.Streams.Keeps())
	}
	next, replaced := h.checkpoint(when), h.saved
	if when == atClose {
		h.unseal()
	}
	if err := h.fit(ctx, &next, keep); err != nil {
		return err
	}
	revision, err := bus.SaveOver(ctx, h.poller.Streams.State, checkpointKey(h.chat), next, h.saved.revision, keep,
		func(found checkpoint) bool { return found.Sequence > next.Sequence })
	if err != nil {
		return err
	}
	next.revision = revision
	h.saved = next.withoutMemory()
	h.chatLog.Checkpointed()
	if when == atClose && (replaced.Before != "" || next.Before != "") {
		if err := h.segments().drop(ctx, replaced.revision); err != nil {
			h.log.Debug("what was sealed of the closed chat's events could not be removed", "error", err)
		}
	}
	return nil
}

func (h *holder) segments() segments {
	return segments{h.poller.Streams.State, checkpointKey(h.chat) + ".", h.log}
}

// restMost is what a checkpoint or a segment may have beside its journal.
const restMost = 1 << 10

// fit leaves in a checkpoint what it can hold, and seals the rest. Half of what
// the bus takes is far enough from it for headers and subject.
func (h *holder) fit(ctx context.Context, c *checkpoint, keep time.Duration) error {
	memory, largest := h.chatLog.Memory(), int(h.poller.Streams.State.Room()/2)
	journal := memory.Journal()
	if h.saved.sealed == 0 && c.hold(memory, largest) {
		return nil
	}
	most := max(0, largest-restMost) * 3 / 4 // a journal is written as base64
	for len(journal)-h.saved.sealed > most {
		if err := h.seal(ctx, chatlog.CutJournal(journal[h.saved.sealed:], most), keep); err != nil {
			return err
		}
	}
	c.Before, c.sealed, c.Journal = h.saved.Before, h.saved.sealed, journal[h.saved.sealed:]
	if h.poller.Registry.Oldest() < replicas.FormatJournal {
		c.tellEarlier(memory, int(h.poller.Streams.State.Room()-bus.Headroom))
	}
	return nil
}

// tellEarlier has a checkpoint hold what earlier versions know events by, as long
// as one message can.
func (c *checkpoint) tellEarlier(memory *chatlog.Memory, room int) {
	whole := *c
	whole.Seen, whole.Untaken = memory.Counts()
	if written, err := schema.JSON(whole); err == nil && len(written) <= room {
		*c = whole
	}
}

// wholeGrows is more than how many times as long as a journal it is in a
// checkpoint, with the counts for earlier versions.
const wholeGrows = 8

// hold puts all that is known into a checkpoint, if it may be so large.
func (c *checkpoint) hold(memory *chatlog.Memory, largest int) bool {
	if len(memory.Journal()) > largest {
		return false
	}
	whole := *c
	whole.Seen, whole.Untaken = memory.Counts()
	whole.Journal = memory.Journal()
	if len(whole.Journal)*wholeGrows+4*restMost > largest { // else it need not be tried
		written, err := schema.JSON(whole)
		if err != nil || len(written) > largest {
			return false
		}
	}
	*c = whole
	return true
}

// seal writes a piece of the journal once and for all: a checkpoint that cannot
// be written after it is tried again without it.
func (h *holder) seal(ctx context.Context, piece []byte, keep time.Duration) error {
	name, err := h.segments().write(ctx, h.saved.Before, piece, h.saved.revision, keep)
	if err == nil {
		h.saved.Before, h.saved.sealed = name, h.saved.sealed+len(piece)
	}
	return err
}

// unseal has the whole journal written anew.
func (h *holder) unseal() { h.saved.Before, h.saved.sealed = "", 0 }

// forgetSaved says that the bucket of checkpoints is another one.
func (h *holder) forgetSaved() {
	h.unseal()
	h.saved.revision = 0
}

// loadMemory gathers what a checkpoint, and what is sealed before it, tell of
// the published events.
func (h *holder) loadMemory(ctx context.Context, c *checkpoint) (*chatlog.Memory, error) {
	if c.Before == "" && c.Journal == nil {
		return chatlog.MemoryOf(c.Seen, c.Untaken), nil
	}
	pieces, isComplete, err := h.segments().read(ctx, c.Before)
	if err != nil {
		return nil, err
	}
	if !isComplete {
		h.log.Error("a part of what is known of the chat's published events is lost: some may be published again")
		c.Before = ""
		return chatlog.WithoutUntaken(append(pieces, c.Journal)...), nil
	}
	journal := slices.Concat(pieces...)
	c.sealed = len(journal)
	memory, err := chatlog.ReadMemory(append(journal, c.Journal...))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", checkpointKey(h.chat), bus.ErrUnreadable, err)
	}
	return memory, nil
}

// withoutMemory is for the holder, whose log has that.
func (c checkpoint) withoutMemory() checkpoint {
	c.Seen, c.Untaken, c.Journal = nil, nil, nil
	return c
}

func (h *holder) checkpoint(when occasion) checkpoint {
	counts := h.chatLog.Counts()
	c := checkpoint{
		Position: counts.Position, Sequence: counts.Sequence, Seen: translate.Counts{},
		Signaled: h.traits.signaled, Answered: h.traits.answered, LastSeen: h.reconciliation.completeUntil(),
		Compared: h.reconciliation.covered.until, ComparedSince: h.reconciliation.covered.since,
		Told: h.reconciliation.told.list(),
	}
	switch when {
	case atCleanParting:
		c.Final, c.Clean = h.chatLog.Self(), h.chatLog.Self()
	case atParting:
		c.Final = h.chatLog.Self()
	}
	if h.phase != unannounced {
		c.Opening, c.Wanted, c.Closed = h.token.Opening, h.wanted, h.phase == closed
	}
	return c
}

// retention is how long the stream of events remembers, as far as is known now.
func (p *Poller) retention() chatlog.Retention {
	return chatlog.RetentionOf(p.Streams.Events.CachedInfo().Config, p.cfg.FailoverAfter)
}
