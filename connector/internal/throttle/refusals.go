package throttle

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/retry"
)

// # Refusals for the configuration
//
// Some answers say that an app's settings are wrong: here, or in the contact
// center. No back-off mends that, so nobody is to find it out from an
// ever-failing poll: it is an error in the log, a metric and a reason not to
// be ready, with the settings to look at. Every call's answer is looked at,
// and the next one that is no such refusal ends it. Without a code it may be a
// firewall that speaks, and of one call only: then no more than a refused read,
// or an address that has moved, counts. Meanwhile each chat of the
// app is polled rarely, and at once when the refusal has ended. A chat that is
// refused while others of its app are not is polled more and more rarely.

// remedies say what an operator is to look at. They are all the errors that
// speak of the configuration.
var remedies = map[brightpattern.Code]string{
	brightpattern.CodeBadTenantURL:              "check CC_TENANT_URL, and that CC_BASE_URL leads to this tenant's contact center",
	brightpattern.CodeNoAuthHeader:              "check CC_BASE_URL, and that no proxy on the way takes the Authorization header away",
	brightpattern.CodeAuthHeaderWrongFormat:     "check CC_APP_ID or CC_APPS, CC_BASE_URL, and that no proxy on the way changes the Authorization header",
	brightpattern.CodeAuthHeaderBadScheme:       "check CC_BASE_URL, and that no proxy on the way changes the Authorization header",
	brightpattern.CodeAuthHeaderMissingAppID:    "check CC_APP_ID or CC_APPS, and that no proxy on the way changes the Authorization header",
	brightpattern.CodeAuthHeaderMissingClientID: "check that no proxy on the way changes the Authorization header, and the clientId of the commands",
	brightpattern.CodeAuthHeaderBadAppID:        "check CC_APP_ID or CC_APPS, and CC_TENANT_URL: the contact center knows no such app id",
	brightpattern.CodeEntryNotFound:             "check CC_APP_ID or CC_APPS, and that the launch point is there and enabled in the contact center",
}

const redirectRemedy = "check CC_BASE_URL, and what stands before the contact center: redirects are not followed, for they would take the credentials elsewhere"

const accessRemedy = "check CC_BASE_URL, CC_TENANT_URL, CC_APP_ID or CC_APPS, and what the contact center, or a proxy on the way, allows this host"

// IsMisconfigured tells whether an error speaks of the configuration, and asking
// again does not mend that. Where a redirect leads may change any time.
func IsMisconfigured(err error) bool {
	_, refused := refusalIn(err)
	var wire *brightpattern.Error
	return refused && errors.As(err, &wire) && !wire.IsRedirect()
}

// refusal is why the contact center refuses an app. Its words are safe to show.
type refusal struct{ says, remedy string }

func refusalIn(err error) (refusal, bool) {
	var wire *brightpattern.Error
	if !errors.As(err, &wire) || wire.Reason != brightpattern.ReasonRefused {
		return refusal{}, false
	}
	if remedy, found := remedies[wire.Code]; found {
		return refusal{fmt.Sprintf("%s (%s)", wire.Code.Name(), wire.Code), remedy}, true
	}
	return uncoded(wire)
}

// uncoded is a refusal that something before the contact center may have made:
// a firewall refuses one call for what it says, and a read says nothing, but a
// file may be refused for what is in it, or lie elsewhere. An address that has
// moved has moved for every call.
func uncoded(wire *brightpattern.Error) (refusal, bool) {
	says := fmt.Sprintf("HTTP status %d", wire.Status)
	switch {
	case wire.IsOfContent():
		return refusal{}, false
	case wire.IsRedirect() && (wire.IsRead || wire.IsMoved()):
		return refusal{says + ", a redirect to " + cmp.Or(wire.Target, "what is no address"), redirectRemedy}, true
	case wire.Code.Name() == "" && wire.IsRead && (wire.Status == http.StatusUnauthorized || wire.Status == http.StatusForbidden):
		return refusal{says, accessRemedy}, true
	}
	return refusal{}, false
}

