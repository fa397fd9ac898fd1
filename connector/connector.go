package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
)

// Connector joins one contact center to one NATS system.
type Connector struct {
	cfg           Config
	nc            *nats.Conn
	js            jetstream.JetStream
	client        *brightpattern.Client
	serviceClient brightpattern.ClientID // who asks where no chat's client does
	replica       replicaID
	log           *slog.Logger
	metrics       *metrics
	health        health
	naming        naming

	stores      *stores
	publisher   *publisher
	known       *knownChats
	numbers     *numbers
	intentions  *intentions
	checkpoints *checkpoints
	journal     *journal
	notes       *notes
	lanes       *lanes
	position    atomic.Uint64 // in the stream of events, of some message that is stored
	members     *members
	tokensOf    time.Time // when the stream of session tokens was made of which all are there
	held        *holders
	admission   *admission
	budget      *budget
	recoveries  *recoveries
	refusals    *refusals
	answering   atomic.Bool // calls are answered with events here
	asides      gate        // what no command waits for, and requests of other replicas

	work      context.Context // what is under way; ends after the intake has
	endWork   context.CancelFunc
	intake    context.Context // ends when leaving begins
	endIntake context.CancelFunc
	pulled    chan struct{} // closed when no pull stands any more
}

// New checks the configuration and touches nothing outside the process. The
// connection and the client stay the caller's to close, after Run has returned.
func New(cfg Config, nc *nats.Conn, client *brightpattern.Client, log *slog.Logger, registry prometheus.Registerer) (*Connector, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	m, err := newMetrics(registry)
	if err != nil {
		return nil, err
	}
	replica := newReplicaID()
	log = log.With("replica", string(replica))
	refusals := newRefusals(cfg.Apps, m.refused, log)
	client.Observe(refusals.heard)
	work, endWork := context.WithCancel(context.Background())
	intake, endIntake := context.WithCancel(work)
	return &Connector{
		cfg: cfg, nc: nc, js: js, client: client, replica: replica, log: log, metrics: m,
		serviceClient: brightpattern.ClientID(idOf("service", cfg.Tenant, string(cfg.Prefix))),
		naming:        naming{prefix: cfg.Prefix, tenant: cfg.Tenant, schemaBase: cfg.SchemaBaseURL},
		held:          newHolders(cfg.MaxChats),
		admission:     newAdmission(cfg.MaxCalls),
		budget:        newBudget(m.spared),
		recoveries:    newRecoveries(),
		refusals:      refusals,
		work:          work, endWork: endWork,
		intake: intake, endIntake: endIntake, pulled: make(chan struct{}),
	}, nil
}

// Run works until ctx ends, then leaves in order: the intake first, then the
// polls, whose chats are offered to other replicas at once, then the calls
// under way, for DrainTimeout at most. It returns nil after an orderly
// leaving, and an error if it could not start. It is called once.
func (c *Connector) Run(ctx context.Context) error {
	defer c.endWork()
	if err := c.open(ctx); err != nil {
		return err
	}
	if err := insist(ctx, c.keepTokens); err != nil {
		return fmt.Errorf("having the open chats polled again: %w", err)
	}
	announce := func(ctx context.Context) error { return c.members.announce(ctx, c.presence()) }
	if err := insist(ctx, announce); err != nil { // before it takes anything
		return fmt.Errorf("telling other replicas of this one: %w", err)
	}
	requests, err := c.listenForRequests()
	if err != nil {
		return fmt.Errorf("listening to other replicas: %w", err)
	}
	turns, err := c.lanes.listen()
	if err != nil {
		return fmt.Errorf("listening to other replicas: %w", err)
	}
	service, err := c.startService()
	if err != nil {
		return fmt.Errorf("subscribing to commands: %w", err)
	}
	var pulling, upkeep sync.WaitGroup
	pulling.Go(func() { c.pullTokens(ctx) })
	pulling.Go(func() { c.pullCommands(ctx) })
	upkeep.Go(func() { c.keepUp(ctx) })
	upkeep.Go(func() { c.takeOverOrphans(ctx) })
	upkeep.Go(func() { c.keepShare(ctx) })
	upkeep.Go(func() { c.members.renew(ctx, c.presence) })
	c.health.serve(true)
	c.log.Info("serving", "prefix", c.cfg.Prefix, "tenant", c.cfg.Tenant, "version", c.cfg.Version)

	<-ctx.Done()
	c.log.Info("leaving", "chats", c.held.count())
	c.health.serve(false)
	return c.leave(service, []*nats.Subscription{requests, turns}, &pulling, &upkeep)
}

