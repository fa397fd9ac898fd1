// Package allocs holds how often the hot paths allocate. Nothing but tests
// imports it.
//
// A count of allocations is the same on every machine, as no time is, so what
// every command and every event goes through has a bound: who makes more garbage
// there has to say so in a test. Lower a bound when there is less of it.
package allocs

import (
	"runtime"
	"testing"
)

// Operation is one step of a hot path.
type Operation struct {
	Name  string
	Most  float64 // allocations of one run
	Raced float64 // the same under the race detector, which empties pools now and then; 0: as many
	Run   func()
}

func (o Operation) most() float64 {
	if underRace && o.Raced > 0 {
		return o.Raced
	}
	return o.Most
}

// Check holds operations to their bounds.
func Check(t *testing.T, operations []Operation) {
	for _, o := range operations {
		t.Run(o.Name, func(t *testing.T) {
			if made := testing.AllocsPerRun(200, o.Run); made > o.most() {
				t.Errorf("%v allocations with %s, where %v are the most", made, runtime.Version(), o.most())
			}
		})
	}
}

// Bench measures operations.
func Bench(b *testing.B, operations []Operation) {
	for _, o := range operations {
		b.Run(o.Name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o.Run()
			}
		})
	}
}
