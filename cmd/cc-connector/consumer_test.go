package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

// makerEnv are the settings with which the connector's user makes what readers need.
func makerEnv(t *testing.T, prefix subjects.Prefix, url string) map[string]string {
	env := signInEnv(t, prefix)
	env["CC_NATS_URL"], env["CC_SUBJECT_PREFIX"], env["CC_BASE_URL"] = url, string(prefix), "https://acme.brightpattern.com"
	return env
}

// What is printed is what is made, and a connector finds its stream as it would have made it.
func TestReadersConsumerIsMade(t *testing.T) {
	const prefix = subjects.Prefix("acme.eu")
	s, js := usersBus(t, prefix)
	setEnv(t, makerEnv(t, prefix, s.ClientURL()))
	for _, role := range []permissions.Role{permissions.Consumer, permissions.Auditor} {
		name := permissions.UserName(prefix, role)
		printed := decode[jetstream.ConsumerConfig](t, outputOf(t, "streams", "--reader", name))
		for _, said := range []string{"is made", "is made"} { // the same once more is no change
			if out := outputOf(t, "streams", "--reader", name, "--make"); !strings.Contains(out, said) {
				t.Error(out)
			}
		}
		made, err := js.PushConsumer(t.Context(), "ACME_EU_EVENTS", name)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(withoutDefaults(made.CachedInfo().Config), withoutDefaults(printed)) {
			t.Errorf("%s is printed as\n%+v\nbut made as\n%+v", name, printed, made.CachedInfo().Config)
		}
	}
	stream, err := js.Stream(t.Context(), "ACME_EU_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	want := decode[jetstream.StreamConfig](t, outputOf(t, "streams", "ACME_EU_EVENTS"))
	if got := stream.CachedInfo().Config; !reflect.DeepEqual(got.Subjects, want.Subjects) || got.Metadata["cc-connector.tenant"] != want.Metadata["cc-connector.tenant"] {
		t.Errorf("the stream is made as %+v", got)
	}
}

// withoutDefaults leaves out what the server fills in.
func withoutDefaults(c jetstream.ConsumerConfig) string {
	c.Name, c.Metadata = "", nil
	text, _ := json.Marshal(c)
	return string(text)
}

func TestReadersConsumerStaysAsItIs(t *testing.T) {
	s, js := usersBus(t, subjects.DefaultPrefix)
	setEnv(t, makerEnv(t, subjects.DefaultPrefix, s.ClientURL()))
	outputOf(t, "streams", "--reader", "cc-consumer", "--make")
	changed := permissions.ReaderConsumer(subjects.DefaultPrefix, "cc-consumer")
	changed.MaxAckPending = 7
	if _, err := js.UpdatePushConsumer(t.Context(), "CC_EVENTS", changed); err != nil {
		t.Fatal(err)
	}
	if out := outputOf(t, "streams", "--reader", "cc-consumer", "--make"); !strings.Contains(out, "stays as it is") {
		t.Error(out)
	}
	kept, err := js.PushConsumer(t.Context(), "CC_EVENTS", "cc-consumer")
	if err != nil {
		t.Fatal(err)
	}
	if kept.CachedInfo().Config.MaxAckPending != 7 {
		t.Error("it was changed")
	}
}

// Of other users an administrator makes the consumer: the connector's user may not.
func TestReadersConsumerThatMayNotBeMade(t *testing.T) {
	s, _ := usersBus(t, subjects.DefaultPrefix)
	env := makerEnv(t, subjects.DefaultPrefix, s.ClientURL())
	env["CC_NATS_USER"], env["CC_NATS_INBOX_PREFIX"] = "cc-consumer", "_INBOX_cc-consumer"
	setEnv(t, env)
	var out, errs bytes.Buffer
	if code := execute([]string{"streams", "--reader", "cc-consumer", "--make"}, &out, &errs); code != exitFailed || out.Len() > 0 || !strings.Contains(errs.String(), "CC_EVENTS") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}

// The streams of a domain are found by its name alone.
func TestReadersConsumerInADomain(t *testing.T) {
	s := startNATS(t, server.Options{JetStream: true, JetStreamDomain: "hub", StoreDir: t.TempDir()})
	env := map[string]string{"CC_NATS_URL": s.ClientURL(), "CC_BASE_URL": "https://acme.brightpattern.com", "CC_NATS_JS_DOMAIN": "hub"}
	setEnv(t, env)
	if out := outputOf(t, "streams", "--reader", "cc-consumer", "--make"); !strings.Contains(out, "is made") {
		t.Error(out)
	}
	env["CC_NATS_JS_DOMAIN"] = "elsewhere"
	setEnv(t, env)
	var out, errs bytes.Buffer
	if code := execute([]string{"streams", "--reader", "cc-consumer", "--make"}, &out, &errs); code != exitFailed || !strings.Contains(errs.String(), "CC_NATS_JS_DOMAIN") {
		t.Errorf("exit code %d: %s", code, &errs)
	}
}
