package bpsim

import (
	"context"
	"sync"
	"sync/atomic"
)

// bell wakes those who wait for a change. Ringing it costs one atomic read
// when nobody waits.
type bell struct {
	waiting atomic.Int32
	mu      sync.Mutex
	rung    chan struct{}
}

func (b *bell) ring() {
	if b.waiting.Load() == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

func (s *Server) changed() { s.bell.ring() }

// WaitFor returns nil once the condition holds, or the context's error. The
// condition is looked at again after every change of anything in the
// simulator, with no lock held: it may call all other methods.
func (s *Server) WaitFor(ctx context.Context, holds func() bool) error {
	s.bell.waiting.Add(1)
	defer s.bell.waiting.Add(-1)
	for {
		next := s.bell.next() // before looking, to miss nothing
		if holds() {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
