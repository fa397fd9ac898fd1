// Package canary tries the whole way now and then, where nobody may have used it
// for hours: a connector without chats and commands would find out by its next
// customer that the contact center, or NATS, does not do its part.
//
// A run asks the contact center whether each app takes chats, which changes
// nothing there, and goes round over the bus: it writes to the connector's own
// memory and reads that back, and has the stream of events judge a publication
// (bus.Echo). Nothing of it is an event, and nothing grows.
//
// One run that fails may have met a moment; two in a row are told by readiness.
// Each replica runs its own, for its way to NATS and to the contact center may
// be another one than the others'; not all at the same time.
package canary

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/health"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/retry"
)

// App is a launch point that is tried.
type App struct {
	Name string
	ID   brightpattern.AppID
}

// Needs are what the canary works with.
type Needs struct {
	Client  *brightpattern.Client
	Streams *bus.Streams
	Metrics *metrics.Health
	Log     *slog.Logger
}

// Config is what the canary depends on.
type Config struct {
	Self  string // this replica's id
	Apps  []App
	Every time.Duration // about
}

// Canary is that of one replica.
type Canary struct {
	Needs
	cfg Config

	mu       sync.Mutex
	failures map[string]failure // by what was tried
	told     bool               // by the log, that it fails; of Run alone
}

// failure is of runs in a row.
type failure struct {
	err   error
	runs  int
	since time.Time
}

// New has tried nothing yet.
func New(n Needs, cfg Config) *Canary {
	return &Canary{Needs: n, cfg: cfg, failures: make(map[string]failure)}
}

// onBus is what is tried beside the apps.
const onBus = "bus"

// Run tries again and again, until ctx ends. The first time comes somewhere in
// the first interval: replicas start together.
func (c *Canary) Run(ctx context.Context) {
	retry.Sleep(ctx, rand.N(c.cfg.Every))
	for ctx.Err() == nil {
		c.try(ctx)
		retry.Sleep(ctx, c.cfg.Every-c.cfg.Every/10+rand.N(c.cfg.Every/5+1))
	}
}

func (c *Canary) try(ctx context.Context) {
	began := time.Now()
	found := map[string]error{onBus: c.echo(ctx)}
	for _, app := range c.cfg.Apps {
		found[app.Name] = c.ask(ctx, app)
	}
	if ctx.Err() != nil {
		return // this replica leaves
	}
	c.count(found, time.Since(began))
	c.note(found, began)
	c.tell()
}

func (c *Canary) echo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	if err := c.Streams.Echo(ctx, c.cfg.Self); err != nil {
		return fmt.Errorf("the canary did not come round over NATS: %w", err)
	}
	return nil
}

// clientName is nobody's: the contact center wants one with every call.
const clientName = "cc-connector-canary"

func (c *Canary) ask(ctx context.Context, app App) error {
	ctx, cancel := context.WithCancel(ctx) // the answer's memory is given back with it
	defer cancel()
	_, err := c.Client.Availability(ctx, brightpattern.Credentials{App: app.ID, Client: clientName})
	if err != nil {
		return fmt.Errorf("the canary's question whether the app %s takes chats failed: %w", app.Name, err)
	}
	return nil
}

// count has the metrics know of a run.
func (c *Canary) count(found map[string]error, took time.Duration) {
	c.Metrics.CanarySeconds.Observe(took.Seconds())
	result := metrics.CanaryOK
	for what, err := range found {
		switch {
		case err != nil && what == onBus:
			result = metrics.CanaryBus
		case err != nil && result == metrics.CanaryOK:
			result = metrics.CanaryContactCenter
		}
	}
	if c.Metrics.CanaryRuns.WithLabelValues(result).Inc(); result == metrics.CanaryOK {
		c.Metrics.CanaryLastSuccess.SetToCurrentTime()
	}
}

func (c *Canary) note(found map[string]error, began time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, err := range found {
		f := c.failures[what]
		switch {
		case err == nil:
			delete(c.failures, what)
			continue
		case f.runs == 0:
			f.since = began
		}
		f.err, f.runs = err, f.runs+1
		c.failures[what] = f
	}
}

// tell has the log say when readiness begins to tell of it, and when it ends.
func (c *Canary) tell() {
	faults := c.Faults()
	switch {
	case len(faults) > 0 && !c.told:
		c.Log.Warn("the canary fails: the way over NATS, or to the contact center, does not work", "error", faults[0].Err)
	case len(faults) == 0 && c.told:
		c.Log.Info("the canary succeeds again")
	}
	c.told = len(faults) > 0
}

// lasting runs that fail, in a row, are told.
const lasting = 2

// Faults are what has failed twice in a row.
func (c *Canary) Faults() (all []health.Fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for what, f := range c.failures {
		if f.runs >= lasting {
			all = append(all, health.Fault{Part: health.Canary, Name: what, Err: f.err, Stays: true, Since: f.since})
		}
	}
	return all
}
