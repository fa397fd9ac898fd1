package poller

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/schema"
)

// # A chat of any length
//
// The bus has a largest message, and what is known of a chat's events grows
// with the chat. As long as a checkpoint is small it holds all of it, also in
// the form that earlier versions read. Beyond that the older part is sealed:
// it is written into segments, each far smaller than the bus's largest
// message, which never change and of which each names the one before it. The
// checkpoint names the last one, and holds what is younger.
//
// A segment is written before the checkpoint that names it, and under a name
// that no other holder gives: so neither a crash nor a holder that has been
// overtaken can break the chain that a checkpoint names. When the chat is
// closed its journal is sealed anew, to expire with the checkpoint, and what
// was sealed before is dropped.

// segment is a part of the journal of a chat's published events.
type segment struct {
	Before  segmentName `json:"before,omitempty"`
	Journal []byte      `json:"journal"`
}

// segmentName is the end of a segment's key: the revision of the checkpoint
// that it was written behind, and a UUID.
type segmentName string

func segmentKey(chat chats.Key, name segmentName) string { return segmentKeys(chat) + string(name) }

func segmentKeys(chat chats.Key) string { return checkpointKey(chat) + "." }

// restMost is what a checkpoint or a segment may have beside its journal.
const restMost = 1 << 10

// largestValue is far enough from what the bus takes for headers and subject.
func (p *Poller) largestValue() int { return int(p.Streams.State.Room() / 2) }

// fit leaves in a checkpoint what it can hold, and seals the rest.
func (h *holder) fit(ctx context.Context, c *checkpoint, keep time.Duration) error {
	memory, largest := h.chatLog.Memory(), h.poller.largestValue()
	journal := memory.Journal()
	if h.saved.sealed == 0 && isWhole(c, memory, largest) {
		return nil
	}
	most := max(0, largest-restMost) * 3 / 4 // a journal is written as base64
	for len(journal)-h.saved.sealed > most {
		piece := chatlog.CutJournal(journal[h.saved.sealed:], most)
		if err := h.seal(ctx, piece, keep); err != nil {
			return err
		}
	}
	c.Before, c.sealed, c.Journal = h.saved.Before, h.saved.sealed, journal[h.saved.sealed:]
	return nil
}

// isWhole puts all that is known into a checkpoint, if it may be so large.
func isWhole(c *checkpoint, memory *chatlog.Memory, largest int) bool {
	if len(memory.Journal()) > largest {
		return false
	}
	whole := *c
	whole.Seen, whole.Untaken = memory.Counts()
	whole.Journal = memory.Journal()
	written, err := schema.JSON(whole)
	if err != nil || len(written) > largest {
		return false
	}
	*c = whole
	return true
}

// seal writes the next segment, once and for all: a checkpoint that cannot be
// written after it is tried again without it.
func (h *holder) seal(ctx context.Context, piece []byte, keep time.Duration) error {
	name := segmentName(fmt.Sprintf("%d.%s", h.saved.revision, uuid.NewString()))
	_, err := bus.Save(ctx, h.poller.Streams.State, segmentKey(h.chat, name), segment{h.saved.Before, piece}, 0, keep)
	if err == nil {
		h.saved.Before, h.saved.sealed = name, h.saved.sealed+len(piece)
	}
	return err
}

// unseal has the whole journal written anew.
func (h *holder) unseal() { h.saved.Before, h.saved.sealed = "", 0 }

// loadMemory gathers what a checkpoint, and what is sealed before it, tell of
// the published events.
func (h *holder) loadMemory(ctx context.Context, c *checkpoint) (*chatlog.Memory, error) {
	if c.Before == "" && c.Journal == nil {
		return chatlog.MemoryOf(c.Seen, c.Untaken), nil
	}
	pieces, isComplete, err := h.loadSegments(ctx, c.Before)
	if err != nil {
		return nil, err
	}
	var journal []byte
	for _, piece := range pieces {
		journal = append(journal, piece...)
	}
	if !isComplete {
		h.log.Error("a part of what is known of the chat's published events is lost: some may be published again")
		c.Before = ""
		return chatlog.WithoutUntaken(append(pieces, c.Journal)...), nil
	}
	c.sealed = len(journal)
	memory, err := chatlog.ReadMemory(append(journal, c.Journal...))
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", checkpointKey(h.chat), bus.ErrUnreadable, err)
	}
	return memory, nil
}

// loadSegments returns the chain's pieces of the journal, the oldest first.
func (h *holder) loadSegments(ctx context.Context, last segmentName) (pieces [][]byte, isComplete bool, err error) {
	for name := last; name != ""; {
		found, err := bus.Ask(ctx, h.log, "reading what is known of the chat's published events", func(ctx context.Context) (segment, error) {
			found, _, err := bus.Load[segment](ctx, h.poller.Streams.State, segmentKey(h.chat, name))
			return found, err
		})
		if err != nil {
			return nil, false, err
		}
		if found.Journal == nil {
			return pieces, false, nil
		}
		pieces, name = append([][]byte{found.Journal}, pieces...), found.Before
	}
	return pieces, true, nil
}

// dropSegments removes what was sealed before an earlier checkpoint. What is
// younger may be another holder's who has overtaken this one.
func (h *holder) dropSegments(ctx context.Context, before uint64) {
	state := h.poller.Streams.State
	keys, err := state.Keys(ctx, segmentKeys(h.chat))
	for _, key := range keys {
		if behind, known := revisionIn(strings.TrimPrefix(key, segmentKeys(h.chat))); err == nil && known && behind < before {
			err = state.Purge(ctx, key)
		}
	}
	if err != nil {
		h.log.Debug("what was sealed of the chat's events could not be removed", "error", err)
	}
}

func revisionIn(name string) (uint64, bool) {
	digits, _, _ := strings.Cut(name, ".")
	revision, err := strconv.ParseUint(digits, 10, 64)
	return revision, err == nil
}
