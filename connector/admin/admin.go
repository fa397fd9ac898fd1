package admin

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/inquiry"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Version is that of the JSON which is printed. Fields may be added; what is there
// stays, or the version changes.
const Version = 1

// Config is which connector it is.
type Config struct {
	Prefix          subjects.Prefix
	Tenant, BaseURL string        // by which it knows its streams
	CallTimeout     time.Duration // as the replicas have it
	Answer          time.Duration // how long a replica may take to answer; 2s
	UnderWay        time.Duration // how long a purge waits for commands that are under way; 2 × CallTimeout
}

// Admin works for an administrator, on a connection that is not its own.
type Admin struct {
	*Dead
	cfg      Config
	nc       *nats.Conn
	streams  *bus.Streams
	registry *replicas.Registry
	asker    inquiry.Asker
}

const defaultAnswer = 2 * time.Second

// Open finds the streams. It makes none, and changes none.
func Open(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, cfg Config) (*Admin, error) {
	if cfg.Answer == 0 {
		cfg.Answer = defaultAnswer
	}
	if cfg.UnderWay == 0 {
		cfg.UnderWay = 2 * cfg.CallTimeout
	}
	streams, err := bus.Find(ctx, js, cfg.bus())
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.DiscardHandler) // what fails is told as an error
	return &Admin{
		Dead: &Dead{cfg, js, streams.Dead},
		cfg:  cfg, nc: nc, streams: streams,
		registry: replicas.NewRegistry(streams.State, "", time.Second, &bus.Health{}, log),
		asker:    inquiry.Asker{NATS: nc, Prefix: cfg.Prefix, Patience: cfg.Answer},
	}, nil
}

func (c Config) bus() bus.Config {
	return bus.Config{Prefix: c.Prefix, Tenant: c.Tenant, BaseURL: c.BaseURL, Durable: schema.Commands}
}

// Dead are the dead letters.
type Dead struct {
	cfg    Config
	js     jetstream.JetStream
	stream *bus.Stream
}

// OpenDead finds their stream, and needs no other.
func OpenDead(ctx context.Context, js jetstream.JetStream, cfg Config) (*Dead, error) {
	stream, err := bus.FindStream(ctx, js, cfg.bus(), cfg.Prefix.StreamName("DEADLETTER"))
	if err != nil {
		return nil, err
	}
	return &Dead{cfg, js, stream}, nil
}
