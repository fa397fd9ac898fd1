package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// readiness says why there is no service, or nil. What it asks changes while the process starts and leaves.
type readiness struct {
	ask atomic.Pointer[func() error]
}

func newReadiness(reason string) *readiness {
	r := new(readiness)
	r.not(reason)
	return r
}

func (r *readiness) use(ask func() error) { r.ask.Store(&ask) }

func (r *readiness) not(reason string) {
	r.use(func() error { return errors.New(reason) })
}

func (r *readiness) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if err := (*r.ask.Load())(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	alive(w, nil)
}

func alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, "ok\n")
}

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
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}))
	return mux
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
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       time.Minute,
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
