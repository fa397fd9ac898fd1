package connector

import (
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/health"
	"cc-connector/connector/internal/poller"
	"cc-connector/connector/internal/throttle"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// App is a launch point of the contact center under the name that commands select it by.
type App struct {
	Name string
	ID   brightpattern.AppID
}

// Config is what a connector needs beside its two connections. The zero
// value of a field takes the default that its comment ends with.
type Config struct {
	Prefix          subjects.Prefix // first tokens of every subject; cc
	JetStreamDomain string          // where the streams are, behind a leaf node; the server's own
	Tenant          string          // the contact center's host as CloudEvents name it; required
	BaseURL         string          // where the contact center is reached; kept with the streams, so that two tenants never share one; required
	Apps            []App           // the launch points, the first is the default one; at least one is required
	APNsBundleID    string          // appBundleId of a push.apns that names none; none

	Mode            schema.Mode // how CloudEvents are written; structured
	SchemaBaseURL   string      // beginning of every dataschema; cc-connector:/schemas
	WithoutRequests bool        // results do not carry the commands' data; false

	CallTimeout time.Duration // the longest that one call may take, the contact center's part and ours each; 15s
	MaxChats    int           // chats polled by this replica; 20000
	MaxCalls    int           // commands under way at once, and again as many waiting; 256

	FileMaxBytes int64         // the largest file that is sent or fetched, at most brightpattern.MaxFile; that
	FileTimeout  time.Duration // how long an event waits for its file; 15s

	// Limits of the streams. The zero value leaves a stream that is there as it
	// is; the default is for one that is made.
	EventsMaxAge     time.Duration // how long events, and closed chats, are kept; 168h
	EventsMaxBytes   int64         // the most that the stream of events holds; no limit
	FilesMaxAge      time.Duration // how long objects are kept; 168h
	FilesMaxBytes    int64         // the most that the store of objects holds; no limit
	DeadLetterMaxAge time.Duration // how long dead letters are kept; 720h
	StreamMaxBytes   int64         // the most that each other stream holds; no limit
	StreamReplicas   int           // JetStream replicas of every stream; 1

	IdempotencyWindow time.Duration // how long a command is remembered; 24h
	CommandMaxAge     time.Duration // how long a durable command is tried; 1h
	Provision         bool          // make the streams that are missing, and change what they lack; otherwise they must be there
	StartPatience     time.Duration // how long a start waits for a JetStream that is not ready; 30s

	FailoverAfter time.Duration // a silent replica's chats are taken over after this; 10s
	DrainTimeout  time.Duration // the longest that leaving may take; 20s

	CanaryInterval time.Duration // the whole way is tried about as often as this; not at all

	Version string // shown in the NATS micro service (SemVer); 0.0.0

	Traces trace.TracerProvider // where spans go; nowhere

	failpoints failpoint.Plan
	patience   poller.Patience // with the end of a session
	passing    health.Patience // with what passes by itself
	quiet      time.Duration   // as that of bus.Health
}

func orElse[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

func (c Config) withDefaults() Config {
	orElse(&c.Prefix, subjects.DefaultPrefix)
	orElse(&c.Mode, schema.Structured)
	orElse(&c.SchemaBaseURL, "cc-connector:/schemas")
	orElse(&c.CallTimeout, 15*time.Second)
	orElse(&c.MaxChats, 20000)
	orElse(&c.MaxCalls, 256)
	orElse(&c.IdempotencyWindow, 24*time.Hour)
	orElse(&c.CommandMaxAge, time.Hour)
	orElse(&c.FileMaxBytes, brightpattern.MaxFile)
	orElse(&c.FileTimeout, 15*time.Second)
	orElse(&c.StartPatience, 30*time.Second)
	orElse(&c.FailoverAfter, 10*time.Second)
	orElse(&c.DrainTimeout, 20*time.Second)
	orElse(&c.Version, "0.0.0")
	if c.passing == nil {
		c.passing = health.Usual
	}
	return c
}

func (c Config) validate() error {
	var problems []error
	if c.Tenant == "" {
		problems = append(problems, errors.New("connector: Config.Tenant is missing"))
	}
	if c.BaseURL == "" {
		problems = append(problems, errors.New("connector: Config.BaseURL is missing"))
	}
	if len(c.Apps) == 0 {
		problems = append(problems, errors.New("connector: Config.Apps names no launch point"))
	}
	if c.FailoverAfter < 2*time.Second {
		problems = append(problems, fmt.Errorf("connector: Config.FailoverAfter is %v: at least 2s is needed for heartbeats to arrive", c.FailoverAfter))
	}
	if c.CanaryInterval < 0 {
		problems = append(problems, errors.New("connector: Config.CanaryInterval is negative"))
	}
	if c.FileMaxBytes < 0 || c.FileMaxBytes > brightpattern.MaxFile {
		problems = append(problems, fmt.Errorf("connector: Config.FileMaxBytes must be at most %d, which is all that the contact center takes", int64(brightpattern.MaxFile)))
	}
	return errors.Join(problems...)
}

// appNames are the launch points' names by their ids.
func (c Config) appNames() throttle.AppNames {
	names := make(throttle.AppNames, len(c.Apps))
	for _, app := range c.Apps {
		names[app.ID] = app.Name
	}
	return names
}
