package replicas

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/natstest"
)

// room is that of a replica that says so of itself.
func (r *rig) room(self ID, says Replica) *Room {
	r.Helper()
	registry := r.registry(self, time.Hour)
	r.Check(registry.Announce(r.Ctx, says))
	return NewRoom(registry, r.streams.Sessions, func() Replica { return says })
}

func (r *rig) open(chat string) {
	r.Helper()
	_, err := r.JS.Publish(r.Ctx, natstest.Prefix.Internal("session", chat), nil)
	r.Check(err)
}

// takes tells whether there is a place, and takes it.
func (r *rig) takes(room *Room) (leave func(), taken bool) {
	r.Helper()
	leave, err := room.Take(r.Ctx)
	if err != nil && !errors.Is(err, ErrFull) {
		r.Fatal(err)
	}
	return leave, err == nil
}

// The places of all are counted, and of the chats those that wait, too.
func TestRoomIsThatOfAll(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, two := r.room("one", Replica{MaxChats: 1}), r.room("two", Replica{MaxChats: 1, Chats: 1})
	for i := range 2 {
		leave, taken := r.takes(one)
		if !taken {
			t.Fatalf("%d of 2 places are taken, and none is found", i)
		}
		r.open(fmt.Sprint(i))
		leave()
	}
	for _, room := range []*Room{one, two} {
		if _, taken := r.takes(room); taken {
			t.Error("2 of 2 places are taken, and one more is found")
		}
	}
	r.Check(r.registry("three", time.Hour).Announce(r.Ctx, Replica{MaxChats: 1}))
	r.Eventually("the new one's place is found", func() bool {
		_, taken := r.takes(two)
		return taken
	})
	if n := two.Waiting(); n != 0 {
		t.Errorf("%d chats wait", n)
	}
	r.open("unasked")
	r.open("unasked-too")
	census, err := two.Census(r.Ctx)
	r.Check(err)
	if census.Places() != 3 || census.Waiting() != 1 || two.Waiting() != 1 {
		t.Errorf("of %d chats %d wait for %d places", census.Chats, census.Waiting(), census.Places())
	}
}

// A replica that has just come is known as soon as its place is needed, though
// nobody has been asked for since.
func TestRoomOfANewcomer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	room := r.room("self", Replica{MaxChats: 1})
	if _, taken := r.takes(room); !taken {
		t.Fatal("no place is found")
	}
	r.Check(r.registry("new", time.Hour).Announce(r.Ctx, Replica{MaxChats: 1}))
	if _, taken := r.takes(room); !taken {
		t.Error("the new one's place is not found")
	}
}

// Of many who want a place at once as many get one as there are.
func TestRoomInABurst(t *testing.T) {
	t.Parallel()
	const places, want = 5, 100
	r := newRig(t)
	room := r.room("self", Replica{MaxChats: places})
	var taken atomic.Int32
	var all sync.WaitGroup
	for i := range want {
		all.Go(func() {
			leave, err := room.Take(r.Ctx)
			if err != nil {
				return
			}
			taken.Add(1)
			if _, err := r.JS.Publish(r.Ctx, natstest.Prefix.Internal("session", fmt.Sprint(i)), nil); err != nil {
				t.Error(err)
			}
			leave()
		})
	}
	all.Wait()
	if n := taken.Load(); n != places {
		t.Errorf("%d of %d places are taken", n, places)
	}
}

// A place that was not used is free again, as soon as it is asked.
func TestPlaceThatWasNotUsed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	room := r.room("self", Replica{MaxChats: 1})
	leave, taken := r.takes(room)
	if _, two := r.takes(room); !taken || two {
		t.Errorf("the one place is found: %v, and once more: %v", taken, two)
	}
	leave()
	r.Eventually("it is free again", func() bool {
		_, taken := r.takes(room)
		return taken
	})
}

// However many ask, JetStream is asked once in a while.
func TestRoomAsksSeldom(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	room := r.room("self", Replica{MaxChats: 1})
	r.open("one")
	var asked atomic.Int32
	_, err := r.NC.Subscribe("$JS.API.STREAM.INFO.CC_SESSIONS", func(*nats.Msg) { asked.Add(1) })
	r.Check(err)
	r.Check(r.NC.Flush())
	began := time.Now()
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 100 {
				if _, err := room.Take(r.Ctx); !errors.Is(err, ErrFull) {
					t.Errorf("a place in a full room: %v", err)
				}
			}
		})
	}
	all.Wait()
	r.Check(r.NC.Flush())
	if n, most := asked.Load(), int32(4+2*(time.Since(began)/fullFor)); n > most {
		t.Errorf("asked %d times for 5000, want at most %d", n, most)
	}
}

// Without an answer nobody is let in, and nobody is told that it is full.
func TestRoomWithoutJetStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	room := r.room("self", Replica{MaxChats: 1})
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_SESSIONS"))
	if _, err := room.Take(r.Ctx); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("it says %v", err)
	}
}
