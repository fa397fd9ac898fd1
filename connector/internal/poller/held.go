package poller

import (
	"context"
	"maps"
	"slices"
	"sync"

	"cc-connector/subjects"
)

// held are the chats that this replica holds.
type held struct {
	most int
	room chan struct{} // signalled when a chat is let go

	mu      sync.Mutex
	byChat  map[subjects.ChatToken]*holder
	leaving bool
	running sync.WaitGroup
	estates map[subjects.ChatToken]*holder // that have let go of a chat by an error, and may be all that knows of it
	share   int                            // chats that this replica should have; most until it is reckoned
	surplus int                            // chats to be handed over, whichever can be
	going   int                            // chats that are being handed over
}

func newHeld(most int) *held {
	return &held{most: most, share: most, room: make(chan struct{}, 1), byChat: make(map[subjects.ChatToken]*holder), estates: make(map[subjects.ChatToken]*holder)}
}

// add admits a holder and reports false if this replica is leaving.
func (hs *held) add(h *holder) bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.leaving {
		return false
	}
	hs.byChat[h.chat.Token] = h
	hs.running.Add(1)
	return true
}

func (hs *held) remove(h *holder) {
	hs.mu.Lock()
	if hs.byChat[h.chat.Token] == h {
		delete(hs.byChat, h.chat.Token)
	}
	if h.going {
		hs.going--
	}
	hs.mu.Unlock()
	hs.running.Done()
	select {
	case hs.room <- struct{}{}:
	default:
	}
}

func (hs *held) find(chat subjects.ChatToken) *holder {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.byChat[chat]
}

// bequeath keeps a holder that has let go of its chat, unless another one did
// so before that knows more.
func (hs *held) bequeath(h *holder) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if h.phase == closed || h.phase == unannounced && hs.estates[h.chat.Token] != nil {
		return
	}
	hs.estates[h.chat.Token] = h
}

// takeEstates returns them, and forgets them.
func (hs *held) takeEstates() []*holder {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	defer clear(hs.estates)
	return slices.Collect(maps.Values(hs.estates))
}

func (hs *held) all() []*holder {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return slices.Collect(maps.Values(hs.byChat))
}

func (hs *held) count() int {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return len(hs.byChat)
}

// waitForRoom returns how many more chats may be taken; 0 when ctx has ended.
func (hs *held) waitForRoom(ctx context.Context, full func()) int {
	for {
		if room := hs.most - hs.count(); room > 0 && ctx.Err() == nil {
			return room
		}
		if ctx.Err() == nil {
			full()
		}
		select {
		case <-hs.room:
		case <-ctx.Done():
			return 0
		}
	}
}

// isRoomy tells whether there is so much room that it is news when there is none.
func (hs *held) isRoomy() bool { return hs.count() <= hs.most-max(1, hs.most/10) }

// leave admits no more holders, and ends those that are there.
func (hs *held) leave(end func(*holder)) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.leaving = true
	for _, h := range hs.byChat {
		end(h)
	}
}

// setShare returns how many chats are held, without those on their way to others.
func (hs *held) setShare(share int) int {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.share = share
	return len(hs.byChat) - hs.going
}

// giveAway lets so many chats go; what was said before no longer counts.
func (hs *held) giveAway(chats int) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.surplus = chats
}

// mayGo tells a holder that could hand its chat over whether it is to.
func (hs *held) mayGo(h *holder) bool {
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
func (hs *held) appetite(room int) (most int, priority uint8) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	room = min(room, tokensPerPull)
	if lack := hs.share - len(hs.byChat) + hs.going; lack > 0 {
		return min(room, lack), priorityLacking
	}
	return room, priorityUsual
}
