package metrics

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Health are the metrics of what does not work.
type Health struct {
	Ready   prometheus.Gauge
	Problem *prometheus.GaugeVec

	OldestDue prometheus.Gauge
	Stalled   prometheus.Gauge

	CanaryRuns        *prometheus.CounterVec
	CanarySeconds     prometheus.Histogram
	CanaryLastSuccess prometheus.Gauge
}

// What a run of the canary comes to: the results of CanaryRuns.
const (
	CanaryOK            = "ok"
	CanaryContactCenter = "contact_center" // an app's call failed
	CanaryBus           = "bus"            // what was published could not be read back; a call may have failed, too
)

func newHealth(r *registration) *Health {
	h := &Health{
		Ready:             r.gauge("cc_ready", "1 while this replica is ready, as /readyz says."),
		Problem:           r.gauges("cc_problem", "1 for each thing that does not work, as long as that lasts. /readyz and the log say more.", "part", "name"),
		OldestDue:         r.gauge("cc_poll_oldest_due_seconds", "For how long the chat that has waited longest has been due for the next step towards its next poll."),
		Stalled:           r.gauge("cc_polls_stalled", "Chats that are due and have not been polled for three times CC_POLL_TIMEOUT and CC_HTTP_TIMEOUT once, by a fault of this process."),
		CanaryRuns:        r.counters("cc_canary_runs_total", "Runs of the canary, by what they came to.", "result"),
		CanarySeconds:     r.seconds("cc_canary_duration_seconds", "Time that a run of the canary took.", callBuckets),
		CanaryLastSuccess: r.gauge("cc_canary_last_success_timestamp_seconds", "When the canary succeeded last; 0 if it has not."),
	}
	for _, result := range []string{CanaryOK, CanaryContactCenter, CanaryBus} {
		h.CanaryRuns.WithLabelValues(result)
	}
	return h
}
