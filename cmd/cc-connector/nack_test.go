package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.yaml.in/yaml/v3"
)

// The resources say what the JSON says.
func TestNACKResources(t *testing.T) {
	setEnv(t, map[string]string{"CC_BASE_URL": "https://acme.brightpattern.com", "CC_SUBJECT_PREFIX": "a.b", "CC_EVENTS_MAX_BYTES": "1GiB", "CC_FILES_MAX_BYTES": "2GiB", "CC_STREAM_REPLICAS": "3"})
	decoder := yaml.NewDecoder(strings.NewReader(outputOf(t, "streams", "--nack")))
	decoder.KnownFields(true)
	var names []string
	for _, want := range decode[[]jetstream.StreamConfig](t, outputOf(t, "streams")) {
		got := readNACK[nackStream](t, decoder)
		names = append(names, got.Metadata.Name)
		checkNACKStream(t, got.Spec, want)
		for _, c := range decode[[]consumerOf](t, outputOf(t, "streams", "--consumers")) {
			if c.Stream == want.Name {
				consumer := readNACK[nackConsumer](t, decoder)
				names = append(names, consumer.Metadata.Name)
				checkNACKConsumer(t, consumer.Spec, c)
			}
		}
	}
	if want := []string{"a-b-events", "a-b-sessions", "a-b-sessions-holders", "a-b-commands", "a-b-commands-runners", "a-b-deadletter",
		"kv-a-b-journal", "kv-a-b-chats", "kv-a-b-state", "obj-a-b-files"}; !slices.Equal(names, want) {
		t.Errorf("the resources are %q", names)
	}
}

type readResource[T any] struct {
	APIVersion string       `yaml:"apiVersion"`
	Kind       string       `yaml:"kind"`
	Metadata   nackMetadata `yaml:"metadata"`
	Spec       T            `yaml:"spec"`
}

func readNACK[T any](t *testing.T, decoder *yaml.Decoder) (r readResource[T]) {
	t.Helper()
	if err := decoder.Decode(&r); err != nil {
		t.Fatal(err)
	}
	if kinds := map[string]bool{"Stream": true, "Consumer": true}; r.APIVersion != "jetstream.nats.io/v1beta2" || !kinds[r.Kind] {
		t.Errorf("%s is a %s of %s", r.Metadata.Name, r.Kind, r.APIVersion)
	}
	return r
}

// checkNACKStream makes a stream's configuration of the resource, as NACK does.
func checkNACKStream(t *testing.T, spec nackStream, want jetstream.StreamConfig) {
	t.Helper()
	quoted := func(word string) string { return `"` + word + `"` }
	got := jetstream.StreamConfig{
		Name: spec.Name, Description: spec.Description, Subjects: spec.Subjects, Replicas: spec.Replicas, Metadata: spec.Metadata,
		DiscardNewPerSubject: spec.DiscardPerSubject, MaxMsgsPerSubject: spec.MaxMsgsPerSubject, MaxBytes: spec.MaxBytes,
		MaxConsumers: -1, MaxMsgs: -1, MaxMsgSize: -1,
		MaxAge: parsed(t, spec.MaxAge), Duplicates: parsed(t, spec.DuplicateWindow), SubjectDeleteMarkerTTL: parsed(t, spec.SubjectDeleteMarkerTTL),
		DenyDelete: spec.DenyDelete, AllowDirect: spec.AllowDirect, AllowRollup: spec.AllowRollup, AllowMsgTTL: spec.AllowMsgTTL,
	}
	if got.MaxBytes == 0 {
		got.MaxBytes = -1
	}
	if got.MaxMsgsPerSubject == 0 {
		got.MaxMsgsPerSubject = -1
	}
	for word, into := range map[string]json.Unmarshaler{
		spec.Retention: &got.Retention, spec.Storage: &got.Storage, spec.Discard: &got.Discard, spec.Compression: &got.Compression,
	} {
		if err := into.UnmarshalJSON([]byte(quoted(word))); err != nil {
			t.Error(err)
		}
	}
	if !reflect.DeepEqual(got, want) || !spec.PreventDelete {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func checkNACKConsumer(t *testing.T, spec nackConsumer, want consumerOf) {
	t.Helper()
	c := want.Config
	if spec.StreamName != want.Stream || spec.DurableName != c.Durable || parsed(t, spec.AckWait) != c.AckWait || spec.MaxDeliver != c.MaxDeliver ||
		spec.MaxAckPending != c.MaxAckPending || spec.MaxWaiting != c.MaxWaiting || !slices.Equal(spec.PriorityGroups, c.PriorityGroups) ||
		spec.AckPolicy != "explicit" || spec.DeliverPolicy != "all" || (spec.PriorityPolicy == "prioritized") != (c.PriorityPolicy == jetstream.PriorityPolicyPrioritized) {
		t.Errorf("got %+v\nwant %+v", spec, want)
	}
}

func parsed(t *testing.T, text string) (d time.Duration) {
	t.Helper()
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Error(err)
	}
	return d
}
