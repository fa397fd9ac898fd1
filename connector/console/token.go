package console

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// secret is the token that opens the page. It is read anew now and then: one that has leaked
// is replaced, and opens nothing any more.
type secret struct {
	read func() string // nil: there is none

	mu   sync.Mutex
	last string
	at   time.Time
}

const tokenKept = 5 * time.Second

func (t *secret) now() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.readAnew()
}

// lately is the token of some seconds ago, or now's.
func (t *secret) lately() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Since(t.at) < tokenKept {
		return t.last
	}
	return t.readAnew()
}

func (t *secret) readAnew() string {
	if t.read != nil {
		t.last, t.at = t.read(), time.Now()
	}
	return t.last
}

// tries to sign in that failed, by where they came from: a few at once, then one
// every second. Nobody can use up those of somebody else.
type tries struct {
	mu   sync.Mutex
	from map[netip.Prefix]*rate.Limiter
}

const (
	triesAtOnce = 10
	placesMost  = 4096
	subscriber  = 64 // bits of an IPv6 address: the others are one subscriber's to choose
)

func newTries() *tries { return &tries{from: make(map[netip.Prefix]*rate.Limiter)} }

// take is one try, before it is known whether it fails; a right one is given back.
func (t *tries) take(remote string, now time.Time) (giveBack func(), ok bool) {
	one := t.of(remote).ReserveN(now, 1)
	giveBack = func() { one.CancelAt(now) } // any later it would be used up
	if one.DelayFrom(now) > 0 {
		giveBack()
		return nil, false
	}
	return giveBack, true
}

func (t *tries) of(remote string) *rate.Limiter {
	address, _ := netip.ParseAddrPort(remote) // what is no address is one place
	ip := address.Addr().Unmap()
	bits := ip.BitLen()
	if ip.Is6() {
		bits = subscriber
	}
	place, _ := ip.Prefix(bits)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.from[place] == nil {
		if len(t.from) == placesMost {
			t.makeRoom(time.Now())
		}
		t.from[place] = rate.NewLimiter(rate.Every(time.Second), triesAtOnce)
	}
	return t.from[place]
}

// makeRoom forgets who has all tries anyway, or else who has the most.
func (t *tries) makeRoom(now time.Time) {
	var most netip.Prefix
	left := math.Inf(-1)
	for place, of := range t.from {
		switch has := of.TokensAt(now); {
		case has >= triesAtOnce:
			delete(t.from, place)
		case has > left:
			most, left = place, has
		}
	}
	if len(t.from) == placesMost {
		delete(t.from, most)
	}
}
