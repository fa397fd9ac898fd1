package chats

import (
	"cmp"
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

// takeNumber takes a number that is used.
func (c *Chats) takeNumber(ctx context.Context, key Key) (uint64, error) {
	n, err := c.TakeNumber(ctx, key, false)
	if err != nil {
		return 0, err
	}
	defer n.Keep()
	return n.Value(), nil
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

// A number that is returned is the next one; also when another replica has
// taken one meanwhile, which then is the next but one.
func TestReturnedNumberIsTheNext(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, other, key := r.replica("one"), r.replica("other"), r.key("chat")
	for i, meanwhile := range []func(){func() {}, func() { _, err := other.takeNumber(r.Ctx, key); r.Check(err) }} {
		n, err := one.TakeNumber(r.Ctx, key, false)
		r.Check(err)
		meanwhile()
		n.Return(r.Ctx)
		if again, err := one.takeNumber(r.Ctx, key); err != nil || again != n.Value() {
			t.Errorf("%d: returned is %d, and then taken %d, %v", i, n.Value(), again, err)
		}
	}
	if n, err := other.takeNumber(r.Ctx, key); err != nil || n != 3 {
		t.Errorf("the next one is %d, %v", n, err)
	}
}

// A durable command has one number; what was bound to a repeat alone is taken back.
func TestBoundNumber(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, other, key := r.replica("one"), r.replica("other"), r.key("chat")
	began := time.Now()
	bind := func(c *Chats, command string) *Number {
		t.Helper()
		n, err := c.BindNumber(r.Ctx, key, false, command)
		r.Check(err)
		return n
	}
	repeat := bind(one, "repeat")
	repeat.Return(r.Ctx)
	first := bind(one, "first")
	first.Keep()
	again := bind(other, "first")
	again.Return(r.Ctx)
	bind(other, "second").Keep()
	if repeat.Value() != 0 || first.Value() != 0 || again.Value() != 0 {
		t.Errorf("they are %d, %d and %d", repeat.Value(), first.Value(), again.Value())
	}
	for command, want := range map[string]string{"first": "0", "second": "1", "repeat": "none"} {
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

// Whoever comes while a number may be returned waits, and no longer than it may.
func TestNumberIsWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, key := r.replica("self"), r.key("chat")
	n, err := c.TakeNumber(r.Ctx, key, false)
	r.Check(err)
	impatient, cancel := context.WithTimeout(r.Ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := c.TakeNumber(impatient, key, false); err == nil {
		t.Error("another one is taken meanwhile")
	}
	taken := make(chan uint64, 1)
	go func() {
		next, _ := c.takeNumber(r.Ctx, key)
		taken <- next
	}()
	n.Return(r.Ctx)
	n.Keep() // says nothing any more
	if next := natstest.Receive(r.Rig, taken); next != n.Value() {
		t.Errorf("the next one is %d", next)
	}
	if len(c.numbers.turns.of) > 0 {
		t.Error("it is still somebody's turn")
	}
}

// numberTrial is a chat of which several replicas take numbers.
type numberTrial struct {
	*rapid.T
	r        *rig
	key      Key
	loser    *natstest.AckLoser
	replicas []*numbers
	held     map[*numbers]*Number
	by       map[*numbers]string // the durable command that holds it
	used     map[uint64]string
	lost     uint64 // numbers that nobody may have
}

// Whatever replicas of this version and the one before take, return and bind,
// and whatever of their writes they do not hear: no number is used twice, and
// none is missing but where a write was not heard of.
func TestNumbersOfSeveralReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	loser := r.LoseAcks()
	streams := r.Streams()
	chat := 0
	rapid.Check(t, func(t *rapid.T) {
		chat++
		trial := &numberTrial{T: t, r: r, key: r.key(brightpattern.ChatID(fmt.Sprint("chat", chat))), loser: loser, held: map[*numbers]*Number{}, by: map[*numbers]string{}, used: map[uint64]string{}}
		for range 2 {
			trial.replicas = append(trial.replicas, newNumbers(streams.State, streams.Keeps, func(Key) {}, failpoint.Plan{}))
		}
		t.Repeat(map[string]func(*rapid.T){
			"take":    func(t *rapid.T) { trial.take(trial.replica(t), t) },
			"settle":  func(t *rapid.T) { trial.settle(trial.replica(t), t) },
			"bind":    func(t *rapid.T) { trial.bind(trial.replica(t), t) },
			"earlier": func(*rapid.T) { trial.earlier(streams.State) },
			"retire":  func(t *rapid.T) { trial.retire(trial.replica(t)) },
		})
		trial.checkHoles(streams.State)
	})
}

func (n *numberTrial) replica(t *rapid.T) *numbers {
	return rapid.SampledFrom(n.replicas).Draw(t, "replica")
}

// losing does something of which the answer may be lost.
func (n *numberTrial) losing(t *rapid.T, do func() error) error {
	if !rapid.Bool().Draw(t, "heard of") {
		n.loser.Lose.Store(1)
	}
	err := do()
	n.loser.Lose.Store(0)
	if err != nil {
		n.lost++
	}
	return err
}

func (n *numberTrial) take(by *numbers, t *rapid.T) {
	n.hold(by, t, func() (*Number, error) { return by.take(n.r.Ctx, n.key, false) })
}

func (n *numberTrial) bind(by *numbers, t *rapid.T) {
	command := fmt.Sprint("command ", rapid.IntRange(0, 5).Draw(t, "command"))
	if n.held[by] == nil {
		n.hold(by, t, func() (*Number, error) { return by.bind(n.r.Ctx, n.key, false, command) })
		n.by[by] = command
	}
}

func (n *numberTrial) hold(by *numbers, t *rapid.T, take func() (*Number, error)) {
	if n.held[by] != nil {
		return
	}
	delete(n.by, by)
	_ = n.losing(t, func() error {
		taken, err := take()
		if err == nil {
			n.held[by] = taken
		}
		return err
	})
}

func (n *numberTrial) settle(by *numbers, t *rapid.T) {
	taken := n.held[by]
	if taken == nil {
		return
	}
	delete(n.held, by)
	if taken.isOld || rapid.Bool().Draw(t, "kept") { // who finds it bound goes by it
		n.keep(by, taken)
		return
	}
	_ = n.losing(t, func() error {
		n.lost += uint64(n.loser.Lose.Load()) // then it may be nobody's
		taken.Return(n.r.Ctx)
		return nil
	})
}

func (n *numberTrial) retire(by *numbers) {
	if n.held[by] == nil {
		n.r.Check(by.retire(n.r.Ctx, n.key))
	}
}

func (n *numberTrial) keep(by *numbers, taken *Number) {
	taken.Keep()
	n.use(taken.Value(), cmp.Or(n.by[by], fmt.Sprint("a live command ", len(n.used))))
}

// earlier takes a number as the version before does, which knows of none that are
// spare. While it lives, none that is bound is returned.
func (n *numberTrial) earlier(bucket *bus.Bucket) {
	for _, taken := range n.held {
		if taken.command != "" {
			return
		}
	}
	found, revision, err := bus.Load[count](n.r.Ctx, bucket, numberKey(n.key))
	n.r.Check(err)
	n.lost += uint64(len(found.Spare))
	found.Next++
	found.Spare = nil
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
	for by, taken := range n.held {
		if taken.isOld {
			n.keep(by, taken)
		}
		taken.Return(n.r.Ctx)
	}
	found, _, err := bus.Load[count](n.r.Ctx, bucket, numberKey(n.key))
	n.r.Check(err)
	if missing := found.Next - uint64(len(n.used)+len(found.Spare)); missing > n.lost {
		n.Fatalf("of %+v %d are used, and no more than %d may be lost", found, len(n.used), n.lost)
	}
}
