package connector

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"
)

// # A stream that was lost
//
// A stream that is deleted and made again, or purged, knows no fence, and
// refuses the rightful holder like an overtaken one. If there is no other
// fence, and nobody else can have the token, the holder puts its own up again
// and publishes what it has in hand: there may be events in it that no history
// gives back. A new stream also counts anew, so that a checkpoint made in the
// old one would hide what stands in it; this shows by a fence that stands
// before what was counted already.

// fenced publishes under the chat's fence, which is put up again if the stream
// has lost it. h.mu is held.
func (h *holder) fenced(ctx context.Context, publish func() error) error {
	err := publish()
	if !errors.Is(err, errFenced) || !h.lease.isSure() || h.chatLog.putUpAgain(ctx) != nil {
		return err
	}
	h.log.Warn("the stream of events had lost the chat's fence; it is up again")
	if err := h.countAnew(ctx); err != nil {
		return err
	}
	return publish()
}

// countAnew sees to it that the next holder reads back what is published from
// now on. All that stands before the fence is counted.
func (h *holder) countAnew(ctx context.Context) error {
	if !h.chatLog.isAnother() {
		return nil
	}
	h.chatLog.position = h.chatLog.fence.position
	return h.keepCheckpoint(ctx)
}

// keepCheckpoint is saveCheckpoint that must succeed.
func (h *holder) keepCheckpoint(ctx context.Context) error {
	_, err := persist(ctx, h.log, "writing the chat's checkpoint", func(ctx context.Context) (struct{}, error) {
		return struct{}{}, h.saveCheckpoint(ctx, false)
	})
	return err
}

// isAnother tells whether the stream is another one than that in which the
// chat's messages were counted.
func (l *chatLog) isAnother() bool { return l.position >= l.fence.position }

// putUpAgain raises a fence where there is none.
func (l *chatLog) putUpAgain(ctx context.Context) error {
	id := "fence:" + uuid.NewString()
	ack, err := persist(ctx, l.log, "raising the fence of a chat again", func(ctx context.Context) (*jetstream.PubAck, error) {
		return l.js.PublishMsg(ctx, l.newFence(), jetstream.WithMsgID(id), jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
	})
	if err == nil {
		l.fence = mark{ack.Sequence, time.Now()}
	}
	return err
}
