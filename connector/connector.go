package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/throttle"
	"cc-connector/connector/internal/tracing"
)

// Connector joins one contact center to one NATS system.
type Connector struct {
	cfg      Config
	nc       *nats.Conn
	js       jetstream.JetStream
	client   *brightpattern.Client
	self     replicas.ID
	log      *slog.Logger
	metrics  *metrics.Metrics
	traces   *tracing.Tracer
	refusals *throttle.Refusals
	outages  *throttle.Outages
	health   bus.Health
	judge    *judge
	allowed  *bus.Forbidden
	life     *drain.Lifetime
	parts    *parts // from when Run has opened the streams
}

// New checks the configuration and touches nothing outside the process. The
// connection and the client stay the caller's to close, after Run has returned. Each
// connector needs a client of its own, which it observes for as long as that lives.
func New(cfg Config, nc *nats.Conn, client *brightpattern.Client, log *slog.Logger, registry prometheus.Registerer) (*Connector, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	js, err := cfg.jetStream(nc)
	if err != nil {
		return nil, err
	}
	m, err := metrics.New(registry)
	if err != nil {
		return nil, err
	}
	self := replicas.NewID()
	log = log.With("replica", string(self))
	m.Process.Is(cfg.Version)
	m.Bus.Follow(nc)
	m.Chats.Limit.Set(float64(cfg.MaxChats))
	refusals, outages := throttle.NewRefusals(cfg.appNames(), m.ContactCenter.Refused, log), throttle.NewOutages(cfg.appNames())
	client.Observe(refusals.Heard)
	client.Observe(outages.Heard)
	client.Observe(m.ContactCenter.Heard)
	return &Connector{
		cfg: cfg, nc: nc, js: js, client: client, self: self, log: log,
		metrics: m, traces: tracing.New(cfg.Traces, cfg.Prefix, string(self), cfg.Version), refusals: refusals, outages: outages,
		health: bus.Health{Quiet: cfg.quiet}, judge: newJudge(cfg.passing, m.Health, log), life: drain.NewLifetime(), allowed: bus.WatchForbidden(nc, cfg.Prefix),
	}, nil
}

// Run works until ctx ends, then leaves in order: the intake first, then the
// polls, whose chats are offered to other replicas at once, then the calls
// under way, for DrainTimeout at most. It returns nil after an orderly
// leaving, and an error if it could not start. It is called once.
func (c *Connector) Run(ctx context.Context) error {
	defer c.life.EndWork()
	if err := c.begin(ctx); err != nil {
		return err
	}
	p := c.parts
	var pulling, upkeep sync.WaitGroup
	pulling.Go(func() { p.poller.Pull(ctx) })
	pulling.Go(func() { p.commands.Pull(ctx) })
	upkeep.Go(func() { p.streams.Keep(ctx, p.registry.Every(), c.log, p.poller.Restore) })
	upkeep.Go(func() { p.poller.Tend(ctx) })
	upkeep.Go(func() { p.poller.KeepShare(ctx) })
	upkeep.Go(func() { c.allowed.Tend(ctx) })
	upkeep.Go(func() { p.clients.Tend(ctx) })
	upkeep.Go(func() { p.chats.Tend(ctx) })
	upkeep.Go(func() { p.commands.Tend(ctx) })
	upkeep.Go(func() { c.widen(ctx) })
	upkeep.Go(func() { p.outbox.Run(ctx, p.owners()) })
	upkeep.Go(func() { p.registry.Renew(ctx, p.poller.Presence) })
	upkeep.Go(func() { p.poller.Watch(ctx) })
	if c.cfg.CanaryInterval > 0 {
		upkeep.Go(func() { p.canary.Run(ctx) })
	}
	c.health.Serve(true)
	upkeep.Go(func() { c.watchHealth(ctx) })
	c.log.Info("serving", "prefix", c.cfg.Prefix, "tenant", c.cfg.Tenant, "version", c.cfg.Version)

	<-ctx.Done()
	c.log.Info("leaving", "chats", p.poller.Presence().Chats)
	c.health.Serve(false)
	return c.leave(&pulling, &upkeep)
}

const longestStart = 5 * time.Second // between two tries

// untilReady waits for a JetStream that is not ready yet: a cluster that has just
// come up has to find together, and to choose its leaders. It says once what for.
func (c *Connector) untilReady(ctx context.Context, doing string, do func(context.Context) error) error {
	said := false
	err := retry.Until(ctx, c.cfg.StartPatience, retry.FirstPause, longestStart, func(ctx context.Context) error {
		err := do(ctx)
		if err != nil && !said && !retry.IsFinal(err) {
			said = true
			c.log.Warn("waiting for JetStream", "doing", doing, "patience", c.cfg.StartPatience.String(), "error", err)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// begin opens and starts. What NATS does not allow ends it at once: nobody
// would ever answer.
func (c *Connector) begin(ctx context.Context) error {
	ctx, forbid := context.WithCancelCause(ctx)
	defer forbid(nil)
	c.allowed.Report(forbid)
	defer c.allowed.Report(nil)
	err := c.open(ctx)
	if err == nil {
		err = c.start(ctx)
	}
	if cause := context.Cause(ctx); errors.Is(cause, bus.ErrForbidden) {
		return cause
	}
	if err != nil {
		return err
	}
	return c.checkAllowed()
}

// checkAllowed waits until NATS has said of every subscription whether it stands.
func (c *Connector) checkAllowed() error {
	if err := c.nc.FlushTimeout(bus.AnswerPatience); err != nil {
		return nil // it is away: that is no reason not to wait for it
	}
	c.allowed.Hear(c.nc.LastError())
	return c.allowed.Check()
}

// start learns what clients are known by, has the open chats polled, tells the
// other replicas of this one before it takes anything, and then takes requests
// and commands.
func (c *Connector) start(ctx context.Context) error {
	p := c.parts
	announce := func(ctx context.Context) error { return p.registry.Announce(ctx, p.poller.Presence()) }
	for _, step := range []struct {
		doing string
		do    func(context.Context) error
	}{
		{"agreeing with other replicas on the secret that clients are known by", p.clients.Look},
		{"having the open chats polled again", p.poller.Restore},
		{"telling other replicas of this one", announce},
	} {
		if err := c.untilReady(ctx, step.doing, step.do); err != nil {
			return err
		}
	}
	if err := p.poller.Listen(); err != nil {
		return fmt.Errorf("listening to other replicas: %w", err)
	}
	if err := c.listen(); err != nil {
		return fmt.Errorf("listening to administrators: %w", err)
	}
	if err := p.commands.Serve(); err != nil {
		return fmt.Errorf("subscribing to commands: %w", err)
	}
	return nil
}
