package chats

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/replicas"
)

// rig is real streams, and a contact center behind HTTP.
type rig struct {
	*natstest.Rig
	streams *bus.Streams
	sim     *bpsim.Server
	http    *httptest.Server
	reached func(failpoint.Point)
}

func newRig(t *testing.T, change ...func(*server.Options)) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t, change...), sim: bpsim.New(bpsim.Options{})}
	r.streams = r.Streams()
	r.http = httptest.NewServer(r.sim)
	t.Cleanup(func() { r.sim.Close(); r.http.Close() })
	return r
}

const (
	failover = 2 * time.Second // the shortest that may be configured
	keep     = 7 * 24 * time.Hour
)

// replica are the chats as one replica has them.
func (r *rig) replica(self replicas.ID) *Chats {
	r.Helper()
	client, err := brightpattern.New(brightpattern.Config{BaseURL: r.http.URL, TenantURL: "acme.example"})
	r.Check(err)
	r.Cleanup(client.Close)
	registry := replicas.NewRegistry(r.streams.State, self, failover, &bus.Health{}, natstest.Log())
	life, known := drain.NewLifetime(), clients.New(r.streams.State, registry, r.streams.Keeps, natstest.Log())
	r.Check(known.Look(r.Ctx))
	c := New(Needs{
		NATS: r.NC, JetStream: r.JS, Client: client, Clients: known, Streams: r.streams, Self: self, Life: life, Log: natstest.Log(),
		Guard:      intake.NewGuard(natstest.Prefix, metrics.Unregistered().Commands, natstest.Log()),
		Outbox:     outbox.New(r.NC, r.streams.State, registry, self, outbox.Config{Keep: 24 * time.Hour, FailoverAfter: failover}, natstest.Log()),
		Failpoints: failpoint.Plan{Reached: r.reached},
	}, Config{Prefix: natstest.Prefix, CallTimeout: 2 * time.Second})
	r.Cleanup(func() { life.EndIntake(); life.EndWork(); c.Drain() })
	return c
}

func (r *rig) key(id brightpattern.ChatID) Key {
	r.Helper()
	key, err := KeyOf(id)
	r.Check(err)
	return key
}

// open makes a chat that is polled, as far as its token tells.
func (r *rig) open(c *Chats) Key {
	r.Helper()
	key, _, err := c.Open(r.Ctx, openingOf(r.request(c)))
	r.Check(err)
	return key
}

// listen has a replica answer requests, for the chats that it holds.
func (r *rig) listen(c *Chats, take func(Asked)) {
	r.Helper()
	requests, err := c.Listen(take)
	r.Check(err)
	r.Check(r.NC.Flush())
	r.Cleanup(func() { _ = requests.Unsubscribe() })
}

// earlierAppears has a replica live of a version that knows no references;
// vanish ends it.
func (r *rig) earlierAppears(c *Chats) (vanish func()) {
	r.Helper()
	r.Check(r.streams.State.Put(r.Ctx, "replica.earlier", []byte(`{"maxChats":20000,"chats":17}`), 0))
	r.Check(c.Clients.Look(r.Ctx))
	return func() {
		r.Helper()
		r.Check(r.streams.State.Purge(r.Ctx, "replica.earlier"))
		for c.Clients.EarlierLives() {
			r.Check(c.Clients.Look(r.Ctx))
		}
	}
}
