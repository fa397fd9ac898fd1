package metrics

import (
	"fmt"
	"slices"
	"strings"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/health"
	"cc-connector/schema"
)

// exported is what Prometheus can know of: what this package has, what the library for Go and the exporter of NATS
// have, by name; and which values a label can have.
type exported struct {
	families map[string]Family
	values   map[string][]string // by metric and label, or by label
}

// Who gives a target its labels: Prometheus, and Kubernetes.
var targetLabels = []string{"job", "instance", "namespace", "pod"}

// others are no metrics of this package. Those of NATS are as prometheus-nats-exporter 0.17 has them.
var others = []Family{
	{Name: "up", Type: "gauge"},
	{Name: "ALERTS", Labels: []string{"alertname", "alertstate", "severity", "part", "name", "app", "stream", "reason", "command", "code"}},
	{Name: "process_start_time_seconds"}, {Name: "process_open_fds"}, {Name: "process_max_fds"},
	{Name: "process_resident_memory_bytes"}, {Name: "process_cpu_seconds_total"}, {Name: "go_goroutines"},
	{Name: "gnatsd_varz_connections", Labels: []string{"server_id"}},
	{Name: "jetstream_server_total_message_bytes", Labels: serverLabels},
	{Name: "jetstream_server_max_storage", Labels: serverLabels},
	{Name: "jetstream_stream_total_messages", Labels: streamLabels},
	{Name: "jetstream_stream_total_bytes", Labels: streamLabels},
	{Name: "jetstream_stream_limit_bytes", Labels: streamLabels},
	{Name: "jetstream_stream_first_seq", Labels: streamLabels},
	{Name: "jetstream_stream_last_seq", Labels: streamLabels},
	{Name: "jetstream_consumer_num_pending", Labels: consumerLabels},
	{Name: "jetstream_consumer_num_ack_pending", Labels: consumerLabels},
}

var (
	serverLabels   = []string{"server_id", "server_name", "cluster", "domain", "meta_leader", "is_meta_leader"}
	streamLabels   = slices.Concat(serverLabels, []string{"account", "account_name", "account_id", "stream_name", "stream_leader", "is_stream_leader", "stream_raft_group"})
	consumerLabels = slices.Concat(streamLabels, []string{"consumer_name", "consumer_leader", "is_consumer_leader", "consumer_desc"})
)

func newExported() exported {
	e := exported{families: make(map[string]Family), values: labelValues()}
	for _, f := range slices.Concat(others, Unregistered().Families()) {
		e.families[f.Name] = f
	}
	return e
}

// record adds what a rule makes of a metric: one of the same labels, and of the same values.
func (e exported) record(name string, q query) (wrong []string) {
	if wrong = e.wrong(q); wrong == nil {
		f, _ := e.family(q.selectors[0].metric)
		f.Labels, f.Type = e.labels(f), "gauge"
		e.families[name] = f
	}
	return wrong
}

func labelValues() map[string][]string {
	var codes, kinds []string // of what we tell, and of what we were told or met
	for code := range errorCodes {
		codes = append(codes, string(code))
		if strings.HasPrefix(string(code), "chat_session_") {
			kinds = append(kinds, string(code))
		}
	}
	kinds = append(kinds, texts(brightpattern.ReasonRefused, brightpattern.ReasonUnreachable, brightpattern.ReasonTimeout,
		brightpattern.ReasonCut, brightpattern.ReasonUnreadable, brightpattern.ReasonCanceled, brightpattern.ReasonInvalid)...)
	return map[string][]string{
		"outcome cc_commands_total":             texts(succeeded, schema.OutcomeNotDone, schema.OutcomeUnknown),
		"code cc_commands_total":                slices.Concat(codes, texts(succeeded)),
		"code cc_contact_center_requests_total": slices.Concat(kinds, texts(succeeded)),
		"outcome cc_polls_total":                slices.Concat(kinds, texts(succeeded, "gone")),
		"outcome cc_files_fetched_total":        slices.Concat(codes, texts(succeeded, FileGivenUp)),
		"reason cc_session_gaps_total":          gapReasons,
		"reason cc_messages_ignored_total":      texts(IgnoredUnreadable, IgnoredStatus, IgnoredOwn, IgnoredSubject, IgnoredReply),
		"reason cc_events_simplified_total":     texts(SimplerNested, SimplerUnfit),
		"result cc_canary_runs_total":           texts(CanaryOK, CanaryContactCenter, CanaryBus),
		"part cc_problem": texts(health.Starting, health.NATS, health.Stream, health.Publishing, health.Intake, health.ContactCenter,
			health.Polls, health.Room, health.Replicas, health.Canary),
		"cause":  texts(TakenOver, TakenDied, TakenNew),
		"origin": texts(schema.OriginPoll, schema.OriginSend, schema.OriginHistory),
		"lane":   texts("live", "durable"),
		"at":     texts("commands", "publishing", "contact_center"),
	}
}

func texts[T ~string](values ...T) (all []string) {
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}

// family is the metric that a series belongs to.
func (e exported) family(name string) (Family, bool) {
	if f, known := e.families[name]; known {
		return f, f.Type != "histogram" // which is asked for by its parts
	}
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		if f, known := e.families[strings.TrimSuffix(name, part)]; known && f.Type == "histogram" && strings.HasSuffix(name, part) {
			return f, true
		}
	}
	return Family{}, false
}

// wrong says what a query asks for that is not there.
func (e exported) wrong(q query) (all []string) {
	there := slices.Clone(targetLabels)
	for _, s := range q.selectors {
		f, known := e.family(s.metric)
		if !known {
			all = append(all, "there is no metric "+s.metric)
			continue
		}
		labels := e.labels(f)
		there = append(there, labels...)
		for label, compared := range s.where {
			if !slices.Contains(labels, label) {
				all = append(all, fmt.Sprintf("%s has no label %s", s.metric, label))
			}
			all = append(all, e.impossible(f, label, compared)...)
		}
	}
	for _, label := range q.groupings {
		if !slices.Contains(there, label) {
			all = append(all, "no metric has the label "+label)
		}
	}
	return all
}

func (e exported) labels(f Family) []string {
	labels := slices.Concat(f.Labels, targetLabels)
	if f.Type == "histogram" {
		labels = append(labels, "le")
	}
	return labels
}

// impossible says which values a label never has, where they are known.
func (e exported) impossible(f Family, label string, compared []string) (all []string) {
	possible, known := e.values[label+" "+f.Name]
	if !known {
		possible, known = e.values[label]
	}
	if !known {
		return nil
	}
	for _, expression := range compared {
		for _, value := range alternatives(expression) {
			if !slices.Contains(possible, value) {
				all = append(all, fmt.Sprintf("%s of %s is never %q", label, f.Name, value))
			}
		}
	}
	return all
}
