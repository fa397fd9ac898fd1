package poller

import (
	"context"
	"time"

	"cc-connector/connector/internal/retry"
	"cc-connector/subjects"
)

// stalledAfter is how many times as long as a poll may take a chat may be due,
// beside what a call takes, for a history may be read before the poll.
const stalledAfter = 3

const (
	sweepsPerPoll = 6 // in the time that a poll may take, so that a stall is known soon enough
	longestSweep  = 5 * time.Second
	namedMost     = 50 // chats at a time: all may stall at once
)

// Watch looks now and then for chats that are due and not polled, until ctx ends.
func (p *Poller) Watch(ctx context.Context) {
	every := min(p.Client.PollTimeout()/sweepsPerPoll, longestSweep)
	for ctx.Err() == nil {
		retry.Sleep(ctx, every)
		if ctx.Err() == nil {
			p.sweep(time.Now())
		}
	}
	p.tellStalls(Stalls{}, 0) // they are others' now
}

// Stalls are those that the last sweep has found.
func (p *Poller) Stalls() Stalls {
	p.watchdog.mu.Lock()
	defer p.watchdog.mu.Unlock()
	return p.watchdog.last
}

// sweep finds the chats to which too much is owed.
func (p *Poller) sweep(now time.Time) {
	limit := stalledAfter*p.Client.PollTimeout() + p.cfg.CallTimeout
	p.watchdog.begin(now, limit, p.isBusAway())
	stalled, oldest := p.owing(now, limit)
	p.noteStalls(stalled)
	found := Stalls{Chats: len(stalled)}
	if found.Chats > 0 {
		found.Since = now.Add(-oldest)
	}
	p.tellStalls(found, oldest)
}

// isBusAway tells whether NATS holds chats up: it takes nothing, or does not answer
// for what they rest on, which a takeover reads.
func (p *Poller) isBusAway() bool {
	return !p.NATS.IsConnected() || p.Health.IsPublishingDown() || !p.Streams.DoAnswer()
}

// owing are the chats to which more than that is owed, by since when; oldest is
// the most that is owed to any.
func (p *Poller) owing(now time.Time, limit time.Duration) (stalled map[subjects.ChatToken]time.Time, oldest time.Duration) {
	stalled = make(map[subjects.ChatToken]time.Time)
	for _, h := range p.held.all() {
		owed := h.progress.owed(now, p.watchdog.excused)
		if oldest = max(oldest, owed); owed > limit {
			stalled[h.chat.Token] = now.Add(-owed)
		}
	}
	return stalled, oldest
}

func (p *Poller) tellStalls(found Stalls, oldest time.Duration) {
	p.Watched.OldestDue.Set(oldest.Seconds())
	p.Watched.Stalled.Set(float64(found.Chats))
	p.watchdog.mu.Lock()
	defer p.watchdog.mu.Unlock()
	p.watchdog.last = found
}

// noteStalls names each chat once when its stall begins, and once when it is over.
func (p *Poller) noteStalls(stalled map[subjects.ChatToken]time.Time) {
	w := &p.watchdog
	for chat := range w.named {
		if _, still := stalled[chat]; !still {
			delete(w.named, chat)
			p.Log.Info("a chat that was due is polled again, or is no longer this replica's", "chat", chat.ID())
		}
	}
	unnamed := 0
	for chat, since := range stalled {
		if _, known := w.named[chat]; known {
			continue
		}
		if len(w.named) == namedMost {
			unnamed++
			continue
		}
		w.named[chat] = struct{}{}
		p.Log.Error("a chat is due and is not polled: its poll loop does not go on", "chat", chat.ID(), "since", since.UTC())
	}
	if unnamed > 0 && w.unnamed == 0 {
		p.Log.Error("more chats than are named here are due and are not polled", "chats", unnamed)
	}
	w.unnamed = unnamed
}
