package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/console"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// connectorArgument has this program be the connector, and nothing else: so that
// killing it is what it is anywhere. It is given its job on its standard input, says
// on its standard output how it does, and leaves in order when the input ends,
// however its parent has ended.
const connectorArgument = "connector-of-the-demonstration"

// job is what the connector has to know.
type job struct {
	NATS    string
	BaseURL string
	Name    string // of the contact center, where the streams are marked with it
	Tenant  string
	App     string
	Prefix  subjects.Prefix
}

// word is what the connector says, again and again.
type word struct {
	Replica string
	Status  console.Status
}

const (
	sayEvery  = time.Second
	lookEvery = 100 * time.Millisecond // a change of readiness is said at once
)

func beConnector(in io.Reader, out, errs io.Writer) int {
	// A terminal sends these to all, and the parent says when; of a parent that was killed nobody reads.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	if err := workAsConnector(in, out); err != nil {
		fmt.Fprintln(errs, "connector:", err)
		return exitFailed
	}
	return 0
}

func workAsConnector(in io.Reader, out io.Writer) error {
	var j job
	read := json.NewDecoder(in)
	if err := read.Decode(&j); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in)
		cancel()
	}()
	nc, err := j.connect(ctx)
	if err != nil {
		return fmt.Errorf("NATS: %w", err)
	}
	defer nc.Close()
	registry := prometheus.NewRegistry()
	c, done, err := j.connector(nc, registry)
	if err != nil {
		return err
	}
	defer done()
	go say(ctx, json.NewEncoder(out), c, registry)
	return c.Run(ctx)
}

// connect waits for a server that is away for a while.
func (j job) connect(ctx context.Context) (*nats.Conn, error) {
	for {
		nc, err := nats.Connect(j.NATS, append(connector.NATSOptions(), nats.ReconnectWait(reconnectWait))...)
		if !errors.Is(err, nats.ErrNoServers) {
			return nc, err
		}
		select {
		case <-time.After(reconnectWait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// connector is made as in any program; done is for when it has ended.
func (j job) connector(nc *nats.Conn, registry *prometheus.Registry) (c *connector.Connector, done func(), err error) {
	client, err := brightpattern.New(brightpattern.Config{BaseURL: j.BaseURL, TenantURL: j.Tenant})
	if err != nil {
		return nil, nil, err
	}
	c, err = connector.New(connector.Config{
		Prefix: j.Prefix, Tenant: j.Tenant, BaseURL: j.Name, Apps: []connector.App{{Name: "main", ID: brightpattern.AppID(j.App)}},
		Mode: schema.Structured, Provision: true, FailoverAfter: failoverAfter,
	}, nc, client, slog.New(slog.DiscardHandler), registry)
	if err != nil {
		client.Close()
		return nil, nil, err
	}
	return c, client.Close, nil
}

// failoverAfter is the least: who has killed the connector does not want to wait.
const failoverAfter = 2 * time.Second

func say(ctx context.Context, to *json.Encoder, c *connector.Connector, registry *prometheus.Registry) {
	measure := console.MeasureOf(c, registry)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	var ready bool
	var said time.Time
	for ctx.Err() == nil {
		if now := c.Health().Ready; now != ready || time.Since(said) >= sayEvery {
			ready, said = now, time.Now()
			_ = to.Encode(word{c.Replica(), measure.Status(ctx)}) // nobody may be there any more
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
