// Package natstest is the NATS that the tests of the packages beside it run
// against: a real server with JetStream, in this process. Nothing but tests
// imports it.
package natstest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"cc-connector/connector/internal/bus"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Main runs a package's tests and then looks for goroutines that they left.
func Main(m *testing.M) {
	// nats.go v1.55.0 starts this goroutine for each object that it puts, and
	// loses it when the put ends before the goroutine has begun.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

const patience = time.Minute // only a hanging test ever waits as long

// Rig is a server of a test's own, and a connection to it.
type Rig struct {
	testing.TB
	Ctx    context.Context // ends after patience
	Server *server.Server
	NC     *nats.Conn
	JS     jetstream.JetStream
}

// New starts the server; it ends with the test.
func New(t testing.TB, change ...func(*server.Options)) *Rig {
	t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	for _, do := range change {
		do(options)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	r := &Rig{TB: t, Ctx: ctx}
	var err error
	r.Server, err = server.NewServer(options)
	r.Check(err)
	r.Server.Start()
	t.Cleanup(func() { r.Server.Shutdown(); r.Server.WaitForShutdown() })
	if !r.Server.ReadyForConnections(patience) {
		t.Fatal("nats-server does not start")
	}
	r.NC = r.Connect()
	r.JS, err = jetstream.New(r.NC)
	r.Check(err)
	return r
}

// SmallBus takes the smallest messages that the connector works with.
func SmallBus(o *server.Options) { o.MaxPayload = bus.LeastPayload }

// Connect is another connection.
func (r *Rig) Connect(options ...nats.Option) *nats.Conn {
	r.Helper()
	options = append(options, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	nc, err := nats.Connect(r.Server.ClientURL(), options...)
	r.Check(err)
	r.Cleanup(nc.Close)
	return nc
}

// Check ends the test that an error makes meaningless.
func (r *Rig) Check(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// Eventually polls a condition that nothing announces, the less often the
// longer it takes: to look costs more than what is waited for.
func (r *Rig) Eventually(what string, holds func() bool) {
	r.Helper()
	for pause := 5 * time.Millisecond; !holds(); pause = min(pause*5/4, 25*time.Millisecond) {
		select {
		case <-time.After(pause):
		case <-r.Ctx.Done():
			r.Fatalf("it did not come about that %s", what)
		}
	}
}

// Receive waits for a value.
func Receive[T any](r *Rig, from <-chan T) (value T) {
	r.Helper()
	select {
	case value = <-from:
	case <-r.Ctx.Done():
		r.Fatal("nothing came")
	}
	return value
}

// Prefix is that of the subjects of Streams.
const Prefix = subjects.DefaultPrefix

// Streams makes the connector's streams.
func (r *Rig) Streams(change ...func(*bus.Config)) *bus.Streams {
	r.Helper()
	cfg := Config()
	for _, do := range change {
		do(&cfg)
	}
	streams, err := bus.Open(r.Ctx, r.JS, cfg, Log())
	r.Check(err)
	return streams
}

// Config is what Streams makes them by.
func Config() bus.Config {
	return bus.Config{
		Prefix: Prefix, Tenant: "acme.example", BaseURL: "https://acme.example", Apps: "main:app-1", Durable: schema.Commands, Mode: schema.Structured,
		EventsMaxAge: 7 * 24 * time.Hour, FilesMaxAge: 7 * 24 * time.Hour, IdempotencyWindow: 24 * time.Hour, CommandMaxAge: time.Hour,
		FailoverAfter: 10 * time.Second, Replicas: 1, Provision: true,
	}
}

// Publisher writes to the stream of events.
func (r *Rig) Publisher(streams *bus.Streams) *bus.Publisher {
	return bus.NewPublisher(r.JS, streams, &bus.Health{}, Log())
}

// Log goes nowhere.
func Log() *slog.Logger { return slog.New(slog.DiscardHandler) }
