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

	Files     *prometheus.CounterVec
	FileBytes prometheus.Counter

	Health *Health
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
	r := registration{to: registry}
	m := &Metrics{
		Chats:       r.gauge("cc_chats_polled", "Chats that this replica polls."),
		Most:        r.gauge("cc_chats_most", "Chats that this replica polls at most: CC_MAX_CHATS."),
		Waiting:     r.gauge("cc_chats_waiting", "Open chats that nobody polls, because no replica has a place for them. Every replica tells the same number."),
		Polls:       r.counters("cc_polls_total", "Polls by what they came to.", "outcome"),
		Events:      r.counters("cc_events_published_total", "Server events published, by how they reached the connector.", "origin"),
		Simpler:     r.counters("cc_events_simplified_total", "Server events that could not be published just as they came, by reason.", "reason"),
		Gaps:        r.counters("cc_session_gaps_total", "Times when events may have been lost, by reason.", "reason"),
		Commands:    r.counters("cc_commands_total", "Commands by name and result: ok, or the error code.", "command", "code"),
		Seconds:     r.seconds("cc_command_duration_seconds", "Time from a command's start to the end of its calls.", "command"),
		Repeats:     r.counters("cc_commands_repeated_total", "Commands that came again under their id and were not run again.", "command"),
		DeadLetters: r.counters("cc_dead_letters_total", "Durable commands that were given up.", "command"),
		Ignored:     r.counters("cc_messages_ignored_total", "Messages on command subjects that were not taken for commands, by reason.", "reason"),
		Files:       r.counters("cc_files_fetched_total", "Files that agents sent, by what came of them: ok, the error code, or given_up where the chat moved on to another replica meanwhile.", "outcome"),
		FileBytes:   r.counter("cc_files_fetched_bytes_total", "Bytes of the files that agents sent and that are kept."),
		Throttled:   r.gauge("cc_calls_spared", "Polls and histories that wait because calls to the contact center failed before."),
		Refused:     r.gauges("cc_contact_center_refused", "1 while the contact center refuses the app for its configuration.", "app"),
	}
	m.Health = newHealth(&r)
	if r.err != nil {
		return nil, r.err
	}
	return m, nil
}

// registration keeps the first error.
type registration struct {
	to  prometheus.Registerer
	err error
}

func register[C prometheus.Collector](r *registration, c C) C {
	if r.err == nil {
		r.err = r.to.Register(c)
	}
	return c
}

func (r *registration) gauge(name, help string) prometheus.Gauge {
	return register(r, prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help}))
}

func (r *registration) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	return register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels))
}

func (r *registration) counter(name, help string) prometheus.Counter {
	return register(r, prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help}))
}

func (r *registration) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return register(r, prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels))
}

func (r *registration) seconds(name, help string, labels ...string) *prometheus.HistogramVec {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30}
	return register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels))
}

func (r *registration) plainSeconds(name, help string) prometheus.Histogram {
	buckets := []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 15, 30}
	return register(r, prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}))
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