// startPatience is how long JetStream may take to answer at start: a cluster
// that has just come up has to choose its leaders.
const startPatience = 30 * time.Second

// open makes or finds the streams and what works on them.
func (c *Connector) open(ctx context.Context) error {
	stores, err := backoff.Retry(ctx, func() (*stores, error) {
		s, err := openStores(ctx, c.js, c.cfg)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return nil, backoff.Permanent(err)
		}
		return s, err
	}, backoff.WithBackOff(newBackOff(firstPause, 5*time.Second)), backoff.WithMaxElapsedTime(startPatience))
	if err != nil {
		return err
	}
	c.stores = stores
	if c.members, err = c.newMembers(ctx); err != nil {
		return err
	}
	c.known = &knownChats{js: c.js, bucket: stores.chats, keep: c.cfg.EventsMaxAge}
	c.numbers = newNumbers(c.js, stores.state, c.cfg.EventsMaxAge)
	c.intentions = &intentions{js: c.js, bucket: stores.state, keep: c.cfg.EventsMaxAge}
	c.checkpoints = &checkpoints{js: c.js, bucket: stores.state, keep: c.cfg.EventsMaxAge}
	c.journal = &journal{js: c.js, bucket: stores.journal, log: c.log}
	c.notes = newNotes(c.members, c.nc, c.cfg.IdempotencyWindow)
	c.position.Store(stores.events.CachedInfo().State.LastSeq)
	c.publisher = c.newPublisher(c.log)
	c.lanes = c.newLanes()
	return nil
}

// insist repeats what JetStream may not be ready for.
func insist(ctx context.Context, do func(context.Context) error) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, do(ctx) },
		backoff.WithBackOff(newBackOff(firstPause, 5*time.Second)), backoff.WithMaxElapsedTime(startPatience))
	return err
}

func (c *Connector) newPublisher(log *slog.Logger) *publisher {
	return &publisher{
		js: c.js, files: c.stores.files, stream: c.cfg.Prefix.StreamName("EVENTS"), bucket: c.cfg.Prefix.StreamName("FILES"),
		mode: c.cfg.Mode, limit: c.nc.MaxPayload(), window: repeatsKnownFor(c.cfg), position: &c.position, health: &c.health, log: log,
	}
}

func (c *Connector) newChatLog(key chatKey, app brightpattern.AppID, log *slog.Logger) *chatLog {
	return &chatLog{
		publisher: c.newPublisher(log), names: c.naming, rehearsal: c.cfg.rehearsal, events: c.stores.events,
		chat: key, self: fenceID(uuid.NewString()), source: c.naming.eventSource(app, key.token), seen: make(map[likeness]int), untaken: make(map[likeness]int),
	}
}

// For the last bytes of a connection that is there.
const (
	flushTimeout  = 5 * time.Second
	shortestFlush = 500 * time.Millisecond // also when leaving has used up its time
)

func (c *Connector) leave(service micro.Service, subscriptions []*nats.Subscription, pulling, upkeep *sync.WaitGroup) error {
	end := time.Now().Add(c.cfg.DrainTimeout)
	deadline := time.AfterFunc(c.cfg.DrainTimeout, c.endWork)
	defer deadline.Stop()
	c.endIntake()
	err := service.Stop()
	c.held.leave()
	pulling.Wait()
	close(c.pulled)
	c.lanes.leave()
	upkeep.Wait()
	c.held.running.Wait()
	c.admission.active.close()
	c.asides.close()
	for _, s := range subscriptions {
		err = errors.Join(err, s.Unsubscribe())
	}
	if !c.nc.IsConnected() {
		c.log.Warn("left while NATS was away: chats are free when their tokens' time is over")
		return nil
	}
	lastWords := max(min(flushTimeout, time.Until(end)), shortestFlush)
	c.withdraw(lastWords)
	if flushErr := c.nc.FlushTimeout(lastWords); flushErr != nil {
		err = errors.Join(err, fmt.Errorf("what was published last may not have reached NATS: %w", flushErr))
	}
	return err
}

// withdraw takes this replica's record away, now that nothing is left to do.
func (c *Connector) withdraw(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.members.withdraw(ctx); err != nil {
		c.log.Warn("this replica's record stays until it expires", "error", err)
	}
}
