package bus

import (
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// What reads bring in ReadsKept is limited, and to a part of the store, so that
// they leave room for what cannot be had again.
const (
	readsMost = 512 << 20
	readsPart = 4
)

// readsBudget is how much reads may bring.
type readsBudget struct {
	reads *rate.Limiter // bytes
	room  *atomic.Int64 // of the store, that it was reckoned by
}

func newReadsBudget(room int64) readsBudget {
	b := readsBudget{rate.NewLimiter(readsLimit(room)), new(atomic.Int64)}
	b.room.Store(room)
	return b
}

// readsLimit lets half of what reads may bring come at once, and the rest bit by bit.
func readsLimit(room int64) (perSecond rate.Limit, atOnce int) {
	most := int64(readsMost)
	if room > 0 {
		most = min(most, room/readsPart)
	}
	half := max(1, most/2)
	return rate.Limit(float64(half) / ReadsKept.Seconds()), int(half)
}

// take tells whether reads may bring so much more, where the store has so much room.
func (b readsBudget) take(size int, room int64) bool {
	if b.room.Swap(room) != room {
		perSecond, atOnce := readsLimit(room)
		b.reads.SetLimit(perSecond)
		b.reads.SetBurst(atOnce)
	}
	return b.reads.AllowN(time.Now(), size)
}
