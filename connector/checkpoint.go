package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"

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
//
// The fence is a message of the stream as well. It is put up anew before it
// grows old; should it be forgotten all the same, the holder is refused like
// an overtaken one, gives its token back, and the next one begins afresh.

// A holder that hands a chat over between two polls has lost nothing, and the
// checkpoint says so to the next holder, who then need not look for losses. It
// says it of one fence: once any other holder has put up its own, and may have
// polled, it is void, however late it was written.

// checkpoint is what the holder of a chat has counted.
type checkpoint struct {
	Position uint64           `json:"position"` // sequence in the stream of the last message that is counted
	Sequence uint64           `json:"sequence"`
	Seen     map[likeness]int `json:"seen"`
	Untaken  map[likeness]int `json:"untaken,omitempty"`
	Opening  string           `json:"opening"` // that session.opened was published for
	Signaled bool             `json:"signaled,omitempty"`
	Answered bool             `json:"answered,omitempty"` // calls on the chat have been answered with events
	LastSeen time.Time        `json:"lastSeen,omitzero"`
	Compared time.Time        `json:"compared,omitzero"` // when the history was asked for last
	// since when the chat was in doubt then
	ComparedSince time.Time `json:"comparedSince,omitzero"`

	Wanted schema.CloseReason `json:"wanted,omitempty"` // why the opening is to be closed
	Closed bool               `json:"closed,omitempty"` // session.closed was published for it

	// Whose fence stood when the chat was handed over with nothing lost.
	Clean fenceID `json:"clean,omitempty"`

	revision uint64
}

// checkpoints are kept in the connector's own memory.
type checkpoints struct {
	js     jetstream.JetStream
	bucket jetstream.KeyValue
	keep   time.Duration // how long a closed chat's checkpoint is kept
}

func checkpointKey(key chatKey) string { return "checkpoint." + string(key.token) }

// find returns the zero checkpoint for a chat that has none.
func (c *checkpoints) find(ctx context.Context, key chatKey) (checkpoint, error) {
	var found checkpoint
	value, err := c.bucket.Get(ctx, checkpointKey(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return found, nil
	}
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(value.Value(), &found); err != nil {
		return found, fmt.Errorf("the chat's checkpoint: %w: %w", errUnreadable, err)
	}
	found.revision = value.Revision()
	return found, nil
}

// save writes at the revision that was read or written last: an overtaken
// holder must not put an older checkpoint in a newer one's place.
func (c *checkpoints) save(ctx context.Context, key chatKey, p *checkpoint, closed bool) error {
	value, err := json.Marshal(p)
	if err != nil {
		return err
	}
	var keep time.Duration
	if closed {
		keep = c.keep
	}
	revision, err := update(ctx, c.js, c.bucket, checkpointKey(key), value, p.revision, keep)
	if err == nil {
		p.revision = revision
	}
	return err
}

// loadCheckpoint begins the counts where an earlier holder has left them.
func (h *holder) loadCheckpoint(ctx context.Context) error {
	found, err := persist(ctx, h.log, "reading the chat's checkpoint", func(ctx context.Context) (checkpoint, error) {
		return h.checkpoints.find(ctx, h.chat)
	})
	if err != nil {
		return err
	}
	h.saved = found
	h.chatLog.position = found.Position
	h.chatLog.sequence = max(h.chatLog.sequence, found.Sequence)
	maps.Copy(h.chatLog.seen, found.Seen)
	maps.Copy(h.chatLog.untaken, found.Untaken)
	if found.Opening == h.token.Opening {
		h.opened, h.over = true, found.Closed
		if found.Wanted != "" {
			h.wantClosed(found.Wanted, originSend)
		}
	}
	h.signaled, h.answered, h.lastSeen = found.Signaled, found.Answered, found.LastSeen
	return nil
}

// saveCheckpoint writes down what is counted. h.mu is held.
func (h *holder) saveCheckpoint(ctx context.Context, closed bool) error {
	return h.writeCheckpoint(ctx, closed, "")
}

func (h *holder) writeCheckpoint(ctx context.Context, closed bool, clean fenceID) error {
	if h.cfg.rehearsal.without[safeCheckpoint] {
		return nil
	}
	next := checkpoint{
		Position: h.chatLog.position, Sequence: h.chatLog.sequence, Seen: h.chatLog.seen, Untaken: h.chatLog.untaken,
		Signaled: h.signaled, Answered: h.answered, Compared: h.compared, ComparedSince: h.comparedSince, LastSeen: h.completeUntil(), Clean: clean, revision: h.saved.revision,
	}
	if h.opened {
		next.Opening, next.Wanted, next.Closed = h.token.Opening, h.wanted, h.over
	}
	err := h.checkpoints.save(ctx, h.chat, &next, closed)
	if isConflict(err) {
		if err = h.outrun(ctx, &next); err == nil {
			err = h.checkpoints.save(ctx, h.chat, &next, closed)
		}
	}
	h.cfg.rehearsal.reach(pointCheckpoint)
	if err == nil {
		h.saved, h.chatLog.uncounted = next, 0
	}
	return err
}

// outrun takes the place of a checkpoint that an earlier holder wrote late,
// but not of one that knows more.
func (h *holder) outrun(ctx context.Context, next *checkpoint) error {
	found, err := h.checkpoints.find(ctx, h.chat)
	if err != nil {
		return err
	}
	if found.Sequence > next.Sequence {
		return errFenced
	}
	next.revision = found.revision
	return nil
}

// A hand-over does not wait long for this: the next holder can do without.
const departTimeout = time.Second

// depart ends what the holder does with the chat. If no answer can be missing
// it says so to the next holder.
func (h *holder) depart(reason error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.departed = true
	orderly := errors.Is(reason, errLeaving) || errors.Is(reason, errSurplus)
	if !orderly || !h.calm || h.doubt != noDoubt || !h.opened || h.over || !h.lease.isSure() {
		return
	}
	ctx, cancel := context.WithTimeout(h.lease.ctx, departTimeout)
	defer cancel()
	if err := h.writeCheckpoint(ctx, false, h.chatLog.self); err != nil {
		h.log.Debug("the next holder will look for losses: it cannot be told that there are none", "error", err)
	}
}

// cameClean tells whether the earlier holder said that nothing is missing and
// nobody has held the chat since. h.mu is held.
func (h *holder) cameClean() bool {
	return h.saved.Clean != "" && h.saved.Clean == h.chatLog.replaced &&
		h.saved.Opening == h.token.Opening && h.chatLog.uncounted == 0
}
