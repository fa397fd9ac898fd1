package connector

import "sync"

// gate counts the work under way that leaving has to wait for, and lets no
// more in once leaving has begun.
type gate struct {
	mu     sync.Mutex
	shut   bool
	inside sync.WaitGroup
}

// run starts work in a goroutine of its own, or reports false.
func (g *gate) run(work func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside.Go(work)
	return true
}

// close returns when all that was let in is done.
func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
	g.inside.Wait()
}
