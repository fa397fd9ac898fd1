package poller

import (
	"context"
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
	if h.checkHeld() != nil || !h.lease.IsSure() {
		return
	}
	if h.chatLog.NeedsFence(retention, state) && !h.poller.Failpoints.LeavesOut(failpoint.Refence) {
		if err := h.chatLog.Renew(h.lease.Context()); err != nil {
			h.lease.Drop(err)
			return
		}
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
