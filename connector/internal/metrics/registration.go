package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Family is what there is to say of a metric.
type Family struct {
	Name   string
	Type   string
	Labels []string
	Help   string
}

// registration registers metrics, and keeps the first error. One without a
// registry makes metrics that nobody sees.
type registration struct {
	to       prometheus.Registerer
	families []Family
	err      error
}

func register[C prometheus.Collector](r *registration, c C, f Family) C {
	r.families = append(r.families, f)
	if r.err == nil && r.to != nil {
		r.err = r.to.Register(c)
	}
	return c
}

func (r *registration) gauge(name, help string) prometheus.Gauge {
	return register(r, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help}), Family{name, "gauge", nil, help})
}

func (r *registration) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels), Family{name, "gauge", labels, help})
}

// gaugeOf and counterOf ask for the value when somebody looks.
func (r *registration) gaugeOf(name, help string, value func() float64) {
	register(r, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value), Family{name, "gauge", nil, help})
}

func (r *registration) counterOf(name, help string, value func() float64) {
	register(r, prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value), Family{name, "counter", nil, help})
}

func (r *registration) counter(name, help string) prometheus.Counter {
	return register(r, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}), Family{name, "counter", nil, help})
}

func (r *registration) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return register(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels), Family{name, "counter", labels, help})
}

// seconds is how long something takes; the buckets are in seconds.
func (r *registration) seconds(name, help string, buckets []float64) prometheus.Histogram {
	return register(r, prometheus.NewHistogram(timed(name, help, buckets)), Family{name, "histogram", nil, help})
}

func (r *registration) secondsBy(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return register(r, prometheus.NewHistogramVec(timed(name, help, buckets), labels), Family{name, "histogram", labels, help})
}

// A Prometheus that takes native histograms gets those: buckets that are 10% wider
// from one to the next, wherever the values are. The limit bounds the memory of
// each; one that comes to it begins anew, but no more than once an hour.
const (
	nativeFactor  = 1.1
	nativeBuckets = 160
	nativeReset   = time.Hour
)

func timed(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets, NativeHistogramBucketFactor: nativeFactor,
		NativeHistogramMaxBucketNumber: nativeBuckets, NativeHistogramMinResetDuration: nativeReset,
	}
}
