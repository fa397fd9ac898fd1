package queue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
	"cc-connector/subjects"
)

// rig is a real stream of durable commands, and what was run of them.
type rig struct {
	*natstest.Rig
	streams *bus.Streams
	leases  *lease.Keeper

	mu      sync.Mutex
	running map[subjects.ChatToken]bool
	ran     map[subjects.ChatToken][]uint64
	tries   map[uint64]int
	stays   uint64 // a command that is done, but is not removed
	fail    int    // looks for the head that fail
}

func newRig(t *testing.T, ackWait time.Duration) *rig {
	t.Helper()
	r := &rig{
		Rig: natstest.New(t), running: map[subjects.ChatToken]bool{}, ran: map[subjects.ChatToken][]uint64{}, tries: map[uint64]int{},
	}
	r.leases = lease.NewKeeper(r.NC)
	r.streams = r.Streams(func(c *bus.Config) { c.FailoverAfter = ackWait })
	return r
}

// replica pulls and runs commands until the test ends, or it is stopped.
func (r *rig) replica() (stop func()) {
	r.Helper()
	life, gate := drain.NewLifetime(), &drain.Gate{}
	wait := r.streams.Runners.CachedInfo().Config.AckWait
	qs := New(Needs{NATS: r.NC, Run: r.run, Head: r.head, IsSettled: r.isSettled, Gate: gate, Places: metrics.Unregistered().Commands.Durable.Places, Work: life.Work, Log: natstest.Log()},
		Config{Prefix: natstest.Prefix, AckWait: wait, Most: 16, Slots: 8})
	progress, err := qs.Listen()
	r.Check(err)
	pulled := make(chan struct{})
	go func() {
		defer close(pulled)
		r.pull(life.Intake, qs, wait)
	}()
	tended := make(chan struct{})
	go func() {
		defer close(tended)
		qs.Tend(life.Intake)
	}()
	stop = sync.OnceFunc(func() {
		life.EndIntake()
		<-pulled
		<-tended
		qs.Leave()
		gate.Close()
		life.EndWork()
		_ = progress.Unsubscribe()
	})
	r.Cleanup(stop)
	return stop
}

func (r *rig) pull(ctx context.Context, qs *Queues, wait time.Duration) {
	bus.Pull{
		JetStream: r.JS, Queue: r.streams.Runners, Health: &bus.Health{}, Log: natstest.Log(),
		Room:    func(ctx context.Context) int { qs.WaitForRoom(ctx); return 4 },
		Request: func(room int) (int, bus.Priority) { return room, bus.Priority{} },
		Take: func(msg *nats.Msg) {
			d, err := NewDelivery(r.leases, msg, natstest.Prefix.QueueOf(msg.Subject), wait)
			if err != nil {
				r.Error(err)
				return
			}
			qs.Accept(d)
		},
	}.Run(ctx)
}

func (r *rig) head(ctx context.Context, chat subjects.ChatToken, behind uint64) (uint64, error) {
	if r.failsNow() {
		return 0, errors.New("the stream has no leader")
	}
	msg, err := r.streams.Commands.Next(ctx, behind+1, natstest.Prefix.DurableOf(chat))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return msg.Sequence, nil
}

func (r *rig) failsNow() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail--
	return r.fail >= 0
}

// run succeeds with most commands; one in five has to be tried once more.
func (r *rig) run(ctx context.Context, d *Delivery) Verdict {
	held, err := d.Claim(ctx)
	if err != nil {
		return PutOff
	}
	if again := r.work(d); again {
		_ = held.GiveBack(10 * time.Millisecond)
		return PutOff
	}
	if d.sequence == r.stays {
		_ = held.GiveBack(time.Hour)
		return PutOff
	}
	if held.End() != nil {
		return PutOff
	}
	return Done
}

func (r *rig) isSettled(_ context.Context, sequence uint64) bool { return sequence == r.stays }

// work takes a while.
func (r *rig) work(d *Delivery) (again bool) {
	r.mu.Lock()
	if r.running[d.chat] && d.chat != "" {
		r.Errorf("two commands of %s run at once", d.chat)
	}
	r.running[d.chat] = true
	r.mu.Unlock()
	_ = r.NC.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running[d.chat] = false
	if r.tries[d.sequence]++; d.sequence%5 == 0 && r.tries[d.sequence] == 1 {
		return true
	}
	r.ran[d.chat] = append(r.ran[d.chat], d.sequence)
	return false
}

func (r *rig) count() (all int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, list := range r.ran {
		all += len(list)
	}
	return all
}

func (r *rig) publish(chat subjects.ChatToken, commands int) {
	r.Helper()
	command := subjects.Command("chat.send")
	if chat == "" {
		command = "chat.request"
	}
	for i := range commands {
		_, err := r.JS.Publish(r.Ctx, natstest.Prefix.Durable(command, chat), nil, jetstream.WithMsgID(string(chat)+strconv.Itoa(i)))
		r.Check(err)
	}
}

// Whatever the number of replicas, also while one leaves and another comes,
// the commands of a chat run once, one at a time, and in the order of the stream.
func TestCommandsOfAChatRunInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour) // nothing comes again by itself
	const each = 40
	all := []subjects.ChatToken{"one", "two", "three", ""}
	for _, chat := range all[1:] {
		r.publish(chat, each)
	}
	leave := r.replica()
	r.replica()
	r.publish("one", each)
	r.Eventually("some have run", func() bool { return r.count() > each })
	leave()
	r.replica()
	r.Eventually("all have run", func() bool { return r.count() >= len(all)*each })
	for _, chat := range all {
		if len(r.ran[chat]) != each || chat != "" && !slices.IsSorted(r.ran[chat]) {
			t.Errorf("of %q %d commands ran, in the order %v", chat, len(r.ran[chat]), r.ran[chat])
		}
	}
}

// A command that is done but was not removed, as when the stream's leader was
// lost with the removal, does not hold up the chat's later ones for ever.
func TestDoneCommandThatStays(t *testing.T) {
	t.Parallel()
	r := newRig(t, 200*time.Millisecond)
	r.stays = 1
	r.replica()
	r.publish("one", 3)
	r.Eventually("all have run", func() bool { return r.count() >= 3 })
	if !slices.IsSorted(r.ran["one"]) {
		t.Errorf("they ran in the order %v", r.ran["one"])
	}
}

// A chat whose head could not be looked for is looked at again without a
// further delivery.
func TestHeadIsLookedForAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, time.Hour) // nothing comes again by itself
	r.fail = 3
	r.replica()
	r.publish("one", 3)
	r.Eventually("all have run", func() bool { return r.count() >= 3 })
	if !slices.IsSorted(r.ran["one"]) {
		t.Errorf("they ran in the order %v", r.ran["one"])
	}
}
