// Package metrics is what an operator watches, in one table.
package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/schema"
)

// Metrics are the connector's. They may be used from any goroutine.
type Metrics struct {
	Chats     prometheus.Gauge
	Most      prometheus.Gauge
	Waiting   prometheus.Gauge
	Polls     *prometheus.CounterVec
	Events    *prometheus.CounterVec
	Simpler   *prometheus.CounterVec
	Gaps      *prometheus.CounterVec
	Commands  *prometheus.CounterVec
	Seconds   *prometheus.HistogramVec
	Throttled prometheus.Gauge
	Refused   *prometheus.GaugeVec

	Repeats     *prometheus.CounterVec
	DeadLetters *prometheus.CounterVec
	Ignored     *prometheus.CounterVec
}

// Why a message on a command subject is not taken for a command: the reasons of Ignored.
const (
	IgnoredUnreadable = "unreadable"     // not to be read as a NATS message
	IgnoredStatus     = "status_header"  // carries the server's own control header
	IgnoredOwn        = "own_cloudevent" // the connector's own CloudEvent, come back
	IgnoredSubject    = "no_command"     // on a subject that is no command's
	IgnoredReply      = "reply_subject"  // wants its reply where the sender could not publish
)

// Why an event is not published just as it came: the reasons of Simpler.
const (
	SimplerNested = "nested" // deeper than a message may be: raw is its text
	SimplerUnfit  = "unfit"  // no message can hold it: it is an unknown event that says why
)

// New registers them all.
func New(registry prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		Chats: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cc_chats_polled", Help: "Chats that this replica polls.",
		}),
		Most: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cc_chats_most", Help: "Chats that this replica polls at most: CC_MAX_CHATS.",
		}),
		Waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cc_chats_waiting", Help: "Open chats that nobody polls, because no replica has a place for them. Every replica tells the same number.",
		}),
		Polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_polls_total", Help: "Polls by what they came to.",
		}, []string{"outcome"}),
		Events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_events_published_total", Help: "Server events published, by how they reached the connector.",
		}, []string{"origin"}),
		Simpler: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_events_simplified_total", Help: "Server events that could not be published just as they came, by reason.",
		}, []string{"reason"}),
		Gaps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_session_gaps_total", Help: "Times when events may have been lost, by reason.",
		}, []string{"reason"}),
		Commands: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_commands_total", Help: "Commands by name and result: ok, or the error code.",
		}, []string{"command", "code"}),
		Seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "cc_command_duration_seconds", Help: "Time from a command's start to the end of its calls.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30},
		}, []string{"command"}),
		Repeats: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_commands_repeated_total", Help: "Commands that came again under their id and were not run again.",
		}, []string{"command"}),
		DeadLetters: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_dead_letters_total", Help: "Durable commands that were given up.",
		}, []string{"command"}),
		Ignored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cc_messages_ignored_total", Help: "Messages on command subjects that were not taken for commands, by reason.",
		}, []string{"reason"}),
		Throttled: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "cc_calls_spared", Help: "Polls and histories that wait because calls to the contact center failed before.",
		}),
		Refused: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "cc_contact_center_refused", Help: "1 while the contact center refuses the app for its configuration.",
		}, []string{"app"}),
	}
	for _, collector := range []prometheus.Collector{m.Chats, m.Most, m.Waiting, m.Polls, m.Events, m.Simpler, m.Gaps, m.Commands, m.Seconds, m.Throttled, m.Refused, m.Repeats, m.DeadLetters, m.Ignored} {
		if err := registry.Register(collector); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Command notes a command that was run or refused, and how long it took.
func (m *Metrics) Command(name string, failure *schema.Error, took time.Duration) {
	m.Counted(name, failure)
	m.Took(name, took)
}

// Counted notes what a command came to.
func (m *Metrics) Counted(name string, failure *schema.Error) {
	code := "ok"
	if failure != nil {
		code = string(failure.Code)
	}
	m.Commands.WithLabelValues(name, code).Inc()
}

// Took notes how long a command, or one try of it, took.
func (m *Metrics) Took(name string, took time.Duration) {
	m.Seconds.WithLabelValues(name).Observe(took.Seconds())
}
