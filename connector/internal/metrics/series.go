package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Other is the label of what is none of the values that are known.
const Other = "other"

// lazily has a series made when it is first asked for.
type lazily[S any] = func() S

func counterIn(vec *prometheus.CounterVec, labels ...string) lazily[prometheus.Counter] {
	return sync.OnceValue(func() prometheus.Counter { return vec.WithLabelValues(labels...) })
}

func observerIn(vec *prometheus.HistogramVec, labels ...string) lazily[prometheus.Observer] {
	return sync.OnceValue(func() prometheus.Observer { return vec.WithLabelValues(labels...) })
}

// Counters are those of one label, of which all values are known. They are found
// without allocating anything.
type Counters struct {
	by    map[string]lazily[prometheus.Counter]
	other lazily[prometheus.Counter]
}

// countersBy are made when they first count; behind is what other labels say.
func countersBy(vec *prometheus.CounterVec, values []string, behind ...string) Counters {
	labels := func(value string) []string { return append([]string{value}, behind...) }
	c := Counters{by: make(map[string]lazily[prometheus.Counter], len(values)), other: counterIn(vec, labels(Other)...)}
	for _, value := range values {
		c.by[value] = counterIn(vec, labels(value)...)
	}
	return c
}

// fromTheStart are there at 0.
func (c Counters) fromTheStart() Counters {
	for _, made := range c.by {
		made()
	}
	return c
}

func (c Counters) of(value string) prometheus.Counter {
	if made, known := c.by[value]; known {
		return made()
	}
	return c.other()
}

// Inc counts one.
func (c Counters) Inc(value string) { c.of(value).Inc() }

// Wait is what waiting for something shows: how many wait, and how long all of
// them have waited together.
//
//	defer w.End(w.Begin())
type Wait struct {
	Waiting prometheus.Gauge
	Seconds prometheus.Counter
}

// Begin begins to wait.
func (w Wait) Begin() time.Time {
	w.Waiting.Inc()
	return time.Now()
}

// End ends it.
func (w Wait) End(began time.Time) {
	w.Waiting.Dec()
	w.Seconds.Add(time.Since(began).Seconds())
}
