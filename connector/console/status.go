package console

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"cc-connector/schema"
)

// Status is how the connector does.
type Status struct {
	Replica  string               `json:"replica"` // whose figures these are
	Ready    bool                 `json:"ready"`
	Problems schema.List[Problem] `json:"problems"`

	OpenChats         float64              `json:"openChats"`
	EventsPerSecond   float64              `json:"eventsPerSecond"`
	OldestPollSeconds float64              `json:"oldestPollSeconds"`
	Recovered         float64              `json:"recovered"`
	Gaps              float64              `json:"gaps"`
	Commands          Outcomes             `json:"commands"`
	Replicas          schema.List[Replica] `json:"replicas"`
	DeadLetters       float64              `json:"deadLetters"`
	Weather           map[string]any       `json:"weather,omitempty"` // of a workbench: what goes wrong now
}

// Problem is why it is not ready.
type Problem struct {
	Part    string    `json:"part"`
	Name    string    `json:"name"`
	Message string    `json:"message"`
	Since   time.Time `json:"since"`
}

// Outcomes are what commands came to.
type Outcomes struct {
	OK      float64 `json:"ok"`
	NotDone float64 `json:"not_done"`
	Unknown float64 `json:"unknown"`
}

// Replica is one that is alive.
type Replica struct {
	ID    string `json:"id"`
	Chats int    `json:"chats"`
	Self  bool   `json:"self"`
}

// Health says whether the connector is ready, and if not, why. It is asked often.
type Health func() (ready bool, problems []Problem)

// Measure takes a Status from the metrics of a connector in this process.
type Measure struct {
	Gatherer prometheus.Gatherer
	Health   Health
	Replicas func(context.Context) ([]Replica, error)

	mu       sync.Mutex
	events   float64 // at the time at
	at       time.Time
	rate     float64
	replicas []Replica
	asked    time.Time
}

const (
	rateEvery     = 900 * time.Millisecond // of two pages that ask, both see a rate over a while
	replicasEvery = 3 * time.Second
	replicasTake  = time.Second
)

// Status is taken now.
func (m *Measure) Status(ctx context.Context) Status {
	var s Status
	ready, problems := m.Health()
	s.Ready, s.Problems = ready, problems
	families, _ := m.Gatherer.Gather() // what there is of it
	by := make(map[string][]*dto.Metric, len(families))
	for _, family := range families {
		by[family.GetName()] = family.GetMetric()
	}
	s.OpenChats = sum(by["cc_chats_open"])
	s.OldestPollSeconds = sum(by["cc_poll_oldest_due_seconds"])
	s.Recovered = sum(by["cc_sessions_recovered_total"])
	s.Gaps = sum(by["cc_session_gaps_total"])
	s.DeadLetters = sum(by["cc_dead_letters_stored"])
	s.Commands = outcomes(by["cc_commands_total"])
	s.EventsPerSecond, s.Replicas = m.lately(ctx, sum(by["cc_events_published_total"]))
	return s
}

// lately is what more than one look is needed for, or a look that costs more.
func (m *Measure) lately(ctx context.Context, events float64) (rate float64, replicas []Replica) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if passed := now.Sub(m.at); passed >= rateEvery {
		if m.rate = 0; !m.at.IsZero() {
			m.rate = (events - m.events) / passed.Seconds()
		}
		m.events, m.at = events, now
	}
	if m.Replicas != nil && now.Sub(m.asked) >= replicasEvery {
		ctx, cancel := context.WithTimeout(ctx, replicasTake)
		defer cancel()
		if found, err := m.Replicas(ctx); err == nil {
			m.replicas = found
		}
		m.asked = now
	}
	return m.rate, m.replicas
}

func sum(metrics []*dto.Metric) (total float64) {
	for _, m := range metrics {
		total += m.GetCounter().GetValue() + m.GetGauge().GetValue()
	}
	return total
}

func outcomes(metrics []*dto.Metric) (o Outcomes) {
	into := map[string]*float64{"ok": &o.OK, string(schema.OutcomeNotDone): &o.NotDone, string(schema.OutcomeUnknown): &o.Unknown}
	for _, m := range metrics {
		for _, label := range m.GetLabel() {
			if total := into[label.GetValue()]; label.GetName() == "outcome" && total != nil {
				*total += m.GetCounter().GetValue()
			}
		}
	}
	return o
}
