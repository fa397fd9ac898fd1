package throttle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/health"
	"cc-connector/connector/internal/retry"
)

// # A contact center that is away
//
// A call that fails, and may succeed later, says little: of thousands some always
// fail. When all calls of an app have failed for some seconds, and there were
// several, nobody who waits on the bus is served: that is an outage. It is over
// by the first answer that is the contact center's, whatever that says.
//
// What failed last is known for a while only. Where nobody calls any more, for
// there are no chats and no commands, nothing is known of now.

const (
	outageCalls  = 3               // that fail in a row, at least
	outageMemory = 2 * time.Minute // more than the longest pause between a failing chat's polls
)

// AppNames are those of the launch points that are configured.
type AppNames map[brightpattern.AppID]string

// of an app that open chats still have, though it is no longer configured, is a common one.
func (n AppNames) of(app brightpattern.AppID) string {
	if name, configured := n[app]; configured {
		return name
	}
	return "(not configured)"
}

// Outages are those of each app. They may be used from any goroutine.
type Outages struct {
	names AppNames
	any   atomic.Bool // so that nothing is locked while all is well

	mu   sync.Mutex
	apps map[brightpattern.AppID]outage
}

// outage is of calls that failed in a row.
type outage struct {
	calls       int
	since, last time.Time
	until       time.Time // it says something about now
	err         error
}

// NewOutages knows of none.
func NewOutages(names AppNames) *Outages {
	return &Outages{names: names, apps: make(map[brightpattern.AppID]outage)}
}

// Heard learns from the answer to any call: it is a brightpattern.Observer.
func (o *Outages) Heard(_ context.Context, call brightpattern.Observation) {
	o.heard(call.Credentials.App, call.Err, time.Now)
}

func (o *Outages) heard(app brightpattern.AppID, err error, now func() time.Time) {
	switch {
	case IsBackOff(err):
		o.failed(app, err, now())
	case isAnswer(err) && o.any.Load():
		o.answered(app)
	}
}

// isAnswer tells what came from the contact center: good answers, and refusals.
func isAnswer(err error) bool {
	var wire *brightpattern.Error
	return err == nil || errors.As(err, &wire) && wire.Reason == brightpattern.ReasonRefused
}

func (o *Outages) failed(app brightpattern.AppID, err error, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := o.apps[app]
	if found.calls == 0 || now.After(found.until) {
		found = outage{since: now}
	}
	found.calls++
	found.last, found.err = now, err
	found.until = now.Add(outageMemory + min(brightpattern.RetryAfter(err), retry.LongestRetryAfter))
	o.apps[app] = found
	o.any.Store(true)
}

func (o *Outages) answered(app brightpattern.AppID) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.apps, app)
	o.any.Store(len(o.apps) > 0)
}

// Faults are the apps of which no call succeeds.
func (o *Outages) Faults() []health.Fault { return o.faults(time.Now()) }

func (o *Outages) faults(now time.Time) (all []health.Fault) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for app, found := range o.apps {
		if found.calls < outageCalls || now.After(found.until) {
			continue
		}
		name := o.names.of(app)
		all = append(all, health.Fault{
			Part: health.ContactCenter, Name: name, Since: found.since, Last: found.last,
			Err: fmt.Errorf("no call to the contact center for the app %s succeeds: look whether it, and what stands before it, is up and reachable: %w", name, found.err),
		})
	}
	return all
}
