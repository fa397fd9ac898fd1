package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"cc-connector/connector/admin"
	"cc-connector/connector/console"
	"cc-connector/schema"
)

const callMost = 15 * time.Second // of the connector

// serve serves the page, on which everything can be done.
func (s *stage) serve(addr string) error {
	w := newWeather(s)
	bench := &console.Workbench{Weather: w}
	if s.sim != nil {
		bench.Agent = &agent{sim: s.sim}
	}
	show, err := console.New(console.Config{
		NATS: s.nc, JetStream: s.js, Prefix: s.prefix,
		Admin: admin.Config{Prefix: s.prefix, Tenant: s.job.Tenant, BaseURL: s.job.Name, CallTimeout: callMost},
		Ready: s.connector.ready, Status: w.status,
		Version: version(), Replica: "ccdemo-" + uuid.NewString(), NATSURL: s.nats.url, Loopback: true, Workbench: bench,
	})
	if err != nil {
		return err
	}
	listener, err := listenOn(addr)
	if err != nil {
		return fmt.Errorf("-http: %w", err)
	}
	web := &http.Server{Handler: aside(show), ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- web.Serve(listener) }()
	s.atEnd(func() {
		w.end()
		show.Close()
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if web.Shutdown(ctx) != nil {
			_ = web.Close()
		}
		<-served
	})
	s.page = "http://" + listener.Addr().String() + console.At
	return nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

const schemasAt = "/schemas/"

// aside serves what lies beside the page: the schemas, as a connector does.
func aside(show http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch name, isSchema := strings.CutPrefix(r.URL.Path, schemasAt); {
		case isSchema:
			serveSchema(w, name)
		case r.URL.Path == "/":
			http.Redirect(w, r, console.At, http.StatusFound)
		default:
			show.ServeHTTP(w, r)
		}
	})
}

func serveSchema(w http.ResponseWriter, name string) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	d, known := schema.FindDocument(name)
	if !known {
		http.Error(w, "there is no such document", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/schema+json")
	_, _ = w.Write(d.Content)
}
