package chats

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/natstest"
)

func (c *Chats) takeNumber(ctx context.Context, key Key) (uint64, error) {
	return c.TakeNumber(ctx, key, false)
}

// The bucket is lost, and made again by a start: whatever a replica knows of
// numbers it keeps, and puts back, and no number is given twice.
func TestNumbersOutliveTheirBucket(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, other := r.replica("one"), r.replica("other")
	key, quiet := r.key("chat"), r.key("quiet")
	take := func(c *Chats, key Key, want uint64) {
		t.Helper()
		if n, err := c.takeNumber(r.Ctx, key); err != nil || n != want {
			t.Errorf("the number is %d, %v; want %d", n, err, want)
		}
	}
	take(one, key, 0)
	take(one, quiet, 0)
	take(other, key, 1)
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	r.Streams()
	r.Check(one.PutBack(r.Ctx)) // knows less
	r.Check(other.PutBack(r.Ctx))
	take(one, key, 2)
	take(other, quiet, 1)

	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	r.Streams()
	take(one, key, 3) // though nobody has put it back
	take(other, quiet, 2)
}

// What is known takes one write and no reading; what is not known any more is
// read, and no number is given twice.
func TestKnownNumberIsNotRead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, key := r.replica("self"), r.key("chat")
	take := func() int {
		return r.asked(func() {
			_, err := c.takeNumber(r.Ctx, key)
			r.Check(err)
		})
	}
	if take() == 0 {
		t.Error("nothing is known, and nothing was read")
	}
	if n := take(); n > 0 {
		t.Errorf("the number is known, and %d things were read", n)
	}
}

// A durable command has one number, whoever asks for it.
func TestBoundNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, other, key := r.replica("one"), r.replica("other"), r.key("chat")
	began := time.Now()
	bind := func(c *Chats, command string, want uint64) {
		t.Helper()
		if n, err := c.BindNumber(r.Ctx, key, false, command); err != nil || n != want {
			t.Errorf("the number of the %s is %d, %v; want %d", command, n, err, want)
		}
	}
	bind(one, "first", 0)
	bind(other, "second", 1)
	bind(other, "first", 0)
	bind(one, "first", 0)
	for command, want := range map[string]string{"first": "0", "second": "1", "third": "none"} {
		got := "none"
		n, err := one.Bound(r.Ctx, key, command, began.Add(time.Hour))
		if r.Check(err); n != nil {
			got = fmt.Sprint(*n)
		}
		if got != want {
			t.Errorf("the number of the %s is %s", command, got)
		}
	}
	if _, err := one.Bound(r.Ctx, key, "older than the bucket", began.Add(-time.Hour)); !errors.Is(err, ErrForgotten) {
		t.Errorf("it never had one: %v", err)
	}
}

// Whoever takes a chat's number here waits while another one does.
func TestNumbersOfAChatAreTakenInTurn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, key := r.replica("self"), r.key("chat")
	leave, err := c.numbers.turns.enter(r.Ctx, key)
	r.Check(err)
	impatient, cancel := context.WithTimeout(r.Ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := c.takeNumber(impatient, key); err == nil {
		t.Error("another one is taken meanwhile")
	}
	taken := make(chan uint64, 1)
	go func() {
		n, _ := c.takeNumber(r.Ctx, key)
		taken <- n
	}()
	leave()
	if n := natstest.Receive(r.Rig, taken); n != 0 {
		t.Errorf("the next one is %d", n)
	}
	r.Eventually("it is nobody's turn", func() bool {
		c.numbers.turns.mu.Lock()
		defer c.numbers.turns.mu.Unlock()
		return len(c.numbers.turns.of) == 0
	})
}

// numberTrial is a chat of which several replicas take numbers.
type numberTrial struct {
	*rapid.T
	r        *rig
	key      Key
	loser    *natstest.AckLoser
	replicas []*numbers
	used     map[uint64]string
	lost     uint64 // numbers that nobody may have
}

// Whatever replicas of this version and the one before take and bind, and whatever
// of their writes they do not hear: no number is used twice, and none is missing but
// where a write was not heard of.
func TestNumbersOfSeveralReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	loser := r.LoseAcks()
	streams := r.Streams()
	chat := 0
	rapid.Check(t, func(t *rapid.T) {
		chat++
		trial := &numberTrial{T: t, r: r, key: r.key(brightpattern.ChatID(fmt.Sprint("chat", chat))), loser: loser, used: map[uint64]string{}}
		for range 2 {
			trial.replicas = append(trial.replicas, newNumbers(streams.State, streams.Keeps, func(Key) {}, failpoint.Plan{}))
		}
		t.Repeat(map[string]func(*rapid.T){
			"take":    func(t *rapid.T) { trial.take(trial.replica(t), t) },
			"bind":    func(t *rapid.T) { trial.bind(trial.replica(t), t) },
			"earlier": func(*rapid.T) { trial.earlier(streams.State) },
			"retire":  func(t *rapid.T) { r.Check(trial.replica(t).retire(r.Ctx, trial.key)) },
		})
		trial.checkHoles(streams.State)
	})
}

func (n *numberTrial) replica(t *rapid.T) *numbers {
	return rapid.SampledFrom(n.replicas).Draw(t, "replica")
}

func (n *numberTrial) take(by *numbers, t *rapid.T) {
	n.losing(t, fmt.Sprint("a live command ", len(n.used)), func() (uint64, error) { return by.take(n.r.Ctx, n.key, false) })
}

func (n *numberTrial) bind(by *numbers, t *rapid.T) {
	command := fmt.Sprint("command ", rapid.IntRange(0, 5).Draw(t, "command"))
	n.losing(t, command, func() (uint64, error) { return by.bind(n.r.Ctx, n.key, false, command) })
}

// losing takes a number, and may not hear that it has it.
func (n *numberTrial) losing(t *rapid.T, command string, take func() (uint64, error)) {
	if !rapid.Bool().Draw(t, "heard of") {
		n.loser.Lose.Store(1)
	}
	number, err := take()
	n.loser.Lose.Store(0)
	if err != nil {
		n.lost++
		return
	}
	n.use(number, command)
}

// earlier takes a number as the version before does.
func (n *numberTrial) earlier(bucket *bus.Bucket) {
	found, revision, err := bus.Load[count](n.r.Ctx, bucket, numberKey(n.key))
	n.r.Check(err)
	found.Next++
	_, err = bus.Save(n.r.Ctx, bucket, numberKey(n.key), found, revision, 0)
	n.r.Check(err)
	n.use(found.Next-1, fmt.Sprint("an earlier version's command ", len(n.used)))
}

func (n *numberTrial) use(number uint64, by string) {
	if before, isUsed := n.used[number]; isUsed && before != by {
		n.Fatalf("%d is used by %s and by %s", number, before, by)
	}
	n.used[number] = by
}

func (n *numberTrial) checkHoles(bucket *bus.Bucket) {
	found, _, err := bus.Load[count](n.r.Ctx, bucket, numberKey(n.key))
	n.r.Check(err)
	if missing := found.Next - uint64(len(n.used)); missing > n.lost {
		n.Fatalf("of %+v %d are used, and no more than %d may be lost", found, len(n.used), n.lost)
	}
}
