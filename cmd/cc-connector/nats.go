package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector"
)

const (
	natsPatience = time.Minute // how long a start waits for a NATS that starts beside it
	natsPause    = time.Second
	natsPing     = 10 * time.Second // a connection that died silently is noticed after the third
)

// connectNATS waits for NATS up to patience, but not for one that refuses us. lost is called if the
// connection is closed for good, which no reconnect mends.
func connectNATS(ctx context.Context, cfg natsConfig, patience time.Duration, log *slog.Logger, lost func(error)) (*nats.Conn, error) {
	cfg.useLog(log)
	where := redacted(cfg.urls)
	deadline := time.Now().Add(patience)
	for attempt := 1; ; attempt++ {
		nc, err := dialNATS(cfg, log, lost)
		switch {
		case err == nil:
			log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted())
			return nc, nil
		case refused(err):
			return nil, fmt.Errorf("NATS at %s refused the connection: %w; %s", where, err, cfg.look(err))
		case time.Now().After(deadline):
			return nil, cfg.unreachable(where, patience, err)
		case attempt == 1:
			log.Warn("waiting for NATS", "servers", where, "patience", patience.String(), "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(natsPause):
		}
	}
}

func (cfg natsConfig) unreachable(where string, patience time.Duration, err error) error {
	look := "check CC_NATS_URL and that NATS runs"
	if more := cfg.look(err); more != "" {
		look += "; " + more
	}
	return fmt.Errorf("NATS at %s cannot be reached since %v: %w; %s", where, patience, err, look)
}

// dialNATS tries every server once.
func dialNATS(cfg natsConfig, log *slog.Logger, lost func(error), more ...nats.Option) (*nats.Conn, error) {
	back := &setback{cfg: cfg, log: log}
	options := slices.Concat(cfg.options, cfg.access.options, connectionOptions(log, back, lost), more)
	nkey := &nkeyDial{nkeyUser: cfg.access.nkey}
	if cfg.access.nkey != nil {
		options = append(options, nkey.options()...)
	}
	nc, err := nats.Connect(strings.Join(cfg.urls, ","), options...)
	if err != nil {
		return nil, err
	}
	nkey.nc.Store(nc)
	back.watch(nc)
	return nc, nil
}

// dialForPages is a connection for pages alone. What they read holds up nothing of
// the connector's own, and what NATS forbids them is no matter of its readiness. It
// is there at once: where NATS does not take it, it is tried again and again.
func dialForPages(cfg natsConfig, log *slog.Logger) (*nats.Conn, error) {
	log = log.With("connection", "of the page")
	lost := func(err error) { log.Error("the page gets nothing more", "error", err.Error()) }
	return dialNATS(cfg, log, lost, nats.Name("cc-connector, the page"), nats.RetryOnFailedConnect(true))
}

func connectionOptions(log *slog.Logger, back *setback, lost func(error)) []nats.Option {
	return append(connector.NATSOptions(),
		nats.PingInterval(natsPing),
		nats.IgnoreAuthErrorAbort(), // a secret that is being rotated is refused for a while
		nats.NoCallbacksAfterClientClose(),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Warn("NATS connection lost", "error", errorText(err))
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			back.over()
			log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(logAsyncError(log, back)),
		nats.ClosedHandler(func(nc *nats.Conn) {
			lost(fmt.Errorf("NATS connection closed for good: %s", errorText(nc.LastError())))
		}),
	)
}

func logAsyncError(log *slog.Logger, back *setback) nats.ErrHandler {
	return func(_ *nats.Conn, sub *nats.Subscription, err error) {
		log := log.With("error", errorText(err))
		if sub != nil {
			log = log.With("subject", sub.Subject)
		}
		switch {
		case errors.Is(err, nats.ErrSlowConsumer):
			log.Warn("NATS messages were dropped, this process is too slow for them")
		case errors.Is(err, nats.ErrBadHeaderMsg): // anyone may send such, and they are counted
			log.Debug("a message came with headers that cannot be read")
		case errors.Is(err, nats.ErrPermissionViolation):
			log.Error("NATS error", "remedy", `look what its user may do: "cc-connector permissions" prints what it needs; and CC_NATS_INBOX_PREFIX`)
		case sub == nil && isRefusal(err):
			back.note(err)
		default:
			log.Error("NATS error")
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "none given"
	}
	return err.Error()
}

// refused tells whether a failed connect would fail again, whatever time is given.
func refused(err error) bool {
	r, known := reasonOf(err)
	return known && r.grade == final
}
