package main

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/admin"
	"cc-connector/connector/console"
)

// consoleConfig is about the page on which people watch the bus.
type consoleConfig struct {
	on       bool
	loopback bool          // it is served on a loopback address
	token    func() string // that opens it; nil: none is needed
}

const tokenLeast = 16

// console refuses to show to everybody what customers write.
func (r *reader) console() consoleConfig {
	c := consoleConfig{on: r.boolean(&r.Console)}
	host, _, _ := net.SplitHostPort(r.HTTPAddr)
	c.loopback = isLoopback(host)
	if r.ConsoleFile != "" {
		from := r.source(&r.ConsoleFile)
		c.token = rotate(r, &r.ConsoleFile, func() (string, string) { return readToken(from) }).again
	}
	served := r.HTTPAddr != "off"
	r.require(!c.on || served, &r.Console, "is served on CC_HTTP_ADDR, which is off: set an address there, or leave this one out")
	r.require(!c.on || !served || c.loopback || c.token != nil, &r.ConsoleFile,
		"is missing: the page shows what customers write, and CC_HTTP_ADDR is not a loopback address; name a file with a token here, or set CC_HTTP_ADDR to 127.0.0.1:8080")
	return c
}

func readToken(from source) (token, problem string) {
	token, problem = readSecret(from)
	if problem == "" && len(token) < tokenLeast {
		problem = "names a file that holds fewer than 16 characters; make a token by: openssl rand -hex 16"
	}
	return token, problem
}

// pages are there as soon as NATS is connected.
type pages struct {
	there atomic.Pointer[console.Console]
}

func withConsole(on bool, pages *pages, others http.Handler) http.Handler {
	if !on {
		return others
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path := r.URL.Path; path+"/" != console.At && !strings.HasPrefix(path, console.At) {
			others.ServeHTTP(w, r)
			return
		}
		show := pages.there.Load()
		if show == nil {
			console.ServeWaiting(w, "NATS is not connected yet")
			return
		}
		show.ServeHTTP(w, r)
	})
}

// open lets pages in, if they are to be served. What it returns ends them.
func (p *pages) open(cfg config, conn *connector.Connector, registry *prometheus.Registry, log *slog.Logger) (end func(), err error) {
	if !cfg.console.on {
		return func() {}, nil
	}
	nc, err := dialForPages(cfg.nats, log)
	if err != nil {
		return nil, err
	}
	show, err := newConsole(cfg, nc, conn, registry)
	if err != nil {
		nc.Close()
		return nil, err
	}
	p.there.Store(show)
	return func() { show.Close(); nc.Close() }, nil
}

func newConsole(cfg config, nc *nats.Conn, conn *connector.Connector, registry *prometheus.Registry) (*console.Console, error) {
	js, err := cfg.nats.jetStream(nc)
	if err != nil {
		return nil, err
	}
	measure := console.MeasureOf(conn, registry)
	return console.New(console.Config{
		NATS: nc, JetStream: js, Prefix: cfg.connector.Prefix,
		Admin: admin.Config{
			Prefix: cfg.connector.Prefix, Tenant: cfg.connector.Tenant, BaseURL: cfg.connector.BaseURL, CallTimeout: cfg.connector.CallTimeout,
		},
		Ready: func() bool { return conn.Health().Ready }, Status: measure.Status,
		Version: cfg.connector.Version, Replica: conn.Replica(), NATSURL: redacted(cfg.nats.urls),
		Loopback: cfg.console.loopback, Token: cfg.console.token,
	})
}
