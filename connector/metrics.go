package connector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/schema"
)

// metrics are what an operator watches.
type metrics struct {
	chats    prometheus.Gauge
	polls    *prometheus.CounterVec
	events   *prometheus.CounterVec
	gaps     *prometheus.CounterVec
	commands *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	spared   prometheus.Gauge
	refused  *prometheus.GaugeVec

	repeats     *prometheus.CounterVec
	deadLetters *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		chats: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cc_chats_polled", Help: "Chats that this replica polls.",
		}),
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_polls_total", Help: "Polls by what they came to.",
		}, []string{"outcome"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_events_published_total", Help: "Server events published, by how they reached the connector.",
		}, []string{"origin"}),
		gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_session_gaps_total", Help: "Times when events may have been lost, by reason.",
		}, []string{"reason"}),
		commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_commands_total", Help: "Commands by name and result: ok, or the error code.",
		}, []string{"command", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cc_command_duration_seconds", Help: "Time from a command's start to the end of its calls.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30},
		}, []string{"command"}),
		repeats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_commands_repeated_total", Help: "Commands that came again under their id and were not run again.",
		}, []string{"command"}),
		deadLetters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_dead_letters_total", Help: "Durable commands that were given up.",
		}, []string{"command"}),
		spared: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cc_calls_spared", Help: "Polls and histories that wait because calls to the contact center failed before.",
		}),
		refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cc_contact_center_refused", Help: "1 while the contact center refuses the app for its configuration.",
		}, []string{"app"}),
	}
	for _, collector := range []prometheus.Collector{m.chats, m.polls, m.events, m.gaps, m.commands, m.seconds, m.spared, m.refused, m.repeats, m.deadLetters} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) command(name string, failure *schema.Error, took time.Duration) {
	m.counted(name, failure)
	m.took(name, took)
}

func (m *metrics) counted(name string, failure *schema.Error) {
	code := "ok"
	if failure != nil {
		code = string(failure.Code)
	}
	m.commands.WithLabelValues(name, code).Inc()
}

func (m *metrics) took(name string, took time.Duration) {
	m.seconds.WithLabelValues(name).Observe(took.Seconds())
}
