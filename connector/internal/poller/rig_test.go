package poller

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/throttle"
	"cc-connector/connector/internal/translate"
)

// rig is a poller on real streams, without a contact center.
type rig struct {
	*natstest.Rig
	poller *Poller
	chat   chats.Key
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t)}
	var err error
	r.chat, err = chats.KeyOf("chat:ü/1")
	r.Check(err)
	streams := r.Streams()
	registry := replicas.NewRegistry(streams.State, "replica", 10*time.Second, &bus.Health{}, natstest.Log())
	known := clients.New(streams.State, registry, streams.Keeps, natstest.Log())
	r.Check(known.Look(r.Ctx))
	told := metrics.Unregistered()
	r.poller = New(Needs{
		NATS: r.NC, JetStream: r.JS, Streams: streams, Publisher: r.Publisher(streams), Leases: lease.NewKeeper(r.NC), Health: &bus.Health{}, Registry: registry, Self: "replica", Log: natstest.Log(),
		Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"},
		Chats: chats.New(chats.Needs{NATS: r.NC, JetStream: r.JS, Clients: known, Streams: streams, Self: "replica", Log: natstest.Log()},
			chats.Config{Prefix: natstest.Prefix, CallTimeout: time.Second}),
		Places: throttle.NewPlaces(), Metrics: told.Chats, Events: told.Events,
	}, Config{Prefix: natstest.Prefix, MaxChats: 10, CallTimeout: time.Second, FailoverAfter: 10 * time.Second})
	return r
}

// holder is one of the chat that does nothing yet.
func (r *rig) holder(opening chats.OpeningID) *holder {
	return &holder{
		poller: r.poller, chat: r.chat, token: chats.Token{Opening: opening, ChatID: r.chat.ID, AppID: "app-1"}, log: natstest.Log(),
		polling: newPolling(r.Ctx), done: make(chan struct{}), chatLog: chatlog.New(r.poller.logs, r.chat, "app-1", natstest.Log()),
	}
}

// lease is the right to hold the chat, by its token.
func (r *rig) lease() *lease.Lease {
	r.Helper()
	_, err := r.JS.Publish(r.Ctx, natstest.Prefix.Internal("session", string(r.chat.Token)), nil)
	r.Check(err)
	batch, err := r.poller.Streams.Holders.Fetch(1, jetstream.FetchMaxWait(time.Minute),
		jetstream.FetchPriorityGroup(bus.HoldersGroup), jetstream.FetchPrioritized(priorityLacking))
	r.Check(err)
	held := r.poller.Leases.Hold(r.Ctx, natstest.Receive(r.Rig, batch.Messages()), lease.Options{Wait: time.Hour})
	r.Cleanup(func() { held.Stop() })
	return held
}