// isAccepted tells the answers that the contact center gives only to an app
// that it knows: good ones, and refusals of the call for its own sake.
func isAccepted(method string, err error) bool {
	var wire *brightpattern.Error
	if err == nil {
		return method != "getVersion" // which is the same for every app
	}
	return errors.As(err, &wire) && wire.Reason == brightpattern.ReasonRefused && wire.Code.Name() != "" && !brightpattern.IsTransient(err) || brightpattern.IsContended(err)
}

// Refusals are those that stand at the moment. They may be used from any goroutine.
type Refusals struct {
	names map[brightpattern.AppID]string
	gauge *prometheus.GaugeVec
	log   *slog.Logger

	mu       sync.RWMutex
	standing map[brightpattern.AppID]*standing
}

type standing struct {
	refusal
	said refusal       // by the log
	told time.Time     // when it has said so
	over chan struct{} // closed when the app is accepted again
}

// NewRefusals knows the configured apps by the names that operators know; the
// gauge is 1 for those that are refused.
func NewRefusals(names map[brightpattern.AppID]string, gauge *prometheus.GaugeVec, log *slog.Logger) *Refusals {
	r := &Refusals{names: names, gauge: gauge, log: log, standing: make(map[brightpattern.AppID]*standing)}
	for _, name := range names {
		gauge.WithLabelValues(name).Set(0)
	}
	return r
}

// nameOf an app that open chats still have, though it is no longer configured, is a common one.
func (r *Refusals) nameOf(app brightpattern.AppID) string {
	if name, configured := r.names[app]; configured {
		return name
	}
	return "(not configured)"
}

// Heard learns from the answer to any call: it is a brightpattern.Observer.
func (r *Refusals) Heard(_ context.Context, call brightpattern.Observation) {
	cred := call.Credentials
	if refused, is := refusalIn(call.Err); is {
		if !cred.Claimed {
			r.refuse(cred.App, refused)
		}
	} else if isAccepted(call.Method, call.Err) {
		r.accept(cred.App)
	}
}

// toldEvery so long the log says that an app is refused in yet other words.
const toldEvery = time.Minute

func (r *Refusals) refuse(app brightpattern.AppID, why refusal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.standing[app]
	if s == nil {
		s = &standing{over: make(chan struct{})}
		r.standing[app] = s
		r.gauge.WithLabelValues(r.nameOf(app)).Set(1)
	}
	s.refusal = why
	if why == s.said || why.remedy == s.said.remedy && time.Since(s.told) < toldEvery { // a target may always be another one
		return
	}
	s.said, s.told = why, time.Now()
	r.log.Error("the contact center refuses the app: its configuration is wrong", "app", r.nameOf(app), "refusal", why.says, "remedy", why.remedy)
}

func (r *Refusals) accept(app brightpattern.AppID) {
	r.mu.RLock()
	none := len(r.standing) == 0
	r.mu.RUnlock()
	if none {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if was := r.standing[app]; was != nil {
		delete(r.standing, app)
		close(was.over)
		r.gauge.WithLabelValues(r.nameOf(app)).Set(0)
		r.log.Info("the contact center accepts the app again", "app", r.nameOf(app))
	}
}

// Check is an error while any app is refused.
func (r *Refusals) Check() error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []string
	for app, s := range r.standing {
		all = append(all, fmt.Sprintf("the contact center refuses the app %s: %s: %s", r.nameOf(app), s.says, s.remedy))
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return errors.New(strings.Join(all, "; "))
}

// Wait returns when the app is not refused, when ctx ends, or after some
// minutes: somebody has to ask again.
func (r *Refusals) Wait(ctx context.Context, app brightpattern.AppID) {
	r.mu.RLock()
	s := r.standing[app]
	r.mu.RUnlock()
	if s == nil {
		return
	}
	timer := time.NewTimer(retry.LongestRetryAfter/2 + rand.N(retry.LongestRetryAfter/2))
	defer timer.Stop()
	select {
	case <-s.over:
	case <-timer.C:
	case <-ctx.Done():
	}
}
