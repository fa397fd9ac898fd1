package main

import (
	"log/slog"
	"time"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

const (
	serverHold  = 15 * time.Second // about the longest that the contact center holds a poll, says the reference
	minFailover = 2 * time.Second  // below it heartbeats come too late
)

// config is what the settings mean.
type config struct {
	nats      natsConfig
	client    brightpattern.Config
	connector connector.Config
	httpAddr  string // empty: no server
	profiles  bool   // are served there
	console   consoleConfig
	log       logConfig
	tracing   tracingConfig

	corrections []correction // to be logged
	secretFiles []secretFile
}

type logConfig struct {
	level slog.Level
	json  bool
}

// readConfig reads the environment. Its error is a badSettings with all that is wrong.
func readConfig() (config, error) {
	r, err := newReader()
	if err != nil {
		return config{}, err
	}
	cfg := config{
		nats:      r.nats(),
		client:    r.client(),
		connector: r.limits(),
		httpAddr:  r.httpAddr(),
		profiles:  r.profiles(),
		console:   r.console(),
		log:       r.log(),
		tracing:   r.tracing(),
	}
	r.complete(&cfg)
	cfg.corrections, cfg.secretFiles = r.corrections, r.secretFiles()
	return cfg, r.err()
}

// complete fills in what connector and client must agree on.
func (r *reader) complete(cfg *config) {
	cfg.connector.Prefix = r.prefix()
	cfg.connector.Apps = r.apps()
	cfg.connector.APNsBundleID = r.bundleID()
	cfg.connector.SchemaBaseURL = r.schemaBaseURL()
	cfg.connector.Mode = choose(r, &r.CloudEventsMode,
		option[schema.Mode]{"structured", schema.Structured}, option[schema.Mode]{"binary", schema.Binary})
	cfg.connector.WithoutRequests = !r.boolean(&r.ResultsRequest)
	cfg.connector.JetStreamDomain = cfg.nats.domain
	cfg.connector.BaseURL = cfg.client.BaseURL
	cfg.connector.Tenant = cfg.client.TenantURL
	cfg.connector.CallTimeout = cfg.client.Timeout
	cfg.client.MaxPolls = cfg.connector.MaxChats
}

func (r *reader) limits() connector.Config {
	cfg := connector.Config{
		MaxChats:          r.number(&r.MaxChats, 1, 1_000_000),
		MaxCalls:          r.number(&r.MaxCalls, 1, 1_000_000),
		IdempotencyWindow: r.duration(&r.IdempotencyWindow),
		CommandMaxAge:     r.duration(&r.CommandMaxAge),
		EventsMaxAge:      ifGiven(r, &r.EventsMaxAge, r.duration(&r.EventsMaxAge)),
		EventsMaxBytes:    r.bytes(&r.EventsMaxBytes),
		FilesMaxAge:       ifGiven(r, &r.FilesMaxAge, r.duration(&r.FilesMaxAge)),
		FilesMaxBytes:     r.bytes(&r.FilesMaxBytes),
		FileMaxBytes:      r.fileBytes(),
		FileTimeout:       r.duration(&r.FileTimeout),
		DeadLetterMaxAge:  ifGiven(r, &r.DeadLetterMaxAge, r.duration(&r.DeadLetterMaxAge)),
		StreamMaxBytes:    r.bytes(&r.StreamMaxBytes),
		StreamReplicas:    ifGiven(r, &r.StreamReplicas, r.number(&r.StreamReplicas, 1, 5)),
		Provision:         r.boolean(&r.Provision),
		FailoverAfter:     r.duration(&r.FailoverAfter),
		DrainTimeout:      r.duration(&r.DrainTimeout),
		CanaryInterval:    r.canaryInterval(),
	}
	r.require(cfg.FailoverAfter >= minFailover, &r.FailoverAfter, "must be at least 2s")
	return cfg
}

const minCanary = 10 * time.Second // oftener it would be a load, and tell nothing more

// canaryInterval is 0 where there is to be none.
func (r *reader) canaryInterval() time.Duration {
	if r.CanaryInterval == "off" {
		return 0
	}
	every, err := time.ParseDuration(r.CanaryInterval)
	r.require(err == nil && every >= minCanary, &r.CanaryInterval, "must be off, or a duration of at least 10s, like 1m")
	return every
}

// fileBytes is the largest file: more than the contact center takes is of no use.
func (r *reader) fileBytes() int64 {
	most := r.bytes(&r.FileMaxBytes)
	r.require(most <= brightpattern.MaxFile, &r.FileMaxBytes, "must be at most 25MiB: the contact center takes no larger file")
	return most
}

func (r *reader) log() logConfig {
	return logConfig{
		level: choose(r, &r.LogLevel,
			option[slog.Level]{"info", slog.LevelInfo}, option[slog.Level]{"debug", slog.LevelDebug},
			option[slog.Level]{"warn", slog.LevelWarn}, option[slog.Level]{"error", slog.LevelError}),
		json: choose(r, &r.LogFormat, option[bool]{"json", true}, option[bool]{"text", false}),
	}
}
