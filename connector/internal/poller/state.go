package poller

import (
	"time"

	"cc-connector/connector/brightpattern"
)

// ChatState is what this replica knows of a chat that it holds.
type ChatState struct {
	Chat     brightpattern.ChatID
	App      string // its name
	OpenedAt time.Time
	Sequence uint64 // of the last event or session message, as the chat's entry has it

	Polling      bool      // a poll is under way
	LastAnswered time.Time // when a poll was answered last; zero: none by this holder
	DueSince     time.Time // since when the next step towards a poll is owed; zero: it is not due, or waits for others

	// Reconcile says whether something may be missing: "in_sync", "history_due"
	// or "awaiting_orphan" (see reconcile.go); "" is not known yet.
	Reconcile string
}

// States are those of all chats held here. A chat that is just publishing is as
// it was seen before.
func (p *Poller) States() []ChatState {
	all, now := p.held.all(), time.Now()
	states := make([]ChatState, len(all))
	for i, h := range all {
		states[i] = h.describe(now)
	}
	return states
}

func (h *holder) describe(now time.Time) ChatState {
	h.refreshKnown()
	p := &h.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	s := ChatState{
		Chat: h.chat.ID, App: h.token.App, OpenedAt: h.token.OpenedAt, Sequence: p.known.sequence, Reconcile: p.known.reconcile,
		Polling: p.isPolling, LastAnswered: p.answered,
	}
	if p.duty.owed(now, time.Time{}) > 0 {
		s.DueSince = p.duty.since
	}
	return s
}

// refreshKnown brings what is known of the holder up to date, unless it is busy.
func (h *holder) refreshKnown() {
	if !h.mu.TryLock() {
		return
	}
	seen := known{h.entry.Sequence, h.reconciliation.state.String()}
	h.mu.Unlock()
	h.progress.mu.Lock()
	defer h.progress.mu.Unlock()
	h.progress.known = seen
}
