// Package drain is leaving in order: first the intake ends, then the work.
package drain

import (
	"context"
	"sync"
)

// Lifetime says how far leaving has come.
type Lifetime struct {
	Intake context.Context // ends when leaving begins: nothing new is taken
	Work   context.Context // ends after it: what is under way is given up

	endIntake, endWork context.CancelFunc
}

// NewLifetime begins a lifetime: neither context has ended.
func NewLifetime() *Lifetime {
	work, endWork := context.WithCancel(context.Background())
	intake, endIntake := context.WithCancel(work)
	return &Lifetime{Intake: intake, Work: work, endIntake: endIntake, endWork: endWork}
}

// EndIntake ends the intake, and with it begins the leaving.
func (l *Lifetime) EndIntake() { l.endIntake() }

// EndWork ends the work, too: leaving is over, or has used up its time.
func (l *Lifetime) EndWork() { l.endWork() }

// Gate counts the work under way that leaving has to wait for, and lets no
// more in once it has been closed. Its zero value is open.
type Gate struct {
	mu     sync.Mutex
	shut   bool
	inside sync.WaitGroup
}

// Go starts work in a goroutine of its own, or reports false.
func (g *Gate) Go(work func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside.Go(work)
	return true
}

// Close returns when all that was let in is done.
func (g *Gate) Close() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
	g.inside.Wait()
}
