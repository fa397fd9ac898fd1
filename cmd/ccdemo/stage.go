package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

const (
	tenant  = "demo.example"
	appID   = "demo"
	startup = 20 * time.Second
)

// stage is everything that the demonstration runs on. It is taken down in the
// reverse order of its building.
type stage struct {
	nats   *server.Server
	sim    string // base URL of the simulated contact center
	nc     *nats.Conn
	js     jetstream.JetStream
	prefix subjects.Prefix
	close  func()
}

func (s *stage) bus() bus {
	listen := func(ctx context.Context) (listening, error) { return s.listen(ctx, jetstream.DeliverAllPolicy) }
	return bus{commands: s.nc, listen: listen, prefix: s.prefix}
}

func build(ctx context.Context, set settings) (*stage, error) {
	s := &stage{prefix: set.prefix, close: func() {}}
	steps := []func() error{
		func() error { return s.startNATS(set.addr) },
		func() error { return s.startContactCenter(set.pace) },
		s.connect,
		func() error { return s.startConnector(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			s.close()
			return nil, err
		}
	}
	return s, nil
}

// atEnd adds to what close does, to be done before all that was added earlier.
func (s *stage) atEnd(undo func()) {
	before := s.close
	s.close = func() { undo(); before() }
}

func (s *stage) startNATS(addr string) error {
	host, port, err := s.freeAddress(addr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "ccdemo-")
	if err != nil {
		return fmt.Errorf("a folder for JetStream: %w", err)
	}
	s.atEnd(func() { _ = os.RemoveAll(dir) })
	s.nats, err = server.NewServer(&server.Options{
		ServerName: "ccdemo", Host: host, Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return fmt.Errorf("NATS server: %w", err)
	}
	s.nats.Start()
	s.atEnd(func() { s.nats.Shutdown(); s.nats.WaitForShutdown() })
	if !s.nats.ReadyForConnections(startup) {
		return errors.New("the NATS server does not start")
	}
	return nil
}

// freeAddress is addr, or another port of its host if that one is taken.
func (s *stage) freeAddress(addr string) (host string, port int, err error) {
	listener, err := net.Listen("tcp", addr)
	if err == nil {
		defer listener.Close()
		host, text, _ := net.SplitHostPort(listener.Addr().String())
		port, err = strconv.Atoi(text)
		return host, port, err
	}
	if !errors.Is(err, syscall.EADDRINUSE) {
		return "", 0, fmt.Errorf("-nats: %w", err)
	}
	host, _, err = net.SplitHostPort(addr)
	return host, server.RANDOM_PORT, err
}

func (s *stage) startContactCenter(pace float64) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("simulated contact center: %w", err)
	}
	sim := bpsim.New(bpsim.Options{Tenant: tenant, Apps: []string{appID}, Script: "support", Pace: pace})
	web := &http.Server{Handler: sim, ReadHeaderTimeout: startup}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	s.atEnd(func() { sim.Close(); _ = web.Close(); <-served })
	s.sim = "http://" + listener.Addr().String()
	return nil
}

func (s *stage) connect() (err error) {
	if s.nc, err = s.dial("ccdemo"); err != nil {
		return err
	}
	s.js, err = jetstream.New(s.nc)
	return err
}

func (s *stage) dial(name string) (*nats.Conn, error) {
	nc, err := nats.Connect(s.nats.ClientURL(), append(connector.NATSOptions(), nats.Name(name))...)
	if err != nil {
		return nil, fmt.Errorf("connecting to NATS: %w", err)
	}
	s.atEnd(nc.Close)
	return nc, nil
}

func (s *stage) startConnector(ctx context.Context) error {
	nc, err := s.dial("cc-connector")
	if err != nil {
		return err
	}
	return s.runConnector(ctx, nc)
}

func (s *stage) runConnector(ctx context.Context, nc *nats.Conn) error {
	client, err := brightpattern.New(brightpattern.Config{BaseURL: s.sim, TenantURL: tenant})
	if err != nil {
		return err
	}
	s.atEnd(client.Close)
	c, err := connector.New(connector.Config{
		Prefix: s.prefix, Tenant: tenant, BaseURL: s.sim, Apps: []connector.App{{Name: "main", ID: appID}}, Mode: schema.Structured, Provision: true,
	}, nc, client, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	s.atEnd(func() { cancel(); <-ended })
	return awaitReady(ctx, c, ended)
}

func awaitReady(ctx context.Context, c *connector.Connector, ended chan error) error {
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.Ready()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case runErr := <-ended:
			ended <- runErr // close waits for it, too
			return runErr
		case <-ctx.Done():
			return fmt.Errorf("the connector is not ready: %w", err)
		}
	}
}
