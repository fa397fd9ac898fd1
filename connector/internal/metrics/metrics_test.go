package metrics

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/allocs"
	"cc-connector/schema"
)

func BenchmarkAllocs(b *testing.B) { allocs.Bench(b, counting()) }

// What every command and every event is counted by makes no garbage.
func TestAllocs(t *testing.T) { allocs.Check(t, counting()) }

func counting() []allocs.Operation {
	m, now := Unregistered(), time.Now()
	call := brightpattern.Observation{Method: "sendEvents", Took: 20 * time.Millisecond}
	polled := brightpattern.Observation{Method: "pollEvents", IsPoll: true, Took: 15 * time.Second}
	return []allocs.Operation{
		{Name: "a live command", Run: func() { m.Commands.Live.Done("chat.send", nil, 20*time.Millisecond) }},
		{Name: "a durable command", Run: func() { m.Commands.Durable.Done("chat.send", nil, 20*time.Second) }},
		{Name: "a command that fails", Most: 1, Run: func() { m.Commands.Live.Settled("chat.send", &notDone) }},
		{Name: "a repeat", Run: func() { m.Commands.Live.Repeated("chat.send") }},
		{Name: "an event", Run: func() { m.Events.Published("message", schema.OriginPoll, now, now) }},
		{Name: "an event of no known name", Run: func() { m.Events.Published("x_future", schema.OriginSend, now, now) }},
		{Name: "a call", Run: func() { m.ContactCenter.Heard(context.Background(), call) }},
		{Name: "a poll", Run: func() { m.ContactCenter.Heard(context.Background(), polled); m.Chats.Polled("ok") }},
		{Name: "a wait", Run: func() { m.Commands.Live.Places.End(m.Commands.Live.Places.Begin()) }},
	}
}

var notDone = schema.Error{Code: schema.CodeUnavailable, Outcome: schema.OutcomeNotDone}

// registered are metrics and their registry.
func registered(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewRegistry()
	m, err := New(registry)
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

// series are those of a metric, as their labels' values, joined by a space.
func series(t *testing.T, from prometheus.Gatherer, name string) (found []string) {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			var values []string
			for _, label := range m.GetLabel() {
				values = append(values, label.GetValue())
			}
			if family.GetName() == name && m.GetCounter().GetValue() > 0 {
				found = append(found, strings.Join(values, " "))
			}
		}
	}
	return found
}

// Whatever others make up, there are no more series than the known names make.
func TestLabelsAreBounded(t *testing.T) {
	m, registry := registered(t)
	for _, made := range []string{"up", "as you like", "K1-a-chat's id"} {
		m.Commands.Live.Done(made, nil, 0)
		m.Commands.Live.Repeated(made)
		m.Commands.Durable.Settled(made, &schema.Error{Code: schema.ErrorCode(made), Outcome: schema.Outcome(made)})
		m.Commands.Retries.Inc(made)
		m.Commands.DeadLetters.Inc(made)
		m.Commands.Ignored.Inc(made)
		m.Events.Published(made, schema.OriginPoll, time.Time{}, time.Now())
		m.Events.Published(made, made, time.Time{}, time.Now())
		m.Events.Simplified.Inc(made)
		m.Files.Missed(made)
		m.Chats.Announced(&schema.SessionClosed{Reason: schema.CloseReason(made)})
		m.Chats.Announced(&schema.SessionGap{Reason: schema.GapReason(made)})
		m.ContactCenter.Heard(context.Background(), brightpattern.Observation{Method: "sendEvents", Err: errors.New(made)})
		m.ContactCenter.Heard(context.Background(), brightpattern.Observation{
			Method: "sendEvents", Err: &brightpattern.Error{Reason: brightpattern.ReasonRefused, Code: brightpattern.Code(made), Message: made},
		})
	}
	for name, want := range map[string][]string{
		"cc_commands_total":                {"ok other live ok", "other other durable unknown"},
		"cc_commands_repeated_total":       {"other live"},
		"cc_command_retries_total":         {"other"},
		"cc_dead_letters_total":            {"other"},
		"cc_messages_ignored_total":        {"other"},
		"cc_events_published_total":        {"unknown poll"},
		"cc_events_simplified_total":       {"other"},
		"cc_files_fetched_total":           {"other"},
		"cc_sessions_closed_total":         {"other"},
		"cc_session_gaps_total":            {"other"},
		"cc_contact_center_requests_total": {"internal sendEvents", "refused sendEvents"},
	} {
		if got := series(t, registry, name); !slices.Equal(got, want) {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
}

// Each histogram is a native one, too, and has classic buckets.
func TestHistogramsAreBoth(t *testing.T) {
	m, registry := registered(t)
	m.Commands.Live.Done("chat.send", nil, time.Second)
	m.Events.Published("message", schema.OriginPoll, time.Now().Add(-time.Second), time.Now().Add(-time.Second))
	m.ContactCenter.Heard(context.Background(), brightpattern.Observation{Method: "sendEvents", Took: time.Second})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, family := range families {
		h := family.GetMetric()[0].GetHistogram()
		if h == nil || h.GetSampleCount() == 0 {
			continue
		}
		if found++; len(h.GetPositiveSpan()) == 0 || len(h.GetBucket()) < 5 {
			t.Errorf("%s has %d native and %d classic buckets", family.GetName(), len(h.GetPositiveSpan()), len(h.GetBucket()))
		}
	}
	if found == 0 {
		t.Error("nothing was observed")
	}
}

var described = regexp.MustCompile(`^Desc\{fqName: "([^"]+)", help: "(.*)", unit: "", constLabels: \{\}, variableLabels: \{([^}]*)\}\}$`)

// Families are all that is registered, with what is said of it there.
func TestFamiliesAreThoseOfTheRegistry(t *testing.T) {
	m, registry := registered(t)
	var all []string
	for _, f := range m.Families() {
		all = append(all, f.Name+" "+strings.Join(f.Labels, ",")+" "+f.Help)
	}
	descriptions := make(chan *prometheus.Desc)
	go func() { defer close(descriptions); registry.Describe(descriptions) }()
	var there []string
	for d := range descriptions {
		parts := described.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("%s is not to be read", d)
		}
		there = append(there, parts[1]+" "+parts[3]+" "+parts[2])
	}
	gathered, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range gathered {
		i := slices.IndexFunc(m.Families(), func(f Family) bool { return f.Name == family.GetName() })
		if kind := m.Families()[i].Type; !strings.EqualFold(kind, family.GetType().String()) {
			t.Errorf("%s is a %s, and said to be a %s", family.GetName(), family.GetType(), kind)
		}
	}
	slices.Sort(all)
	slices.Sort(there)
	if !slices.Equal(all, there) {
		t.Errorf("the families are\n%s\nand registered are\n%s", strings.Join(all, "\n"), strings.Join(there, "\n"))
	}
}

// Two connectors in one process have registries of their own; one registry takes
// one connector.
func TestRegisteredOnce(t *testing.T) {
	registered(t)
	_, registry := registered(t)
	if _, err := New(registry); err == nil {
		t.Error("one registry takes two connectors")
	}
}
