package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/schema"
)

// Why an event is not published just as it came: the reasons of Simplified.
const (
	SimplerNested = "nested" // deeper than a message may be: raw is its text
	SimplerUnfit  = "unfit"  // no message can hold it: it is an unknown event that says why
)

// Events are the contact center's, on their way to the stream.
type Events struct {
	Simplified Counters // by reason

	byOrigin map[string]origin
	took     prometheus.Observer
}

// origin is one of the ways in which events reach the connector.
type origin struct {
	published Counters // by name
	delay     prometheus.Observer
}

var (
	// The contact center's own times are whole seconds; what a history gives back
	// may be old.
	delayBuckets = []float64{.25, .5, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 1800, 7200}
	// A publication takes a millisecond or some, and waits for a file, or a stream
	// that is away, for long.
	publishBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60}
)

func newEvents(r *registration) *Events {
	published := r.counters("cc_events_published_total", "Events of the contact center that are stored, by name (unknown: none of the known ones) and by how they reached the connector: poll, send (in the answer to a call) or history.", "event", "origin")
	delay := r.secondsBy("cc_event_delay_seconds", "Time from an event's own time, by the contact center's clock, until it was stored.", delayBuckets, "origin")
	e := &Events{
		took: r.seconds("cc_event_publish_duration_seconds", "Time from when an event was read until it was stored.", publishBuckets),
		Simplified: countersBy(r.counters("cc_events_simplified_total", "Events that could not be published just as they came, by reason.", "reason"),
			[]string{SimplerNested, SimplerUnfit}).fromTheStart(),
		byOrigin: make(map[string]origin),
	}
	for _, name := range []string{schema.OriginPoll, schema.OriginSend, schema.OriginHistory} {
		e.byOrigin[name] = origin{eventsFrom(published, name), delay.WithLabelValues(name)}
	}
	return e
}

const unknownEvent = "unknown"

func eventsFrom(published *prometheus.CounterVec, origin string) Counters {
	names := make([]string, 0, len(schema.Events)+1)
	for i := range schema.Events {
		names = append(names, schema.Events[i].Name)
	}
	c := countersBy(published, names, origin)
	c.other = counterIn(published, unknownEvent, origin)
	return c
}

// Published notes an event that is stored now, and was read then. Happened is its
// own time, if it has one.
func (e *Events) Published(name, from string, happened, read time.Time) {
	o, known := e.byOrigin[from]
	if !known {
		return
	}
	o.published.Inc(name)
	now := time.Now()
	e.took.Observe(now.Sub(read).Seconds())
	if !happened.IsZero() {
		o.delay.Observe(max(0, now.Sub(happened).Seconds())) // two clocks may differ
	}
}
