package queue

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However deliveries come, a queue holds the latest of each command, in the
// order of the stream, and none that another replica may have been given.
func TestQueueHoldsWhatIsInHand(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q, latest := &chatQueue{}, map[uint64]*Delivery{}
		for range rapid.IntRange(1, 40).Draw(t, "deliveries") {
			d := &Delivery{sequence: rapid.Uint64Range(1, 12).Draw(t, "sequence"), until: time.Now().Add(time.Hour)}
			if lapsed := rapid.Uint64Range(1, 12).Draw(t, "lapsed"); latest[lapsed] != nil {
				latest[lapsed].until = time.Now().Add(-time.Second)
				delete(latest, lapsed)
			}
			q.put(d)
			latest[d.sequence] = d
			checkQueue(t, q, latest)
		}
	})
}

func checkQueue(t *rapid.T, q *chatQueue, latest map[uint64]*Delivery) {
	sorted := slices.IsSortedFunc(q.waiting, func(a, b *Delivery) int { return int(a.sequence) - int(b.sequence) })
	if !sorted || len(q.waiting) != len(latest) {
		t.Fatalf("the queue has %d of %d commands, in order: %v", len(q.waiting), len(latest), sorted)
	}
	for _, d := range q.waiting {
		if latest[d.sequence] != d {
			t.Fatalf("the queue has another delivery of %d", d.sequence)
		}
	}
}
