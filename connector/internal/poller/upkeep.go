package poller

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/retry"
)

// What has to be done to a chat because the stream of events grows old.

const (
	upkeepEvery = time.Second
	// A stream with a limit of bytes can forget faster than time tells.
	upkeepEveryByBytes = 100 * time.Millisecond
)

// Tend looks after the chats held here until ctx ends.
func (p *Poller) Tend(ctx context.Context) {
	for ctx.Err() == nil {
		retry.Sleep(ctx, p.upkeepEvery())
		if ctx.Err() == nil {
			p.tendAll(ctx)
		}
	}
}

// upkeepEvery is as often as the stream's present limits ask for.
func (p *Poller) upkeepEvery() time.Duration {
	every, retention := upkeepEvery, p.retention()
	if retention.MaxAge > 0 {
		every = min(every, retention.MaxAge/10)
	}
	if retention.ForgetsFast() {
		every = min(every, upkeepEveryByBytes)
	}
	return every
}

func (p *Poller) tendAll(ctx context.Context) {
	info, err := p.Streams.Events.Info(ctx)
	if err != nil {
		return // readiness tells; nothing is forgotten by a stream that is away
	}
	p.bringForward(info.State)
	retention, refreshes := p.retention(), refreshesMost
	for _, h := range p.held.all() {
		if h.mu.TryLock() { // a holder that is busy is looked after next time
			h.tend(ctx, retention, info.State, &refreshes)
			h.mu.Unlock()
		}
	}
}

// refreshesMost are made at a time: all chats may have become stale at once.
const refreshesMost = 64

// tend writes a checkpoint and puts the fence up anew if they grow old, and
// refreshes the entry while that may be done and succeeds. h.mu is held.
func (h *holder) tend(ctx context.Context, retention chatlog.Retention, state jetstream.StreamState, refreshes *int) {
	if !h.holdsSurely() {
		return
	}
	if h.chatLog.NeedsFence(retention, state) && !h.poller.Failpoints.LeavesOut(failpoint.Refence) && !h.renewFence() {
		return
	}
	if h.chatLog.NeedsCheckpoint(retention, state) || h.poller.Health.IsUnremembered(string(h.chat.Token)) {
		h.trySaveCheckpoint(ctx)
	}
	if *refreshes > 0 && h.isStale() {
		if *refreshes--; h.writeEntry(ctx) != nil {
			*refreshes = 0 // it would not help the others either
		}
	}
}

// forwardMost fences are brought forward at a time: those of all chats may stand
// far back at once.
const forwardMost = 256

// bringForward puts up anew the fences that stand far back, when the stream has
// grown by a part of that since they were looked at: the oldest first, for the
// server comes by each part of the stream once then. If they are too many, the
// others follow next time.
func (p *Poller) bringForward(state jetstream.StreamState) {
	if p.lookedBack <= state.LastSeq && chatlog.BytesBehind(p.lookedBack, state) < chatlog.FarBack/4 {
		return
	}
	type far struct {
		h  *holder
		at uint64
	}
	var back []far
	for _, h := range p.held.all() {
		if h.mu.TryLock() {
			if h.chatLog.StandsFarBack(state) && h.holdsSurely() {
				back = append(back, far{h, h.chatLog.FencedAt()})
			}
			h.mu.Unlock()
		}
	}
	slices.SortFunc(back, func(a, b far) int { return cmp.Compare(a.at, b.at) })
	if len(back) <= forwardMost {
		p.lookedBack = state.LastSeq
	}
	for _, f := range back[:min(len(back), forwardMost)] {
		f.h.bringForward()
	}
}

// holdsSurely tells whether the chat is still this holder's to look after. h.mu is held.
func (h *holder) holdsSurely() bool { return h.checkHeld() == nil && h.lease.IsSure() }

func (h *holder) bringForward() {
	if !h.mu.TryLock() { // it is looked after next time
		return
	}
	defer h.mu.Unlock()
	if h.holdsSurely() {
		h.renewFence()
	}
}

// renewFence lets go of a chat that is another holder's. h.mu is held.
func (h *holder) renewFence() bool {
	err := h.chatLog.Renew(h.lease.Context())
	if err != nil {
		h.lease.Drop(err)
	}
	return err == nil
}
