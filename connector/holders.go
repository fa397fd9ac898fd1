package connector

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

var (
	errNotHeld        = errors.New("nobody holds the chat at the moment")
	errLeaving        = errors.New("this replica is leaving")
	errClosing        = errors.New("the chat is to be closed")
	errFenceForgotten = errors.New("the stream has forgotten the chat's fence")
	errDeparted       = errors.New("the chat has just been handed over")
	errMoved          = errors.New("the chat has moved to another replica")
	errEnded          = errors.New("the chat's session has ended")
)

// holders are the chats that this replica polls.
type holders struct {
	most int
	room chan struct{} // signalled when a chat is let go

	mu      sync.Mutex
	byChat  map[subjects.ChatToken]*holder
	leaving bool
	running sync.WaitGroup
	share   int // chats that this replica should have; most until it is reckoned
	surplus int // chats to be handed over, whichever can be
	going   int // chats that are
}

func newHolders(most int) *holders {
	return &holders{most: most, share: most, room: make(chan struct{}, 1), byChat: make(map[subjects.ChatToken]*holder)}
}

// add admits a holder and reports false if this replica is leaving.
func (hs *holders) add(h *holder) bool {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.leaving {
		return false
	}
	hs.byChat[h.chat.token] = h
	hs.running.Add(1)
	return true
}

func (hs *holders) remove(h *holder) {
	hs.mu.Lock()
	if hs.byChat[h.chat.token] == h {
		delete(hs.byChat, h.chat.token)
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

func (hs *holders) find(chat subjects.ChatToken) *holder {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return hs.byChat[chat]
}

func (hs *holders) all() []*holder {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return slices.Collect(maps.Values(hs.byChat))
}

func (hs *holders) count() int {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	return len(hs.byChat)
}

// waitForRoom returns how many more chats may be taken; 0 when ctx has ended.
func (hs *holders) waitForRoom(ctx context.Context, full func()) int {
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

// leave closes every poll; each holder then gives its token back.
func (hs *holders) leave() {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	hs.leaving = true
	for _, h := range hs.byChat {
		h.stopPolling(errLeaving)
	}
}

const (
	// Tokens that are handed to a frozen replica are lost to the others for
	// AckWait, so no replica asks for many at a time.
	tokensPerPull = 64
	// Chats that are taken over together are not polled in one breath.
	takeoverJitter = 250 * time.Millisecond
)

// pullTokens takes session tokens as long as there is room, until ctx ends.
func (c *Connector) pullTokens(ctx context.Context) {
	room := 0
	c.keepPulling(ctx, pull{
		from: c.cfg.Prefix.StreamName("SESSIONS"), doing: "fetching chats to poll", failing: "NATS does not say which chats to poll",
		room: func(ctx context.Context) {
			room = c.held.waitForRoom(ctx, func() {
				c.log.Warn("CC_MAX_CHATS is reached: further chats wait for another replica, or for one of these to end", "chats", c.cfg.MaxChats)
			})
		},
		fetch: func() (jetstream.MessageBatch, error) {
			most, priority := c.held.appetite(room)
			return c.stores.holders.Fetch(most, jetstream.FetchMaxWait(pullWait),
				jetstream.FetchPriorityGroup(holdersGroup), jetstream.FetchPrioritized(priority))
		},
		take: c.takeToken,
	})
}

// takeToken begins to hold the chat of a token, or goes on holding it by a
// newer delivery.
func (c *Connector) takeToken(msg jetstream.Msg) {
	var token sessionToken
	key := chatKey{}
	err := json.Unmarshal(msg.Data(), &token)
	if err == nil {
		key, err = keyOf(token.ChatID)
	}
	if err != nil { // nobody else may write there; a token that cannot be read would come back for ever
		c.log.Error("a session token cannot be read and is dropped", "error", err)
		_ = msg.Term()
		return
	}
	if h := c.held.find(key.token); h != nil && h.lease.replace(msg) {
		return
	}
	c.startHolder(key, token, msg)
}

func (c *Connector) startHolder(key chatKey, token sessionToken, msg jetstream.Msg) {
	h := c.newHolder(key, token, msg)
	if !c.held.add(h) {
		c.asides.run(func() { h.giveBack(errLeaving) })
		return
	}
	c.metrics.chats.Inc()
	go func() {
		defer c.metrics.chats.Dec()
		defer c.held.remove(h)
		if !h.fresh {
			sleep(h.polling, rand.N(takeoverJitter))
		}
		h.run()
	}()
}

func (c *Connector) newHolder(key chatKey, token sessionToken, msg jetstream.Msg) *holder {
	log := c.log.With("chat", string(key.id))
	lease := newLeaseSince(c.work, c.nc, msg, c.stores.holders.CachedInfo().Config.AckWait, log, time.Now(), 0, c.cfg.rehearsal.leaseMargin())
	polling, stop := context.WithCancelCause(lease.ctx)
	delivery, err := msg.Metadata()
	return &holder{
		Connector: c, chat: key, token: token, lease: lease, log: log,
		fresh:   token.IsNewChat && err == nil && delivery.NumDelivered == 1,
		polling: polling, stopPolling: stop, done: make(chan struct{}),
		chatLog: c.newChatLog(key, token.AppID, log),
	}
}
