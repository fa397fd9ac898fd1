package replicas

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

type rig struct {
	*natstest.Rig
	streams *bus.Streams
	health  bus.Health
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t)}
	r.streams = r.Streams()
	r.health.Serve(true)
	return r
}

// shortest is the shortest life of a record.
const shortest = time.Second

func (r *rig) registry(self ID, failover time.Duration) *Registry {
	return NewRegistry(r.streams.State, self, failover, &r.health, natstest.Log())
}

func (r *rig) alive(of *Registry) map[ID]Replica {
	r.Helper()
	alive, err := of.Alive(r.Ctx)
	r.Check(err)
	return alive
}

func TestReplicasFindEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, two := r.registry("one", time.Hour), r.registry("two", time.Hour)
	r.Check(one.Announce(r.Ctx, Replica{MaxChats: 10, Chats: 3}))
	r.Check(two.Announce(r.Ctx, Replica{MaxChats: 20}))
	r.Check(r.streams.State.Put(r.Ctx, "replica.odd", []byte("of another version"), 0))
	r.Check(r.streams.State.Put(r.Ctx, "checkpoint.chat", nil, 0))
	alive := r.alive(one)
	if len(alive) != 3 || alive["one"] != (Replica{10, 3, ThisFormat}) || alive["two"] != (Replica{20, 0, ThisFormat}) || alive["odd"] != (Replica{}) {
		t.Errorf("alive are %v", alive)
	}
	if one.Oldest() != 0 || two.Oldest() != 0 {
		t.Error("one of another version is alive, and counts as one of this")
	}
	r.Check(r.streams.State.Purge(r.Ctx, "replica.odd"))
	r.Check(one.Announce(r.Ctx, Replica{MaxChats: 10, Chats: 4})) // whatever it said before
	r.Check(two.Withdraw(r.Ctx))
	alive = r.alive(one)
	if _, there := alive["two"]; there || alive["one"].Chats != 4 {
		t.Errorf("when two has gone, alive are %v", alive)
	}
	for range absentMost {
		if one.Oldest() == ThisFormat {
			t.Error("an older format is taken to be gone at the first look")
		}
		r.Check(one.Look(r.Ctx))
	}
	if one.Oldest() != ThisFormat {
		t.Errorf("the oldest is of format %d", one.Oldest())
	}
}

// A replica that falls silent is dead after the time of a failover.
func TestSilentReplicaIsDead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	silent := r.registry("silent", shortest)
	r.Check(silent.Announce(r.Ctx, Replica{MaxChats: 10}))
	if alive := r.alive(silent); len(alive) != 1 {
		t.Errorf("alive are %v", alive)
	}
	r.Eventually("it is dead", func() bool { return len(r.alive(silent)) == 0 })
}

// One that goes on renewing its record is alive for longer than a record
// lasts, and says what is so at the time; one that leaves says so.
func TestRenewedRecordOutlivesItself(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	registry := r.registry("self", shortest)
	r.Check(registry.Announce(r.Ctx, Replica{MaxChats: 10}))
	ctx, cancel := context.WithCancel(r.Ctx)
	var chats atomic.Int64
	var renewing sync.WaitGroup
	renewing.Go(func() {
		registry.Renew(ctx, func() Replica { return Replica{MaxChats: 10, Chats: int(chats.Add(1))} })
	})
	defer func() { cancel(); renewing.Wait() }()
	renewals := int(2*shortest/registry.Every()) + 1
	r.Eventually("it has renewed its record often", func() bool {
		self, lives := r.alive(registry)["self"]
		if !lives {
			t.Fatal("it seems to be dead")
		}
		return self.Chats >= renewals
	})
	cancel()
	renewing.Wait()
	if self := r.alive(registry)["self"]; self != (Replica{Format: ThisFormat}) {
		t.Errorf("when it leaves it says %v", self)
	}
}

// A replica that the others cannot be told of is not ready.
func TestUnannouncedReplicaIsNotReady(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	registry := r.registry("self", time.Hour)
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	if err := registry.Announce(r.Ctx, Replica{}); err == nil || r.health.Check() == nil {
		t.Errorf("announced: %v, ready: %v", err, r.health.Check())
	}
	r.Streams()
	if err := registry.Announce(r.Ctx, Replica{}); err != nil || r.health.Check() != nil {
		t.Errorf("announced: %v, ready: %v", err, r.health.Check())
	}
}
