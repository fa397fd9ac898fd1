package connector_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

func TestMain(m *testing.M) {
	if play, is := os.LookupEnv(victimEnv); is {
		beVictim(play)
	}
	waitTogether()
	// nats.go v1.55.0 starts this goroutine for each object that it puts, and
	// loses it when the put ends before the goroutine has begun.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/nats-io/nats.go/jetstream.(*jetStream).resetPendingAcksOnReconnect"))
}

// waitTogether runs more tests at once than there are processors: they wait
// more than they work.
func waitTogether() {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = parallel.Value.Set(strconv.Itoa(3 * runtime.GOMAXPROCS(0)))
	}
}

const (
	patience = time.Minute // only a hanging test ever waits as long
	tenant   = "acme.example"
	appID    = "app-1"
)

// rig is everything around a connector, all of it real: a NATS server with
// JetStream, the simulated contact center behind HTTP, a consumer's connection.
type rig struct {
	*testing.T
	ctx    context.Context
	nats   *server.Server
	sim    *bpsim.Server
	http   *httptest.Server
	nc     *nats.Conn
	js     jetstream.JetStream
	config connector.Config
	client brightpattern.Config
	log    *lockedBuffer
	judged *sync.Map // the messages of streams that were held against their schemas
	// prepare changes what a setting cannot, before a connector runs.
	prepare func(*connector.Connector)
}

// newRig starts the surroundings; configure may change the settings of the
// connectors that start later.
func newRig(t *testing.T, options bpsim.Options, configure ...func(*rig)) *rig {
	t.Helper()
	// No deadline: a test that runs beside many others may have to wait long for its turn.
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	r := &rig{T: t, ctx: ctx, log: &lockedBuffer{}, judged: &sync.Map{}}
	r.nats = startNATS(t, &server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if options.Hold == 0 {
		options.Hold = 500 * time.Millisecond
	}
	r.sim = bpsim.New(options)
	r.http = httptest.NewServer(r.sim)
	t.Cleanup(func() { r.sim.Close(); r.http.Close() })
	r.config = connector.Config{
		Prefix: subjects.DefaultPrefix, Tenant: tenant, BaseURL: r.http.URL, Apps: []connector.App{{Name: "main", ID: appID}, {Name: "other", ID: "app-2"}},
		CallTimeout: 5 * time.Second, FailoverAfter: 2 * time.Second, DrainTimeout: 10 * time.Second, Provision: true,
	}
	r.config.TellAtOnce()
	r.client = brightpattern.Config{BaseURL: r.http.URL, TenantURL: tenant, Timeout: 5 * time.Second, MaxPolls: 64}
	for _, change := range configure {
		change(r)
	}
	r.nc = r.connect()
	var err error
	r.js, err = jetstream.New(r.nc, jetstream.WithDefaultTimeout(patience)) // a busy server answers late
	r.check(err)
	return r
}

func startNATS(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	s := newNATS(t, options)
	s.Start()
	if !s.ReadyForConnections(patience) {
		t.Fatal("nats-server does not start")
	}
	return s
}

// newNATS is a server that is not started yet, and ends with the test.
func newNATS(t *testing.T, options *server.Options) *server.Server {
	t.Helper()
	var account *server.Account
	if len(options.Accounts) > 0 {
		account = options.Accounts[0]
	}
	options.Users = append(allUsers(t, account), options.Users...)
	s, err := server.NewServer(options)
	if err != nil {
		t.Fatal(err)
	}
	refused := &violations{}
	s.SetLogger(refused, false, false)
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown(); refused.check(t) })
	return s
}

// endNATS returns what starts the server again. The test's own connection has gone,
// and come back, with it: what is asked on one that is about to break is never answered.
func (r *rig) endNATS(options *server.Options) (restart func()) {
	r.Helper()
	r.nats.Shutdown()
	r.nats.WaitForShutdown()
	r.eventually("the test's own connection is gone", func() bool { return !r.nc.IsConnected() })
	return func() {
		r.Helper()
		r.nats = startNATS(r.T, options)
		r.eventually("the test's own connection is back", r.nc.IsConnected)
	}
}

// connect signs in as the administrator, if the options do not say otherwise.
func (r *rig) connect(options ...nats.Option) *nats.Conn {
	r.Helper()
	options = append([]nats.Option{asAdministrator()}, options...)
	options = append(options, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	nc, err := nats.Connect(r.nats.ClientURL(), options...)
	r.check(err)
	r.Cleanup(nc.Close)
	return nc
}

func (r *rig) check(err error) {
	r.Helper()
	if err != nil && r.ctx.Err() != nil { // the time of the whole test is over, somewhere
		r.Fatalf("%v; log:\n%s", err, r.log)
	}
	if err != nil {
		r.Fatal(err)
	}
}

// replica is one running connector.
type replica struct {
	*connector.Connector
	metrics *prometheus.Registry
	stop    func() // orderly, as SIGTERM does it; a second call does nothing
}

func (r *rig) start(more ...nats.Option) *replica {
	r.Helper()
	client, err := brightpattern.New(r.client)
	r.check(err)
	nc := r.connect(append(asConnector(r.config.Prefix), more...)...)
	log := slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	metrics := prometheus.NewRegistry()
	c, err := connector.New(r.config, nc, client, log, metrics)
	r.check(err)
	if r.prepare != nil {
		r.prepare(c)
	}
	ctx, cancel := context.WithCancel(r.ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.Errorf("Run: %v", err)
		}
		nc.Close()
		client.Close()
	})
	r.Cleanup(stop)
	r.eventually("the connector is ready", func() bool {
		select {
		case err := <-ended:
			ended <- nil // stop waits for it, too
			r.Fatalf("Run ended: %v", err)
		default:
		}
		return c.Ready() == nil
	})
	return &replica{c, metrics, stop}
}

