package poller

import (
	"context"
	"time"
)

// # Handing a chat over
//
// A holder that hands a chat over between two polls has lost nothing, and its
// checkpoint says so to the next holder, who then need not look for losses. It
// says it of one fence: once any other holder has put up its own, and may have
// polled, it is void, however late it was written.

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

// depart ends what the holder does with the chat. If it does so in order, and
// no answer can be missing, it says so to the next holder.
func (h *holder) depart(orderly bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.departed = true
	if !orderly || h.phase != announced || !h.lease.IsSure() {
		return
	}
	ctx, cancel := context.WithTimeout(h.lease.Context(), departTimeout)
	defer cancel()
	if !h.poller.Chats.SuitsAll(&h.entry) { // the next holder may be of an earlier version
		_ = h.writeEntry(ctx)
	}
	if !h.polls.areComplete() || !h.reconciliation.isInSync() {
		return
	}
	if err := h.writeCheckpoint(ctx, false, h.chatLog.Self()); err != nil {
		h.log.Debug("the next holder will look for losses: it cannot be told that there are none", "error", err)
	}
}

// hasDeparted tells whether the chat is the next holder's.
func (h *holder) hasDeparted() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.departed
}

// cameClean tells whether the earlier holder said that nothing is missing and
// nobody has held the chat since. h.mu is held.
func (h *holder) cameClean() bool {
	return h.saved.Clean != "" && h.saved.Clean == h.chatLog.Replaced() &&
		h.saved.Opening == h.token.Opening && h.chatLog.Uncounted() == 0
}
