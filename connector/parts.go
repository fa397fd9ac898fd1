package connector

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/attachments"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/canary"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/command"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/poller"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/throttle"
	"cc-connector/connector/internal/translate"
)

// parts are what works on the streams, from below to above.
type parts struct {
	streams  *bus.Streams
	registry *replicas.Registry
	room     *replicas.Room
	outbox   *outbox.Outbox
	clients  *clients.Clients
	chats    *chats.Chats
	poller   *poller.Poller
	commands *command.Commands
	canary   *canary.Canary
	asked    *nats.Subscription // to what administrators ask
}

// owners settle what replicas owe, by kind.
func (p *parts) owners() map[outbox.Kind]outbox.Owner {
	return map[outbox.Kind]outbox.Owner{
		command.OwedCommands: p.commands.DebtOwner(),
		command.OwedOutcome:  p.commands,
		chats.LostAnswer:     p.chats.LossOwner(chats.LostAnswer),
		chats.LostPoll:       p.chats.LossOwner(chats.LostPoll),
	}
}

// longestOpen is for one try: a server without a leader does not answer.
const longestOpen = 10 * time.Second

// open makes or finds the streams and builds what works on them.
func (c *Connector) open(ctx context.Context) error {
	if err := bus.CheckPayload(c.nc); err != nil {
		return err
	}
	var streams *bus.Streams
	err := c.untilReady(ctx, "opening the streams", func(ctx context.Context) (err error) {
		ctx, cancel := context.WithTimeout(ctx, min(c.cfg.StartPatience, longestOpen))
		defer cancel()
		if streams, err = bus.Open(ctx, c.js, c.streamsConfig(), c.log); err != nil && !bus.IsPassing(err) {
			return retry.Final(err)
		}
		return err
	})
	if err != nil {
		return err
	}
	p := &parts{streams: streams}
	leases := lease.NewKeeper(c.nc)
	publisher := bus.NewPublisher(c.js, streams, &c.health, c.log)
	naming := translate.Naming{Prefix: c.cfg.Prefix, Tenant: c.cfg.Tenant, SchemaBase: c.cfg.SchemaBaseURL}
	p.registry = replicas.NewRegistry(streams.State, c.self, c.cfg.FailoverAfter, &c.health, c.log)
	p.room = replicas.NewRoom(p.registry, streams.Sessions, func() replicas.Replica { return p.poller.Presence() })
	p.outbox = outbox.New(c.nc, streams.State, p.registry, c.self,
		outbox.Config{Keep: c.cfg.IdempotencyWindow, FailoverAfter: c.cfg.FailoverAfter}, c.log)
	p.clients = clients.New(streams.State, p.registry, streams.Keeps, c.log)
	guard := intake.NewGuard(c.cfg.Prefix, c.metrics.Commands, c.log)
	p.chats = chats.New(chats.Needs{
		NATS: c.nc, JetStream: c.js, Client: c.client, Clients: p.clients, Streams: streams, Outbox: p.outbox, Self: c.self,
		Life: c.life, Guard: guard, Failpoints: c.cfg.failpoints, Log: c.log,
	}, c.cfg.chats())
	budget := throttle.NewBudget(c.metrics.ContactCenter.Throttled)
	files := attachments.New(attachments.Needs{
		Client: c.client, Publisher: publisher, Budget: budget, Metrics: c.metrics.Files, Failpoints: c.cfg.failpoints, Log: c.log,
	}, attachments.Config{MaxBytes: c.cfg.FileMaxBytes, Timeout: c.cfg.FileTimeout})
	p.poller = poller.New(poller.Needs{
		NATS: c.nc, JetStream: c.js, Client: c.client, Streams: streams, Publisher: publisher, Leases: leases, Health: &c.health, Naming: naming,
		Chats: p.chats, Registry: p.registry, Room: p.room, Self: c.self,
		Files: files, Budget: budget, Places: throttle.NewPlaces(), Refusals: c.refusals,
		Metrics: c.metrics.Chats, Events: c.metrics.Events, Watched: c.metrics.Health, Traces: c.traces, Life: c.life, Failpoints: c.cfg.failpoints, Log: c.log,
	}, c.cfg.poller())
	p.commands = command.New(command.Needs{
		NATS: c.nc, JetStream: c.js, Client: c.client, Streams: streams, Publisher: publisher, Leases: leases, Health: &c.health, Naming: naming,
		Clients: p.clients, Chats: p.chats, Journal: journal.New(streams.Journal, c.log), Outbox: p.outbox, Registry: p.registry, Room: p.room, Self: c.self,
		Metrics: c.metrics.Commands, Traces: c.traces, Life: c.life, Guard: guard, Failpoints: c.cfg.failpoints, Log: c.log,
	}, c.cfg.commands())
	p.canary = canary.New(canary.Needs{Client: c.client, Streams: streams, Metrics: c.metrics.Health, Log: c.log}, c.cfg.canary(c.self))
	c.parts = p
	return nil
}

func (c Config) canary(self replicas.ID) canary.Config {
	cfg := canary.Config{Self: string(self), Every: c.CanaryInterval}
	for _, app := range c.Apps {
		cfg.Apps = append(cfg.Apps, canary.App(app))
	}
	return cfg
}

// streamsConfig is that of the streams, with what counts what is written there.
func (c *Connector) streamsConfig() bus.Config {
	cfg := c.cfg.streams()
	cfg.Metrics, cfg.Quiet = c.metrics.Bus, c.cfg.quiet
	return cfg
}

func (c Config) streams() bus.Config {
	var apps []string
	for _, app := range c.Apps {
		apps = append(apps, app.Name+":"+string(app.ID))
	}
	return bus.Config{
		Prefix: c.Prefix, Tenant: c.Tenant, BaseURL: c.BaseURL, Apps: strings.Join(apps, ","),
		Durable: command.Durable(), Lately: command.Lately(), Mode: c.Mode,
		EventsMaxAge: c.EventsMaxAge, EventsMaxBytes: c.EventsMaxBytes, FilesMaxAge: c.FilesMaxAge, FilesMaxBytes: c.FilesMaxBytes,
		DeadLetterMaxAge: c.DeadLetterMaxAge, StreamMaxBytes: c.StreamMaxBytes,
		IdempotencyWindow: c.IdempotencyWindow, CommandMaxAge: c.CommandMaxAge, FailoverAfter: c.FailoverAfter,
		Replicas: c.StreamReplicas, Provision: c.Provision,
	}
}

func (c Config) chats() chats.Config {
	return chats.Config{Prefix: c.Prefix, CallTimeout: c.CallTimeout}
}

func (c Config) poller() poller.Config {
	return poller.Config{
		Prefix: c.Prefix, MaxChats: c.MaxChats, CallTimeout: c.CallTimeout, FailoverAfter: c.FailoverAfter, Patience: c.patience,
	}
}

func (c Config) commands() command.Config {
	var apps []chats.App
	for _, app := range c.Apps {
		apps = append(apps, chats.App(app))
	}
	return command.Config{
		Prefix: c.Prefix, Tenant: c.Tenant, Version: c.Version, Apps: apps, APNsBundleID: c.APNsBundleID,
		CallTimeout: c.CallTimeout, CommandMaxAge: c.CommandMaxAge, FailoverAfter: c.FailoverAfter, MaxCalls: c.MaxCalls,
		FileMaxBytes: c.FileMaxBytes, WithoutRequests: c.WithoutRequests,
	}
}
