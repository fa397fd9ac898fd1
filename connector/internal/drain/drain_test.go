package drain_test

import (
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"cc-connector/connector/internal/drain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The intake ends before the work does, and not after it.
func TestLifetimeEndsInOrder(t *testing.T) {
	life := drain.NewLifetime()
	life.EndIntake()
	if life.Intake.Err() == nil || life.Work.Err() != nil {
		t.Errorf("the intake has ended with %v, the work with %v", life.Intake.Err(), life.Work.Err())
	}
	life.EndWork()
	if life.Work.Err() == nil {
		t.Error("the work goes on")
	}
	life = drain.NewLifetime()
	life.EndWork()
	if life.Intake.Err() == nil {
		t.Error("without work, the intake goes on")
	}
}

// Goroutines that rest take on the next work: all of it is done, by however few,
// and a gate may be closed while they rest, and twice.
func TestRestingGoroutinesWorkAgain(t *testing.T) {
	var gate drain.Gate
	done, most := make(chan struct{}), 0
	for range 1000 {
		gate.Go(func() { done <- struct{}{} })
		<-done
		most = max(most, runtime.NumGoroutine())
	}
	if most > 100 {
		t.Errorf("%d goroutines for one piece of work at a time", most)
	}
	gate.Close()
	if gate.Go(func() {}) {
		t.Error("a closed gate lets somebody in")
	}
	gate.Close()
}

// A gate waits for what it let in, and lets no more in.
func TestGateWaits(t *testing.T) {
	var gate drain.Gate
	working, done, closed := make(chan struct{}), make(chan struct{}), make(chan struct{})
	if !gate.Go(func() { close(working); <-done }) {
		t.Fatal("an open gate lets nobody in")
	}
	<-working
	go func() { gate.Close(); close(closed) }()
	for gate.Go(func() {}) { // until it is shut
	}
	select {
	case <-closed:
		t.Error("it does not wait")
	default:
	}
	close(done)
	<-closed
}
