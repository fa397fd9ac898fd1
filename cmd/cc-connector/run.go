package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
)

var errStopped = errors.New("stopped by a signal")

func runCommand(_, stderr io.Writer) error {
	cfg, err := readConfig()
	if err != nil {
		return err
	}
	log := newLogger(stderr, cfg.log)
	if unknown := unknownVariables(); len(unknown) > 0 {
		log.Warn("these variables are no settings: typing errors?", "variables", unknown)
	}
	for _, c := range cfg.corrections {
		log.Info("a setting is taken for what it must mean", "variable", c.variable, "taken", c.what)
	}
	cfg.nats.useLog(log)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	defer onSignals(log, func() { cancel(errStopped) })()
	fail := func(err error) {
		log.Error("a part broke, stopping", "error", err.Error())
		cancel(err)
	}
	return ended(runTraced(ctx, fail, cfg, log), log)
}

// ended logs the end. A start that a signal broke off ended as it should.
func ended(err error, log *slog.Logger) error {
	if err == nil || errors.Is(err, errStopped) {
		log.Info("stopped")
		return nil
	}
	log.Error("failed", "error", err.Error())
	return err
}

// runTraced is run, with what it does traced.
func runTraced(ctx context.Context, fail func(error), cfg config, log *slog.Logger) error {
	spans, err := openTraces(ctx, cfg.tracing, cfg.connector.DrainTimeout, log)
	if err != nil {
		return err
	}
	defer spans.close()
	spans.use(&cfg)
	return run(ctx, fail, cfg, log)
}

// run serves until ctx is cancelled, and returns the cause. fail cancels ctx.
func run(ctx context.Context, fail func(error), cfg config, log *slog.Logger) error {
	cfg.connector.Version = buildVersion()
	log.Info("starting", "version", cfg.connector.Version, "servers", redacted(cfg.nats.urls), "baseUrl", cfg.client.BaseURL,
		"tenant", cfg.client.TenantURL, "apps", len(cfg.connector.Apps), "prefix", cfg.connector.Prefix)
	registry, ready := newRegistry(), newReadiness("NATS is not connected yet")
	pages := new(pages)
	handler := withConsole(cfg.console.on, pages, withProfiles(cfg.profiles, opsHandler(ready, registry)))
	stopOps, err := serveOps(cfg.httpAddr, handler, log, fail)
	if err != nil {
		return err
	}
	defer stopOps()
	nc, err := connectNATS(ctx, cfg.nats, natsPatience, log, fail)
	if err != nil {
		return err
	}
	defer nc.Close()
	client, err := brightpattern.New(cfg.client)
	if err != nil {
		return fmt.Errorf("contact center client: %w", err)
	}
	defer client.Close()
	conn, err := connector.New(cfg.connector, nc, client, log, registry)
	if err != nil {
		return err
	}
	ready.use(conn.Health)
	closePages, err := pages.open(cfg, conn, registry, log)
	if err != nil {
		return err
	}
	defer closePages()
	context.AfterFunc(ctx, func() { ready.not(conn.Replica(), "shutting down") })
	go boundGarbage(ctx)
	return outcome(ctx, conn.Run(ctx))
}

// outcome is why it ended: what ctx was cancelled for, unless leaving failed by itself.
func outcome(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return context.Cause(ctx)
	}
	return err
}
