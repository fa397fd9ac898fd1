package connector

import (
	"context"
	"time"
)

// doubt is why the history is to be read before the next poll. While a poll is
// under way its answer may be in the history already; so the history is read
// between polls, or not at all.
type doubt int

const (
	noDoubt      doubt = iota
	mayHaveEnded       // what ended the session may stand in the answer to a call, which is on its way
	mayLack            // something may not be published yet
	mayStray           // a stray may have been given something since the history was read
	mayHaveLost        // an answer may have been lost
)

// raiseDoubt says that something may be missing since the chat was last
// complete. h.mu is held.
func (h *holder) raiseDoubt(d doubt) {
	if h.doubt == noDoubt {
		h.doubtSince = h.lastSeen
	}
	if h.doubt == noDoubt || h.looked {
		h.tried, h.heard, h.looked, h.unreadable = false, false, false, 0
	}
	h.doubt = max(h.doubt, d)
}

// fearLoss says that an answer may have been lost.
func (h *holder) fearLoss() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.raiseDoubt(mayHaveLost)
}

// A stray is a call whose answer nobody waits for, but which may be held or on
// its way: a poll of a dead or frozen holder, or one whose connection broke; or
// a command, whose answer may carry events, too. What it is given after the
// history was read would be lost unseen. So the history has the last word only
// when it is read once more: when the stray cannot be on its way any more, and
// a poll that began after it was heard of has been answered; for the contact
// center holds one poll of a chat at a time.
type stray struct {
	heard time.Time // when it was heard of last; zero if there is none
	until time.Time // it may be on its way until then
}

// strayPatience is how long a poll may be on its way to the contact center
// after nobody waits for its answer any more. A command may be for CallTimeout.
const strayPatience = time.Second

func (s stray) isThere() bool { return !s.heard.IsZero() }

// isOutlived tells whether a poll that began then, and has been answered now,
// shows that it is gone.
func (s stray) isOutlived(began, answered time.Time) bool {
	return began.After(s.heard) && !answered.Before(s.until)
}

// expectStray has the history read once more when that one is gone. h.mu is held.
func (h *holder) expectStray(until time.Time) {
	h.stray = stray{heard: time.Now(), until: latest(h.stray.until, until)}
}

// fearStray says that a poll may have taken something, and may take more. h.mu is held.
func (h *holder) fearStray() {
	h.raiseDoubt(mayHaveLost)
	h.expectStray(time.Now().Add(strayPatience))
}

// losePoll says that a poll of this holder's own is a stray now.
func (h *holder) losePoll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fearStray()
}

// meetStray says that the contact center holds one. What it is given is looked
// for when it is gone; until then every look would be one too early.
func (h *holder) meetStray() {
	h.mu.Lock()
	defer h.mu.Unlock()
	owed := h.doubt != noDoubt && !h.looked
	h.fearStray()
	h.looked = !owed
}

// settleDoubt does what can be done before the next poll. A history that was
// not to be had at the takeover is not tried again before the first one.
func (h *holder) settleDoubt(ctx context.Context, polled bool) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tried && !polled {
		return nil
	}
	return h.compare(ctx, false)
}

// seenComplete notes an answered poll that began then: nothing is missing up
// to then, but for what is in doubt.
func (h *holder) seenComplete(began, answered time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastSeen, h.heard = began, true
	if h.stray.isThere() && h.stray.isOutlived(began, answered) {
		h.stray, h.looked, h.unreadable = stray{}, false, 0
	}
}

// settle ends the doubt for what came until then, but not for what a stray may
// still be given. h.mu is held.
func (h *holder) settle(until time.Time) {
	if h.stray.isThere() {
		h.doubt, h.looked, h.doubtSince = min(h.doubt, mayStray), true, until
		return
	}
	h.doubt, h.lastSeen = noDoubt, until
}

// completeUntil is up to when nothing is missing, whatever is in doubt. Who
// takes the chat over finds it with what was published last: when a message
// was stored says nothing, for its answer may have been read long before, and
// what a history gave back may be but a part. h.mu is held.
func (h *holder) completeUntil() time.Time {
	if h.doubt != noDoubt {
		return h.doubtSince
	}
	return h.lastSeen
}
