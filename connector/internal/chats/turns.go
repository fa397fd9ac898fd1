package chats

import (
	"context"
	"sync"
)

// turns lets one at a time be at a chat.
type turns struct {
	mu sync.Mutex
	of map[Key]*turn
}

// turn is there while somebody has it or waits for it.
type turn struct {
	taken  chan struct{} // holds one while somebody has it
	wanted int
}

func newTurns() *turns { return &turns{of: make(map[Key]*turn)} }

// enter waits for the chat's turn; leave ends it.
func (t *turns) enter(ctx context.Context, key Key) (leave func(), err error) {
	turn := t.want(key)
	select {
	case turn.taken <- struct{}{}:
		return func() { <-turn.taken; t.unwant(key, turn) }, nil
	case <-ctx.Done():
		t.unwant(key, turn)
		return nil, ctx.Err()
	}
}

func (t *turns) want(key Key) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	wanted := t.of[key]
	if wanted == nil {
		wanted = &turn{taken: make(chan struct{}, 1)}
		t.of[key] = wanted
	}
	wanted.wanted++
	return wanted
}

func (t *turns) unwant(key Key, of *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if of.wanted--; of.wanted == 0 {
		delete(t.of, key)
	}
}
