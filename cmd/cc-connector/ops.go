package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func newRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return registry
}

func opsHandler(ready *readiness, registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.Handle("GET /readyz", ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry, MaxRequestsInFlight: scrapesMost}))
	return withSchemas(mux)
}

// What anybody who reaches the address can have this process spend.
const (
	connectionsMost = 256
	scrapesMost     = 4 // at once
	headerMost      = 16 << 10
)

// bounded are the connections of a server, of which the one too many is closed at once.
type bounded struct{ open atomic.Int64 }

func (b *bounded) note(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if b.open.Add(1) > connectionsMost {
			_ = c.Close() // which the server finds out, and tells
		}
	case http.StateClosed, http.StateHijacked:
		b.open.Add(-1)
	}
}

// serveOps serves until the returned function is called, which waits for the answers under way.
// failed is called if serving breaks before that.
func serveOps(addr string, handler http.Handler, log *slog.Logger, failed func(error)) (stop func(), err error) {
	if addr == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("CC_HTTP_ADDR: %w", err)
	}
	var connections bounded
	server := &http.Server{
		Handler:           handler,
		ConnState:         connections.note,
		MaxHeaderBytes:    headerMost,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       15 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("HTTP server on CC_HTTP_ADDR: %w", err))
		}
	}()
	log.Info("serving HTTP", "address", listener.Addr().String())
	return func() { stopServer(server); <-done }, nil
}

func stopServer(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if server.Shutdown(ctx) != nil {
		_ = server.Close()
	}
}
