package chats

import (
	"context"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"cc-connector/connector/brightpattern"
)

// # What is remembered of open chats
//
// A command needs little of a chat's entry, and that hardly ever changes while
// the chat is open. So what this replica has read or written last is remembered
// for a while, and a command on a chat reads nothing. Another replica may have
// closed the chat meanwhile, or attached it with another client; whoever goes by
// what is remembered therefore looks anew when the contact center refuses a call
// (see KnowAnew), and before a call when somebody else has written the chat's
// count of message numbers.

// rememberedFor bounds for how long a chat is taken for known that is not any more.
const rememberedFor = 10 * time.Second

// Known is what a call on a chat needs to know of it.
type Known struct {
	App    App
	Client brightpattern.ClientID
	Closed bool

	remembered bool // it was not read for who asks
}

// Credentials are those that the chat's calls are made with.
func (k Known) Credentials() brightpattern.Credentials {
	return brightpattern.Credentials{App: k.App.ID, Client: k.Client}
}

// memory is what this replica remembers of chats.
type memory struct {
	mu      sync.Mutex
	entries *lru.Cache[Key, remembered]
	held    map[Key]int // how many hold it here
}

// remembered is what an entry said at a revision. One that is of no use to
// commands still keeps an older one from being remembered.
type remembered struct {
	Known
	revision uint64
	life     time.Time // of the bucket
	since    time.Time // it was so, at least
}

func newMemory() *memory {
	entries, _ := lru.New[Key, remembered](knownMost) // fails for no size
	return &memory{entries: entries, held: make(map[Key]int)}
}

func (m *memory) note(key Key, r remembered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before, _ := m.entries.Get(key)
	if !before.life.Equal(r.life) || before.revision <= r.revision {
		m.entries.Add(key, r)
	}
}

func (m *memory) find(key Key, life time.Time) (Known, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, _ := m.entries.Get(key)
	r.remembered = true
	isFresh := !r.since.IsZero() && (m.held[key] > 0 || time.Since(r.since) < rememberedFor)
	return r.Known, !r.Closed && r.Client != "" && r.life.Equal(life) && isFresh
}

// forget has whoever needs the entry read it.
func (m *memory) forget(key Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, isThere := m.entries.Get(key); isThere {
		r.since = time.Time{}
		m.entries.Add(key, r)
	}
}

// drop forgets all that the entry said, and tells whose chat it was, as far as that
// is remembered.
func (m *memory) drop(key Key) brightpattern.ClientID {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, _ := m.entries.Peek(key)
	m.entries.Remove(key)
	return r.Client
}

// Know finds what is known of a chat: ErrUnknown if it has no entry, or its client
// is forgotten. What is remembered need not be read.
func (c *Chats) Know(ctx context.Context, key Key) (Known, error) {
	if found, isThere := c.memory.find(key, c.Streams.Chats.Life()); isThere {
		return found, nil
	}
	return c.know(ctx, key)
}

func (c *Chats) know(ctx context.Context, key Key) (Known, error) {
	since := time.Now()
	found, err := c.FindKnown(ctx, key)
	if err != nil {
		c.memory.forget(key)
		return Known{}, err
	}
	if _, err = c.Credentials(ctx, key, &found); err != nil {
		return Known{}, err
	}
	return c.remember(key, &found, since), nil
}

// KnowAnew is for a call that was refused, or that may be made for the second
// time: it reports whether what is known of the chat is other than was remembered.
func (c *Chats) KnowAnew(ctx context.Context, key Key, before Known) (now Known, differs bool, err error) {
	if !before.remembered {
		return before, false, nil
	}
	if now, err = c.know(ctx, key); err != nil {
		return before, false, err
	}
	return now, now.App != before.App || now.Client != before.Client, nil
}

// remember takes in what the entry says, which was read or written.
func (c *Chats) remember(key Key, e *Entry, since time.Time) Known {
	known := Known{App: App{e.App, brightpattern.AppID(e.AppID)}, Client: e.client, Closed: e.ClosedAt != nil}
	c.memory.note(key, remembered{known, e.revision, c.Streams.Chats.Life(), since})
	return known
}

// Hold says that the chat is held here from now on, until LetGo: nobody else
// writes its entry meanwhile.
func (c *Chats) Hold(key Key) {
	c.memory.forget(key)
	c.memory.hold(key, 1)
}

// LetGo says that one who held the chat here does so no more.
func (c *Chats) LetGo(key Key) { c.memory.hold(key, -1) }

func (m *memory) hold(key Key, by int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held[key] += by; m.held[key] <= 0 {
		delete(m.held, key)
	}
}
