package outbox

import (
	"context"
	"sync"
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
)

type rig struct {
	*natstest.Rig
	streams *bus.Streams
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t)}
	r.streams = r.Streams()
	return r
}

// registry has records that outlast the test.
func (r *rig) registry(self replicas.ID) *replicas.Registry {
	return replicas.NewRegistry(r.streams.State, self, time.Hour, &bus.Health{}, natstest.Log())
}

// outbox looks for what others owe ten times a second.
func (r *rig) outbox(self replicas.ID) *Outbox {
	return New(r.NC, r.streams.State, r.registry(self), self, Config{Keep: 24 * time.Hour, FailoverAfter: time.Second / 5}, natstest.Log())
}

// run has the outbox looked after until the test ends.
func (r *rig) run(o *Outbox, owner Owner) {
	ctx, cancel := context.WithCancel(r.Ctx)
	var running sync.WaitGroup
	running.Go(func() { o.Run(ctx, map[Kind]Owner{"debt": owner}) })
	r.Cleanup(func() { cancel(); running.Wait() })
}

// isThere tells whether the entry stands there.
func (r *rig) isThere(of replicas.ID, e Entry) bool {
	r.Helper()
	found, err := r.streams.State.Get(r.Ctx, key(of, e))
	r.Check(err)
	return found.Revision != 0
}

// owner is an Owner of functions.
type owner struct {
	adopt  func(of replicas.ID, key, content string) error
	resume func(key, content string)
}

func (o owner) Adopt(_ context.Context, of replicas.ID, key string, found bus.Value) error {
	return o.adopt(of, key, string(found.Data))
}

func (o owner) Resume(_ context.Context, key, content string) { o.resume(key, content) }

func nobodyResumes(t *testing.T) func(key, content string) {
	return func(key, _ string) { t.Errorf("%s is resumed", key) }
}

func nobodyAdopts(t *testing.T) func(of replicas.ID, key, content string) error {
	return func(of replicas.ID, key, _ string) error {
		t.Errorf("%s of %s is adopted", key, of)
		return nil
	}
}
