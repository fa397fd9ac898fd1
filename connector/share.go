package connector

import (
	"context"
	"errors"
	"slices"
	"time"
)

// # Shares
//
// Tokens go to whoever pulls, so a replica that comes late would find nothing
// to poll. The share of each is the level that water reaches in vessels as
// high as their CC_MAX_CHATS, when all chats are poured in. A replica that has
// more than its share hands the surplus over, if another one lacks as much:
// each chat when its poll has come back, never by cutting one.
//
// Nothing waits for this arithmetic, which is always a little late. Every
// replica with room goes on pulling; but one that has its share pulls with a
// lower priority, so a token that is given back goes to one that lacks it, and
// to any other if that one is not there after all.
//
// It comes to rest: nobody gives what is within its share, the shares are
// enough for all chats, and small differences are left alone.

// errSurplus hands a chat over to a replica that has too few.
var errSurplus = errors.New("another replica has fewer chats than its share")

// fairShares are the chats that each member should have, of total.
func fairShares(alive map[replicaID]member, total int) map[replicaID]int {
	var most []int
	for _, m := range alive {
		most = append(most, m.MaxChats)
	}
	level := levelOf(most, total)
	shares := make(map[replicaID]int, len(alive))
	for id, m := range alive {
		shares[id] = min(m.MaxChats, level)
	}
	return shares
}

// levelOf is the least level at which vessels of these heights hold total, or
// the greatest height if they cannot.
func levelOf(heights []int, total int) int {
	slices.Sort(heights)
	level := 0
	for i, height := range heights {
		equal := len(heights) - i // vessels that reach this height at least
		if level = (total + equal - 1) / equal; level <= height {
			return level
		}
		level = height
		total -= height
	}
	return level
}

// slack is how far from its share a replica is left alone.
func slack(share int) int { return max(1, share/10) }

// surplus is how many of the chats held here should go to members that lack some.
func surplus(self replicaID, held int, alive map[replicaID]member, shares map[replicaID]int) int {
	over := held - shares[self]
	lack, unfair := 0, over > slack(shares[self])
	for id, m := range alive {
		if less := shares[id] - m.Chats; id != self && less > 0 {
			lack += less
			unfair = unfair || less > slack(shares[id])
		}
	}
	if !unfair {
		return 0
	}
	return max(0, min(over, lack))
}

// keepShare looks again and again at how the chats are shared, and that none
// is forgotten, until ctx ends.
func (c *Connector) keepShare(ctx context.Context) {
	trouble := &trouble{log: c.log, doing: "reckoning this replica's share of the chats"}
	for ctx.Err() == nil {
		err := c.keepTokens(ctx)
		if err == nil {
			err = c.reckonShare(ctx)
		}
		if err != nil && ctx.Err() == nil {
			trouble.note(err)
			c.held.giveAway(0)
		}
		sleep(ctx, c.members.every)
	}
}

func (c *Connector) reckonShare(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, max(c.members.every, time.Second))
	defer cancel()
	alive, err := c.members.alive(ctx)
	if err != nil {
		return err
	}
	tokens, err := c.stores.tokens.Info(ctx)
	if err != nil {
		return err
	}
	alive[c.replica] = c.presence()
	shares := fairShares(alive, int(tokens.State.Msgs))
	held := c.held.setShare(shares[c.replica])
	give := surplus(c.replica, held, alive, shares)
	if give > 0 {
		c.log.Debug("chats are to go to replicas that have fewer", "chats", give, "held", held, "share", shares[c.replica], "replicas", len(alive))
	}
	c.held.giveAway(give)
	return nil
}

// setShare returns how many chats are held, without those on their way to others.
func (hs *holders) setShare(share int) int {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.share = share
	return len(hs.byChat) - hs.going
}

// giveAway lets so many chats go; what was said before no longer counts.
func (hs *holders) giveAway(chats int) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.surplus = chats
}

// mayGo tells a holder that could hand its chat over whether it is to.
func (hs *holders) mayGo(h *holder) bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.surplus == 0 || hs.leaving {
		return false
	}
	hs.surplus--
	hs.going++
	h.going = true
	return true
}

// The priorities of pulls; the lower one is served first.
const (
	priorityLacking = 0
	priorityUsual   = 1
)

// appetite is how many tokens to pull with which priority, where there is
// room for some.
func (hs *holders) appetite(room int) (most int, priority uint8) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	room = min(room, tokensPerPull)
	if lack := hs.share - len(hs.byChat) + hs.going; lack > 0 {
		return min(room, lack), priorityLacking
	}
	return room, priorityUsual
}

// isSurplus tells, between two polls, whether the chat is to be handed over
// now. One with any trouble stays where that is known.
func (h *holder) isSurplus(pace *pace) bool {
	h.mu.Lock()
	able := h.calm && pace.last == "ok" && h.doubt == noDoubt && h.wanted == ""
	h.mu.Unlock()
	return able && h.held.mayGo(h)
}
