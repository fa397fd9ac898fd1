package metrics

import (
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

// Bus is how NATS does.
type Bus struct {
	PublishErrors *prometheus.CounterVec // by stream
	Stalled       prometheus.Counter     // seconds that publications waited for a stream

	nats atomic.Pointer[nats.Conn]
}

func newBus(r *registration, pressure prometheus.Counter) *Bus {
	b := &Bus{
		PublishErrors: r.counters("cc_publish_errors_total", "Tries to write to a stream, a bucket (KV_…) or the object store (OBJ_…) that failed. They are made again.", "stream"),
		Stalled:       pressure,
	}
	r.gaugeOf("cc_nats_connected", "1 while there is a connection to NATS.", b.connected)
	r.counterOf("cc_nats_reconnects_total", "Times that the connection to NATS was lost and is there again.", b.reconnects)
	return b
}

// Follow tells of a connection from now on.
func (b *Bus) Follow(nc *nats.Conn) { b.nats.Store(nc) }

func (b *Bus) connected() float64 {
	if nc := b.nats.Load(); nc != nil && nc.IsConnected() {
		return 1
	}
	return 0
}

func (b *Bus) reconnects() float64 {
	if nc := b.nats.Load(); nc != nil {
		return float64(nc.Stats().Reconnects)
	}
	return 0
}

// backpressure is for how long work has waited, by where.
type backpressure struct{ commands, publishing, contactCenter prometheus.Counter }

func newBackpressure(r *registration) backpressure {
	seconds := r.counters("cc_backpressure_seconds_total", "Seconds that work has waited, all of it together. commands: for a place to run (CC_MAX_CALLS); publishing: for a stream of events that did not take what was published; contact_center: polls and histories after failed calls.", "at")
	return backpressure{seconds.WithLabelValues("commands"), seconds.WithLabelValues("publishing"), seconds.WithLabelValues("contact_center")}
}
