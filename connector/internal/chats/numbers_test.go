package chats

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

// Whoever takes numbers of a chat, on whatever replica: each is another's.
func TestNumbersAreTakenOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key := r.key("chat")
	const each = 20
	taken := make(chan uint64, 4*each)
	for _, c := range []*Chats{r.replica("one"), r.replica("two")} {
		for range each {
			go func() {
				n, err := c.TakeNumber(r.Ctx, key, false)
				if err != nil {
					t.Error(err)
				}
				taken <- n
			}()
		}
	}
	seen := map[uint64]bool{}
	for range 2 * each {
		seen[natstest.Receive(r.Rig, taken)] = true
	}
	for n := range uint64(2 * each) {
		if !seen[n] {
			t.Errorf("nobody got %d", n)
		}
	}
}

// A durable command gets its number again, though its replica dies before the
// journal has it.
func TestDurableCommandKeepsItsNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key, one, two := r.key("chat"), r.replica("one"), r.replica("two")
	take := func(c *Chats, command string) uint64 {
		n, err := c.TakeNumberFor(r.Ctx, key, false, command)
		r.Check(err)
		return n
	}
	first := take(one, "first")
	live, err := one.TakeNumber(r.Ctx, key, false)
	r.Check(err)
	if again, second := take(two, "first"), take(two, "second"); again != first || live == first || second == first || second == live {
		t.Errorf("the first command has %d and then %d, a live one %d, the second %d", first, again, live, second)
	}
	for i := range boundMost {
		take(one, fmt.Sprint("later ", i))
	}
	found, _, err := bus.Load[count](r.Ctx, r.streams.State, numberKey(key))
	if err != nil || len(found.Bound) != boundMost || found.Bound[boundMost-1].Command != fmt.Sprint("later ", boundMost-1) {
		t.Errorf("bound are %+v, %v", found.Bound, err)
	}
}

// Numbers that a history shows are somebody's already; a lower one takes
// nothing back.
func TestNumbersGoOnAboveThoseOfAHistory(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key, c := r.key("chat"), r.replica("self")
	for i, step := range []struct{ least, want uint64 }{{7, 7}, {3, 8}, {0, 9}} {
		r.Check(c.numbers.raise(r.Ctx, key, step.least))
		if n, err := c.TakeNumber(r.Ctx, key, false); err != nil || n != step.want {
			t.Errorf("%d: %d is taken, want %d, %v", i, n, step.want, err)
		}
	}
}

// The number of a closed chat expires, and not that of an open one.
func TestNumberOfAClosedChatExpires(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key, c := r.key("chat"), r.replica("self")
	stream, err := r.JS.Stream(r.Ctx, "KV_"+natstest.Prefix.StreamName("STATE"))
	r.Check(err)
	for _, step := range []struct {
		name    string
		do      func() error
		expires bool
	}{
		{"open", func() error { _, err := c.TakeNumber(r.Ctx, key, false); return err }, false},
		{"retired", func() error { return c.RetireNumber(r.Ctx, key) }, true},
		{"opened again", func() error { return c.numbers.raise(r.Ctx, key, 0) }, false},
		{"closed", func() error { _, err := c.TakeNumber(r.Ctx, key, true); return err }, true},
	} {
		r.Check(step.do())
		msg, err := stream.GetLastMsgForSubject(r.Ctx, r.streams.State.Subject(numberKey(key)))
		r.Check(err)
		if expires := msg.Header.Get(jetstream.MsgTTLHeader) != ""; expires != step.expires {
			t.Errorf("%s: it expires: %v", step.name, expires)
		}
	}
	if n, err := c.TakeNumber(r.Ctx, key, false); err != nil || n != 2 {
		t.Errorf("then taken is %d, %v", n, err)
	}
}
