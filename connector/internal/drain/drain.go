// Package drain is leaving in order: first the intake ends, then the work.
package drain

import (
	"context"
	"sync"
	"time"
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
//
// A goroutine that has done its work rests for a while, for the next one to take:
// its stack has grown to what such work needs, and growing it anew costs more than
// all else that starting a goroutine does.
type Gate struct {
	mu     sync.Mutex
	shut   bool
	inside sync.WaitGroup

	resting chan func()   // hands work to a goroutine that rests
	closed  chan struct{} // nobody rests any longer
}

// restMost is how long a goroutine rests.
const restMost = 250 * time.Millisecond

// Go starts work in a goroutine of its own, or reports false.
func (g *Gate) Go(work func()) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	if g.resting == nil {
		g.resting, g.closed = make(chan func()), make(chan struct{})
	}
	g.inside.Add(1)
	select {
	case g.resting <- work:
	default:
		go g.workAndRest(work)
	}
	return true
}

func (g *Gate) workAndRest(work func()) {
	rest := time.NewTimer(restMost)
	defer rest.Stop()
	for {
		g.do(work)
		rest.Reset(restMost)
		select {
		case work = <-g.resting:
		case <-rest.C:
			return
		case <-g.closed:
			return
		}
	}
}

func (g *Gate) do(work func()) {
	defer g.inside.Done()
	work()
}

// Close returns when all that was let in is done.
func (g *Gate) Close() {
	g.mu.Lock()
	if !g.shut && g.closed != nil {
		close(g.closed)
	}
	g.shut = true
	g.mu.Unlock()
	g.inside.Wait()
}