// provided has the streams made beforehand: the connectors that start next make
// none, also when one vanishes.
func (r *rig) provided() *rig {
	r.Helper()
	r.start().stop()
	r.config.Provision = false
	return r
}

// awaits waits for what a channel announces.
func (r *rig) awaits(what string, come <-chan struct{}) {
	r.Helper()
	select {
	case <-come:
	case <-time.After(patience):
		r.Fatalf("it did not come about that %s; log:\n%s", what, r.log)
	}
}

// eventually polls a condition that nothing announces, the less often the
// longer it takes: to look costs more than what is waited for.
func (r *rig) eventually(what string, holds func() bool) {
	r.Helper()
	deadline := time.After(patience)
	for pause := 5 * time.Millisecond; !holds(); pause = min(pause*5/4, 25*time.Millisecond) {
		select {
		case <-time.After(pause):
		case <-deadline:
			r.Fatalf("it did not come about that %s; log:\n%s", what, r.log)
		}
	}
}

// call runs a live command given as plain JSON and returns its result.
func (r *rig) call(command string, data any) schema.Result {
	r.Helper()
	body, err := json.Marshal(data)
	r.check(err)
	return r.ask(&nats.Msg{Subject: "cc." + command, Data: body})
}

// ask sends a message as it is and returns the result in its reply.
func (r *rig) ask(msg *nats.Msg) schema.Result {
	r.Helper()
	reply, err := r.nc.RequestMsg(msg, patience)
	r.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	r.check(err)
	result, err := schema.DecodeResult(ce)
	r.check(err)
	return *result
}

// must is call for a command that has to succeed.
func (r *rig) must(command string, data any) json.RawMessage {
	r.Helper()
	result := r.call(command, data)
	if result.Status != schema.StatusOK {
		r.Fatalf("%s: %+v", command, result.Error)
	}
	return result.Result
}

// openChat requests a chat and returns its id.
func (r *rig) openChat(more ...map[string]any) string {
	r.Helper()
	data := map[string]any{"from": "Ada"}
	for _, fields := range more {
		for k, v := range fields {
			data[k] = v
		}
	}
	var result schema.ChatRequestResult
	r.check(json.Unmarshal(r.must("chat.request", data), &result))
	return result.ChatID
}

// message is one message of the stream of events.
type message struct {
	subject  string
	sequence uint64 // of the stream
	msgID    string
	header   nats.Header
	event    event.Event
}

// stored reads everything that stands in the stream of events under a filter.
func (r *rig) stored(filter string) []message {
	r.Helper()
	return r.storedIn(r.config.Prefix.StreamName("EVENTS"), filter)
}

func (r *rig) storedIn(name, filter string) []message {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, name)
	r.check(err)
	var all []message
	for next := uint64(1); ; {
		msg, err := stream.GetMsg(r.ctx, next, jetstream.WithGetMsgSubject(filter))
		if err != nil {
			return all
		}
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		r.check(err)
		r.judge(ce)
		all = append(all, message{msg.Subject, msg.Sequence, msg.Header.Get("Nats-Msg-Id"), msg.Header, ce})
		next = msg.Sequence + 1
	}
}

// of is the filter for everything of one chat.
func (r *rig) of(chat string) string {
	token, err := subjects.EscapeChat(chat)
	r.check(err)
	return r.config.Prefix.ChatAll(token)
}

// awaitStored waits until count messages of a chat have a subject with the ending.
func (r *rig) awaitStored(chat, ending string, count int) []message {
	r.Helper()
	var found []message
	r.eventually(fmt.Sprintf("%d messages %s of %s are stored", count, ending, chat), func() bool {
		found = found[:0]
		for _, m := range r.stored(r.of(chat)) {
			if len(m.subject) > len(ending) && m.subject[len(m.subject)-len(ending):] == ending {
				found = append(found, m)
			}
		}
		return len(found) >= count
	})
	return found
}

// push gives the simulator an event to give away.
func (r *rig) push(chat string, fields map[string]any) {
	r.Helper()
	r.check(r.sim.Push(chat, fields))
}

// checkSequence proves that a chat's events and session messages are numbered
// without a hole and in the order of the stream.
func (r *rig) checkSequence(chat string) {
	r.Helper()
	next := uint64(1)
	for _, m := range r.stored(r.of(chat)) {
		n, err := schema.Sequence(m.event)
		if err != nil {
			continue // a result
		}
		if n != next {
			r.Errorf("%s has sequence %d, want %d", m.subject, n, next)
		}
		next = n + 1
	}
}

// lockedBuffer collects the log of every replica.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

var _ io.Writer = (*lockedBuffer)(nil)

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
