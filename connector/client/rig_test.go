package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
	"cc-connector/subjects"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// rig is everything around a client, all of it real: NATS, the simulated contact
// center, and a connector that may be stopped and started.
type rig struct {
	*natstest.Rig
	*client.Client
	options *server.Options
	sim     *bpsim.Server
	url     string
	config  connector.Config
	end     func() // stops the connector
}

// newRig starts all of it, but no connector.
func newRig(t testing.TB, change ...func(*server.Options)) *rig {
	t.Helper()
	r := &rig{end: func() {}}
	r.Rig = natstest.New(t, append(change, func(o *server.Options) { r.options = o })...)
	r.sim = bpsim.New(bpsim.Options{Hold: 200 * time.Millisecond})
	http := httptest.NewServer(r.sim)
	t.Cleanup(func() { r.sim.Close(); http.Close() })
	r.url = http.URL
	r.config = connector.Config{
		Tenant: "acme.example", BaseURL: r.url, Apps: []connector.App{{Name: "main", ID: "app-1"}},
		CallTimeout: 5 * time.Second, FailoverAfter: 2 * time.Second, DrainTimeout: 10 * time.Second, Provision: true,
	}
	r.Client = r.client(client.Config{})
	return r
}

func (r *rig) client(cfg client.Config) *client.Client {
	r.Helper()
	c, err := client.New(r.NC, cfg)
	r.Check(err)
	return c
}

// start runs a connector, and returns what stops it in order.
func (r *rig) start() (stop func()) {
	r.Helper()
	contact, err := brightpattern.New(brightpattern.Config{BaseURL: r.url, TenantURL: "acme.example", Timeout: r.config.CallTimeout, MaxPolls: 64})
	r.Check(err)
	nc := r.Connect()
	c, err := connector.New(r.config, nc, contact, natstest.Log(), prometheus.NewRegistry())
	r.Check(err)
	ctx, cancel := context.WithCancel(r.Ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && r.Ctx.Err() == nil {
			r.Errorf("Run: %v", err)
		}
		nc.Close()
		contact.Close()
	})
	r.Cleanup(stop)
	r.Eventually("the connector is ready", func() bool { return c.Ready() == nil })
	return stop
}

// restartNATS ends the server, does something, and starts it on what it had stored.
func (r *rig) restartNATS(meanwhile func()) {
	r.Helper()
	address := r.Server.Addr().(*net.TCPAddr)
	r.Server.Shutdown()
	r.Server.WaitForShutdown()
	meanwhile()
	options := r.options.Clone()
	options.Port = address.Port
	next, err := server.NewServer(options)
	r.Check(err)
	next.Start()
	r.Cleanup(func() { next.Shutdown(); next.WaitForShutdown() })
	if !next.ReadyForConnections(time.Minute) {
		r.Fatal("nats-server does not start again")
	}
	r.Server = next
}

// gate is what a connection goes through, and may be shut.
type gate struct {
	mu     sync.Mutex
	closed bool
	conns  []net.Conn
}

func (g *gate) Dial(network, address string) (net.Conn, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil, errors.New("the gate is shut")
	}
	conn, err := net.Dial(network, address)
	if err == nil {
		g.conns = append(g.conns, conn)
	}
	return conn, err
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, conn := range g.conns {
		_ = conn.Close()
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = false
}

// openChat requests a chat and returns its id.
func (r *rig) openChat() string {
	r.Helper()
	opened, err := client.As[schema.ChatRequestResult](r.Do(r.Ctx, client.NewCommand(&schema.ChatRequest{From: "Ada"})))
	r.Check(err)
	return opened.ChatID
}

func send(chat, text string) *client.Command {
	return client.NewCommand(&schema.ChatSend{ChatID: chat, Text: text})
}

// says has the agent say something.
func (r *rig) says(chat, text string) {
	r.Helper()
	r.Check(r.sim.Push(chat, map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": text, "msg": text}))
}

// said are the texts that the customer has sent, as the contact center has them.
func (r *rig) said(chat string) (texts []string) {
	r.Helper()
	record, err := r.sim.Record(chat)
	r.Check(err)
	for _, e := range record.Client {
		if event := brightpattern.ParseEvent(e.Event); event.Name == "chat_session_message" {
			texts = append(texts, event.Text)
		}
	}
	return texts
}

// awaitStored waits until so many messages are stored under a filter.
func (r *rig) awaitStored(filter string, count uint64) {
	r.Helper()
	r.Eventually(fmt.Sprintf("%d messages are stored as %s", count, filter), func() bool { return r.stored(filter) >= count })
}

func (r *rig) stored(filter string) (count uint64) {
	r.Helper()
	stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
	r.Check(err)
	info, err := stream.Info(r.Ctx, jetstream.WithSubjectFilter(filter))
	r.Check(err)
	for _, n := range info.State.Subjects {
		count += n
	}
	return count
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

func tokenOf(chat string) subjects.ChatToken {
	token, err := subjects.EscapeChat(chat)
	if err != nil {
		panic(err)
	}
	return token
}

// checkFailure expects a failure that the connector told.
func (r *rig) checkFailure(err error, code schema.ErrorCode) {
	r.Helper()
	var told *schema.Error
	if !errors.As(err, &told) || told.Code != code {
		r.Errorf("the error is %v, want %s", err, code)
	}
}

// shortly is a context that ends soon: nothing is to come by then.
func (r *rig) shortly() context.Context {
	ctx, cancel := context.WithTimeout(r.Ctx, 500*time.Millisecond)
	r.Cleanup(cancel)
	return ctx
}
