package poller

import (
	"context"
	"time"

	"cc-connector/connector/internal/failpoint"
)

// # Handing a chat over
//
// The last that a holder writes of a chat is a checkpoint that tells the next
// one two things. All that was published is counted: then nothing is read back.
// And nothing is lost: then the history is not read. The second is so only
// between two polls. A poll that is cut, for a replica that leaves, may have been
// answered in that moment, and the contact center may go on giving events to it
// until it notices; nobody can tell that from a poll that was given nothing.
//
// Both are said of one fence: once any other holder has put up its own, and may
// have published and polled, they are void, however late they were written.

// handOver gives the chat to another replica, at once.
func (h *holder) handOver(why ending) {
	h.depart(true)
	if why == replicaLeaves {
		<-h.poller.pulled // or the token would come back to this replica's own pull
	}
	h.giveBack(why.Error(), 0)
}

// A hand-over does not wait long for this: the next holder can do without.
const departTimeout = time.Second

// depart ends what the holder does with the chat. If it does so in order, it
// tells the next holder how far it has come.
func (h *holder) depart(orderly bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.departed = true
	if !orderly || h.phase != announced || !h.lease.IsSure() {
		return
	}
	h.poller.Metrics.Handovers.Inc()
	ctx, cancel := context.WithTimeout(h.lease.Context(), departTimeout)
	defer cancel()
	if h.entry.Lags() || !h.poller.Chats.SuitsAll(&h.entry) { // the next holder may be of an earlier version
		_ = h.writeEntry(ctx)
	}
	if h.entry.Lags() {
		return // the next holder brings it up to what is read back
	}
	if err := h.writeCheckpoint(ctx, h.parting()); err != nil {
		h.log.Debug("the next holder has to find out what is published, and look for losses", "error", err)
	}
}

// parting is what can be said to the next holder. h.mu is held.
func (h *holder) parting() occasion {
	switch {
	case h.poller.Failpoints.LeavesOut(failpoint.GoodOrder):
		return atCleanParting
	case !h.chatLog.IsCertain():
		return inPassing
	case h.polls.areComplete() && h.reconciliation.isInSync():
		return atCleanParting
	}
	return atParting
}

// hasDeparted tells whether the chat is the next holder's.
func (h *holder) hasDeparted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.departed
}

// wasHandedOver tells whether the earlier holder said that all is counted, and
// nobody has held the chat since. h.mu is held.
func (h *holder) wasHandedOver() bool {
	return h.saved.Final != "" && h.saved.Final == h.chatLog.Replaced()
}

// cameClean tells whether the earlier holder said that nothing is missing and
// nobody has held the chat since. h.mu is held.
func (h *holder) cameClean() bool {
	return h.saved.Clean != "" && h.saved.Clean == h.chatLog.Replaced() &&
		h.saved.Opening == h.token.Opening && h.chatLog.Uncounted() == 0
}
