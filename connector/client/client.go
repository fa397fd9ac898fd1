package client

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// Config says where the connector is. The zero value of a field takes the
// default that its comment ends with, as the connector's own settings do.
type Config struct {
	Prefix          subjects.Prefix // first tokens of every subject; cc
	JetStreamDomain string          // where the streams are, behind a leaf node; the server's own
	Source          string          // CloudEvents source of the commands: with the id it is their identity; urn:cc-connector:client
	Mode            schema.Mode     // how commands are written; structured
	Timeout         time.Duration   // of a call whose context has no deadline; 1m
}

// Client sends commands and reads what the connector publishes. It may be used
// from any goroutine, and holds nothing: there is nothing to close.
type Client struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	cfg Config
}

const (
	defaultSource  = "urn:cc-connector:client"
	defaultTimeout = time.Minute // three calls of 15 s, and some room
)

// New uses a connection that stays the caller's. It asks nothing of NATS.
func New(nc *nats.Conn, cfg Config) (*Client, error) {
	cfg.fillIn()
	if _, err := subjects.ParsePrefix(string(cfg.Prefix)); err != nil {
		return nil, &schema.FieldError{Field: "Config.Prefix", Problem: err.Error()}
	}
	if _, err := schema.ParseMode(string(cfg.Mode)); err != nil {
		return nil, &schema.FieldError{Field: "Config.Mode", Problem: "must be schema.Structured or schema.Binary"}
	}
	if strings.ContainsAny(cfg.JetStreamDomain, " .*>\t\r\n") {
		return nil, &schema.FieldError{Field: "Config.JetStreamDomain", Problem: "must be one token of a subject"}
	}
	if err := checkText("Config.Source", cfg.Source, schema.MaxString); err != nil {
		return nil, err
	}
	js, err := cfg.jetStream(nc)
	return &Client{nc, js, cfg}, err
}

func (c *Config) fillIn() {
	if c.Prefix == "" {
		c.Prefix = subjects.DefaultPrefix
	}
	if c.Source == "" {
		c.Source = defaultSource
	}
	if c.Mode == "" {
		c.Mode = schema.Structured
	}
	if c.Timeout <= 0 {
		c.Timeout = defaultTimeout
	}
}

func (c Config) jetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	if c.JetStreamDomain == "" {
		return jetstream.New(nc)
	}
	return jetstream.NewWithDomain(nc, c.JetStreamDomain)
}

// patient is a context that ends some time.
func (c *Client) patient(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, limited := ctx.Deadline(); limited {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, c.cfg.Timeout)
}
