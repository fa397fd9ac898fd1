package metrics

import (
	"context"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
)

// ContactCenter is what the contact center answers, and what it is spared.
type ContactCenter struct {
	Refused   *prometheus.GaugeVec // 1 for an app that is refused for its configuration
	Throttled Wait                 // for the budget of calls that follow a failure

	requests    *prometheus.CounterVec
	took        *prometheus.HistogramVec
	rateLimited prometheus.Counter

	mu sync.RWMutex
	by map[string]method
}

// method is one of the protocol's.
type method struct {
	ok   lazily[prometheus.Counter]
	took lazily[prometheus.Observer]
}

// A call is answered in some tens of milliseconds, or ends by CC_HTTP_TIMEOUT.
var callBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30, 60}

func newContactCenter(r *registration, pressure prometheus.Counter) *ContactCenter {
	return &ContactCenter{
		requests:    r.counters("cc_contact_center_requests_total", "Calls to the contact center by the protocol's method, polls among them, and by what they came to: ok, the error code, or how they failed without one.", "method", "code"),
		took:        r.secondsBy("cc_contact_center_request_duration_seconds", "Time that calls to the contact center took, of files and photos until they began to come. Polls, which the contact center holds, are not among them.", callBuckets, "method"),
		rateLimited: r.counter("cc_contact_center_rate_limited_total", "Calls that were answered with status 429, but for a second poll of one chat: the contact center asks for fewer."),
		Refused:     r.gauges("cc_contact_center_refused", "1 while the contact center refuses the app for its configuration.", "app"),
		Throttled:   Wait{r.gauge("cc_calls_throttled", "Polls and histories that wait because calls to the contact center failed before."), pressure},
		by:          make(map[string]method),
	}
}

// Heard counts a call: it is a brightpattern.Observer.
func (c *ContactCenter) Heard(_ context.Context, call brightpattern.Observation) {
	m := c.of(call.Method)
	if !call.IsPoll {
		m.took().Observe(call.Took.Seconds())
	}
	if call.Err == nil {
		m.ok().Inc()
		return
	}
	c.requests.WithLabelValues(call.Method, brightpattern.Kind(call.Err)).Inc()
	if brightpattern.Status(call.Err) == http.StatusTooManyRequests && !brightpattern.IsContended(call.Err) {
		c.rateLimited.Inc()
	}
}

// of finds a method, whose name is one of the client's own.
func (c *ContactCenter) of(name string) method {
	c.mu.RLock()
	found, known := c.by[name]
	c.mu.RUnlock()
	if known {
		return found
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if found, known = c.by[name]; !known {
		found = method{counterIn(c.requests, name, succeeded), observerIn(c.took, name)}
		c.by[name] = found
	}
	return found
}
