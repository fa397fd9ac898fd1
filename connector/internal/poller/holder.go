package poller

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// holder follows one chat for as long as this replica holds its session token:
// take it over, poll it, close it. One goroutine at a time does so, the holder's.
type holder struct {
	poller *Poller
	chat   chats.Key
	token  chats.Token
	lease  *lease.Lease
	fresh  bool // a new chat's first holder: nothing can be missing yet
	log    *slog.Logger

	polling polling
	done    chan struct{} // closed when the holder has let go of the chat

	polls polls // of the goroutine that runs the holder, and of no other
	going bool  // it is being handed over to another replica; guarded by held.mu

	// mu is held for as long as a publication takes: the chat's messages have
	// one order. Nothing below is touched without it, by any goroutine: the
	// holder's own, those that answer requests, and the one for upkeep.
	mu             sync.Mutex
	chatLog        *chatlog.Log
	entry          chats.Entry
	saved          checkpoint
	phase          phase
	departed       bool               // the chat is the next holder's: nothing is published any more
	wanted         schema.CloseReason // why the chat is to be closed
	traits         traits
	reconciliation reconciliation
	end            sessionEnd
}

// phase is how far this opening of the chat has come, as its log says.
type phase int

const (
	unannounced phase = iota
	announced         // session.opened is published
	closed            // session.closed is
)

// traits are what a chat has shown of itself.
type traits struct {
	signaled bool // it has had signaling, which no history gives back
	answered bool // calls on it have been answered with events

	simplified bool // an event that could not be published as it came has been logged
}

// errNotHeld says that the chat's log is not this holder's to write.
var errNotHeld = errors.New("nobody holds the chat at the moment")

// run takes the chat over, and begins to follow it.
func (h *holder) run() {
	if !h.fresh {
		retry.Sleep(h.polling.ctx, rand.N(takeoverJitter))
	}
	if err := h.takeOver(h.lease.Context()); err != nil {
		h.finish(notEnded, err)
		return
	}
	h.poller.Chats.Hold(h.chat)
	h.follow()
}

// stop ends the following.
func (h *holder) stop(how ending, err error) {
	h.poller.Chats.LetGo(h.chat) // before another one may hold it
	h.finish(how, err)
}

// finish lets go of the chat: how its polling has ended, or an error, says why.
func (h *holder) finish(how ending, err error) {
	defer h.poller.letGo(h)
	if err == nil && !how.isHandOver() {
		err = h.close(h.lease.Context())
	}
	switch {
	case err == nil && how.isHandOver():
		h.handOver(how)
	case err == nil:
		h.log.Info("chat closed")
	case errors.Is(err, errLeaving):
		h.handOver(replicaLeaves)
	case errors.Is(err, lease.ErrLost):
		h.bequeath()
		h.log.Warn("chat let go: its session token could not be confirmed in time, another replica may have it")
		if h.lease.Overran() {
			h.reportOrphanedPoll()
		}
		h.lease.Stop() // a heartbeat may just have been confirmed
	case errors.Is(err, bus.ErrFenced):
		h.letGoFenced()
	default:
		h.giveUp(err)
	}
}

// checkHeld tells whether the chat's log is this holder's to write: it is not
// before the fence stands. h.mu is held.
func (h *holder) checkHeld() error {
	if h.departed || h.phase == closed || !h.chatLog.IsFenced() {
		return errNotHeld
	}
	return nil
}

// wantClosed ends the polling. The reason that the contact center gives counts
// before that of a command. h.mu is held.
func (h *holder) wantClosed(reason schema.CloseReason, how ending) {
	if h.wanted != "" && h.wanted != schema.ClosedDetached && h.wanted != schema.ClosedGone {
		return
	}
	h.wanted = reason
	h.polling.end(how)
}

// askToClose makes the holder close the chat; the request has been written down before.
func (h *holder) askToClose(reason schema.CloseReason) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.wanted == "" {
		h.wanted = reason
	}
	h.polling.end(closeRequested)
}

// letGoFenced tells a fence that another holder put up from one that the
// stream has forgotten; in the second case the token is still ours to give.
func (h *holder) letGoFenced() {
	h.poller.Metrics.FencesLost.Inc()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(h.lease.Context()), h.poller.cfg.FailoverAfter/2)
	defer cancel()
	last, _, err := h.chatLog.LastFence(ctx)
	switch {
	case err == nil && last == 0:
		h.bequeath()
		h.giveBack("the stream has forgotten the chat's fence", 0)
		return
	case err != nil:
		h.bequeath()
		h.log.Warn("chat let go: whose its fence is cannot be read", "error", err)
	default:
		h.log.Warn("chat let go: another replica has taken it")
	}
	h.depart(false)
	h.reportOrphanedPoll()
	h.lease.Stop()
}

// reportOrphanedPoll has the chat's next holder know of this one's poll, which
// has been given up and may still be held.
func (h *holder) reportOrphanedPoll() {
	if h.polls.isOpen() {
		h.poller.Chats.ReportLostPoll(h.chat, h.polls.open)
	}
}

// retakeDelay keeps a chat that nobody can hold from going round in circles.
const retakeDelay = 2 * time.Second

// giveUp gives a chat back that could not be held.
func (h *holder) giveUp(err error) {
	h.bequeath()
	h.giveBack(err.Error(), retakeDelay)
}

func (h *holder) giveBack(reason string, delay time.Duration) {
	if err := h.lease.GiveBack(delay); err != nil {
		h.log.Warn("chat let go; its session token could not be given back and is free when its time is over", "reason", reason, "error", err)
		return
	}
	h.log.Info("chat given back", "reason", reason)
}
