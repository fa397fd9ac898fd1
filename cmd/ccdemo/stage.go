package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/subjects"
)

const (
	tenant  = "demo.example"
	appID   = "demo"
	startup = 20 * time.Second
	hold    = 2 * time.Second // of a poll: a gap is told when the one that was cut off can take nothing more

	scriptParameter = "script" // of a request for a chat: what the simulated agent does
)

// simulatorName stands for the simulator's address where the streams are marked with
// it: it is another one each time.
const simulatorName = "http://simulator.demo.example"

// stage is everything that the demonstration runs on. It is taken down in the
// reverse order of its building.
type stage struct {
	nats      *natsServer
	sim       *bpsim.Server // nil: the contact center is a real one
	job       job           // the connector's
	connector *process
	nc        *nats.Conn
	js        jetstream.JetStream
	prefix    subjects.Prefix
	page      string // its address
	close     func()
}

func (s *stage) bus() bus {
	listen := func(ctx context.Context) (listening, error) { return s.listen(ctx, jetstream.DeliverNewPolicy) }
	return bus{commands: s.nc, listen: listen, prefix: s.prefix, script: "support"}
}

func build(ctx context.Context, set settings) (*stage, error) {
	s := &stage{prefix: set.prefix, close: func() {}}
	steps := []func() error{
		func() error { return s.startNATS(set) },
		func() error { return s.joinContactCenter(set) },
		s.connect,
		func() error { return s.startConnector(ctx) },
		func() error { return s.serve(set.web) },
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

func (s *stage) startNATS(set settings) (err error) {
	if s.nats, err = startNATSServer(set.addr, set.store); err == nil {
		s.atEnd(s.nats.close)
	}
	return err
}

// joinContactCenter starts the simulated one, unless there is a real one.
func (s *stage) joinContactCenter(set settings) error {
	s.job = job{NATS: s.nats.url, Prefix: s.prefix, Tenant: tenant, App: appID, Name: simulatorName}
	if set.real != nil {
		s.job.BaseURL, s.job.Name, s.job.Tenant, s.job.App = set.real.baseURL, set.real.baseURL, set.real.tenant, set.real.app
		return nil
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("simulated contact center: %w", err)
	}
	s.sim = bpsim.New(bpsim.Options{Tenant: tenant, Apps: []string{appID}, ScriptParameter: scriptParameter, Pace: set.pace, Hold: hold})
	web := &http.Server{Handler: s.sim, ReadHeaderTimeout: startup}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	s.atEnd(func() { s.sim.Close(); _ = web.Close(); <-served })
	s.job.BaseURL = "http://" + listener.Addr().String()
	return nil
}

func (s *stage) connect() (err error) {
	if s.nc, err = nats.Connect(s.nats.url, append(connector.NATSOptions(), nats.Name("ccdemo"), nats.ReconnectWait(reconnectWait))...); err != nil {
		return fmt.Errorf("connecting to NATS: %w", err)
	}
	s.atEnd(s.nc.Close)
	s.js, err = jetstream.New(s.nc)
	return err
}

// reconnectWait is short: a server that is restarted on purpose is soon back.
const reconnectWait = 250 * time.Millisecond

func (s *stage) startConnector(ctx context.Context) (err error) {
	if s.connector, err = newProcess(s.job); err != nil {
		return err
	}
	s.atEnd(s.connector.stop)
	if err := s.connector.start(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startup)
	defer cancel()
	return s.connector.awaitReady(ctx)
}

// listenOn takes another port of the host if that one is taken.
func listenOn(addr string) (net.Listener, error) {
	listener, err := net.Listen("tcp", addr)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return listener, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", net.JoinHostPort(host, "0"))
}
