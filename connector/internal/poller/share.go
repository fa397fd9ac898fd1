package poller

import (
	"context"
	"time"

	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
)

// # Sharing the chats
//
// A replica that has more than its share of the chats (see package replicas)
// hands the surplus over, if another one lacks as much: each chat when its
// poll has come back, never by cutting one.
//
// Nothing waits for this arithmetic, which is always a little late. Every
// replica with room goes on pulling; but one that has its share pulls with a
// lower priority, so a token that is given back goes to one that lacks it, and
// to any other if that one is not there after all.

// KeepShare looks again and again at how the chats are shared, until ctx ends.
func (p *Poller) KeepShare(ctx context.Context) {
	trouble := &retry.Trouble{Log: p.Log, Doing: "reckoning this replica's share of the chats"}
	defer p.Metrics.Waiting.Set(0) // the others tell, as long as there are any
	for ctx.Err() == nil {
		if err := p.reckonShare(ctx); err != nil && ctx.Err() == nil {
			trouble.Note(err)
			p.held.giveAway(0)
		}
		retry.Sleep(ctx, p.Registry.Every())
	}
}

func (p *Poller) reckonShare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(p.Registry.Every(), time.Second))
	defer cancel()
	census, err := p.Room.Census(ctx)
	if err != nil {
		return err
	}
	p.noteWaiting(census)
	shares := replicas.Shares(census.Alive, census.Chats)
	held := p.held.setShare(shares[p.Self])
	give := replicas.Surplus(p.Self, held, census.Alive, shares)
	if give > 0 {
		p.Log.Debug("chats are to go to replicas that have fewer", "chats", give, "held", held, "share", shares[p.Self], "replicas", len(census.Alive))
	}
	p.held.giveAway(give)
	return nil
}

// noteWaiting tells of chats that are open and that nobody can poll.
func (p *Poller) noteWaiting(census replicas.Census) {
	waiting := census.Waiting()
	p.Metrics.Waiting.Set(float64(waiting))
	switch {
	case waiting > 0 && p.waiting == 0:
		p.Log.Warn("open chats wait for a place, and nobody polls them: start another replica, or raise CC_MAX_CHATS", "chats", waiting, "places", census.Places(), "replicas", len(census.Alive))
	case waiting == 0 && p.waiting > 0:
		p.Log.Info("every open chat has a place again")
	}
	p.waiting = waiting
}

// isSurplus tells, between two polls, whether the chat is to be handed over
// now. One with any trouble stays where that is known.
func (h *holder) isSurplus() bool {
	h.mu.Lock()
	able := h.polls.areComplete() && h.polls.pace.isGood() && h.reconciliation.isInSync() && h.wanted == ""
	h.mu.Unlock()
	return able && h.poller.held.mayGo(h)
}
