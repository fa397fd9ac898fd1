package connector

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What has to be done to a chat because the stream of events grows old.

const (
	upkeepEvery = time.Second
	// A stream with a limit of bytes can forget faster than time tells.
	upkeepEveryByBytes = 100 * time.Millisecond
	// Not many more events than these are read back at a takeover.
	uncountedMost = 256
)

// keepUp looks after the chats held here until ctx ends.
func (c *Connector) keepUp(ctx context.Context) {
	every := min(upkeepEvery, c.cfg.EventsMaxAge/10)
	if c.cfg.EventsMaxBytes > 0 {
		every = min(every, upkeepEveryByBytes)
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.keepUpOnce(ctx)
		}
	}
}

func (c *Connector) keepUpOnce(ctx context.Context) {
	c.lanes.sweep()
	info, err := c.stores.events.Info(ctx)
	if err != nil {
		return // readiness tells; nothing is forgotten by a stream that is away
	}
	for _, h := range c.held.all() {
		if h.mu.TryLock() { // a holder that is busy is looked after next time
			h.keepUp(ctx, info.State)
			h.mu.Unlock()
		}
	}
}

// keepUp writes a checkpoint and puts the fence up anew if they grow old. h.mu is held.
func (h *holder) keepUp(ctx context.Context, state jetstream.StreamState) {
	log := h.chatLog
	if h.over || h.departed || log.fence.position == 0 || !h.lease.isSure() {
		return
	}
	keep := retention{h.cfg.EventsMaxAge, h.cfg.EventsMaxBytes, h.cfg.FailoverAfter}
	if keep.endangers(log.fence, state) && !h.cfg.rehearsal.without[safeRefence] {
		if err := log.renewFence(h.lease.ctx); err != nil {
			h.lease.cancel(err)
			return
		}
	}
	if log.uncounted > uncountedMost || log.uncounted > 0 && (keep.endangers(log.oldest, state) || keep.outruns(log.oldest, state)) {
		if err := h.saveCheckpoint(ctx, false); err != nil {
			h.log.Warn("the chat's checkpoint could not be written", "error", err)
		}
	}
}

// retention is how long the stream of events remembers.
type retention struct {
	maxAge   time.Duration
	maxBytes int64 // 0: no limit
	failover time.Duration
}

// mark is a message of the stream: where it stands, and since when.
type mark struct {
	position uint64
	since    time.Time
}

// endangers tells whether the stream may soon forget the message: half of its
// time is over, or it stands in the older half of a stream that fills up.
func (r retention) endangers(m mark, state jetstream.StreamState) bool {
	if time.Since(m.since) > r.maxAge/2 {
		return true
	}
	return r.isFilling(state) && m.position < state.FirstSeq+(state.LastSeq-state.FirstSeq)/2
}

func (r retention) isFilling(state jetstream.StreamState) bool {
	return r.maxBytes > 0 && state.Bytes > uint64(r.maxBytes)/2
}

// outruns tells whether the stream may forget the message before the next
// holder could read it, should this one die now.
func (r retention) outruns(m mark, state jetstream.StreamState) bool {
	life := r.maxAge
	if r.isFilling(state) {
		life = min(life, time.Since(state.FirstTime))
	}
	return time.Since(m.since) > life-takeoversFor*r.failover
}

// A takeover takes FailoverAfter, and what comes before and after it as long again at most.
const takeoversFor = 2
