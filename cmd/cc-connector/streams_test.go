package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

// usersBus is a NATS with the users of a prefix. The administrator's JetStream comes with it.
func usersBus(t *testing.T, prefix subjects.Prefix) (*server.Server, jetstream.JetStream) {
	t.Helper()
	options, err := server.ProcessConfigFile(writeUsers(t, prefix))
	if err != nil {
		t.Fatal(err)
	}
	options.JetStream, options.StoreDir, options.Port = true, t.TempDir(), server.RANDOM_PORT
	s := startNATS(t, *options)
	js, err := jetstream.New(signIn(t, s, nats.UserInfo(administrator, natsPassword)))
	if err != nil {
		t.Fatal(err)
	}
	return s, js
}

func signIn(t *testing.T, s *server.Server, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(s.ClientURL(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

// makePrinted makes what the command prints, and nothing else.
func makePrinted(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	for _, stream := range decode[[]jetstream.StreamConfig](t, outputOf(t, "streams")) {
		if _, err := js.CreateStream(t.Context(), stream); err != nil {
			t.Fatalf("%s: %v", stream.Name, err)
		}
	}
	for _, c := range decode[[]consumerOf](t, outputOf(t, "streams", "--consumers")) {
		if _, err := js.CreateConsumer(t.Context(), c.Stream, c.Config); err != nil {
			t.Fatalf("%s: %v", c.Config.Durable, err)
		}
	}
}

// kept is how every stream and consumer is configured.
func kept(t *testing.T, js jetstream.JetStream) map[string]any {
	t.Helper()
	all := make(map[string]any)
	streams := js.ListStreams(t.Context())
	for info := range streams.Info() {
		all[info.Config.Name] = info.Config
		stream, err := js.Stream(t.Context(), info.Config.Name)
		if err != nil {
			t.Fatal(err)
		}
		for c := range stream.ListConsumers(t.Context()).Info() {
			all[info.Config.Name+"/"+c.Name] = c.Config
		}
	}
	return all
}

// An administrator makes the streams from what is printed; then a connector
// that may make none carries out a chat on them. One that makes its own makes the same.
func TestConnectorOnPrintedStreams(t *testing.T) {
	const prefix = subjects.Prefix("acme.eu")
	env := map[string]string{
		"CC_BASE_URL": contactCenter(t), "CC_TENANT_URL": "acme.example", "CC_APPS": "sales:app-1,support:app-2",
		"CC_SUBJECT_PREFIX": string(prefix), "CC_HTTP_ADDR": "127.0.0.1:0", "CC_EVENTS_MAX_AGE": "48h", "CC_EVENTS_MAX_BYTES": "64MiB", "CC_FILES_MAX_BYTES": "32MiB", "CC_FAILOVER_AFTER": "3s",
	}
	var configured []map[string]any
	for _, provision := range []string{"false", "true"} {
		natsServer, js := usersBus(t, prefix)
		env["CC_PROVISION"], env["CC_NATS_URL"] = provision, natsServer.ClientURL()
		for name, value := range signInEnv(t, prefix) {
			env[name] = value
		}
		if provision == "false" {
			setEnv(t, env)
			makePrinted(t, js)
		}
		p := start(t, env)
		p.waitReady(t, http.StatusOK)
		if status := requestChat(t, signIn(t, natsServer, asUser(prefix, permissions.CommanderLive)...), "support"); status != "ok" {
			t.Errorf("with CC_PROVISION=%s a chat is answered %q", provision, status)
		}
		p.stop(t)
		checkPermitted(t, p.stderr.String())
		configured = append(configured, kept(t, js))
	}
	for name, made := range configured[1] {
		if printed := configured[0][name]; !reflect.DeepEqual(printed, made) {
			t.Errorf("%s is printed as\n%+v\nbut made as\n%+v", name, printed, made)
		}
	}
	if len(configured[0]) != len(configured[1]) {
		t.Errorf("%d streams and consumers are printed, %d made", len(configured[0]), len(configured[1]))
	}
}

func TestOneStreamOrConsumer(t *testing.T) {
	setEnv(t, map[string]string{"CC_BASE_URL": "https://acme.brightpattern.com"})
	for _, want := range decode[[]jetstream.StreamConfig](t, outputOf(t, "streams")) {
		if got := decode[jetstream.StreamConfig](t, outputOf(t, "streams", want.Name)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %+v", want.Name, got)
		}
		if want.Metadata["cc-connector.base-url"] != "https://acme.brightpattern.com" || want.Metadata["cc-connector.tenant"] != "acme.brightpattern.com" {
			t.Errorf("%s has the mark %v", want.Name, want.Metadata)
		}
	}
	for _, want := range decode[[]consumerOf](t, outputOf(t, "streams", "--consumers")) {
		if got := decode[jetstream.ConsumerConfig](t, outputOf(t, "streams", want.Stream, want.Config.Durable)); !reflect.DeepEqual(got, want.Config) {
			t.Errorf("%s is %+v", want.Config.Durable, got)
		}
	}
}

func TestStreamsRefused(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		args []string
		part string
	}{
		{nil, []string{"CC_NONE"}, `no stream "CC_NONE"; there are CC_EVENTS, `},
		{nil, []string{"CC_EVENTS", "holders"}, "no consumer of CC_EVENTS"},
		{nil, []string{"CC_SESSIONS", "holder"}, `no consumer of CC_SESSIONS "holder"; there are holders`},
		{nil, []string{"CC_SESSIONS", "holders", "x"}, "at most"},
		{nil, []string{"--nack", "CC_EVENTS"}, "no name"},
		{nil, []string{"--nack", "--consumers"}, "one of them"},
		{nil, []string{"--reader", "cc-consumer", "CC_EVENTS"}, "--reader"},
		{nil, []string{"--reader", "cc-consumer", "--nack"}, "--reader"},
		{nil, []string{"--reader", "a.b"}, "--reader must be"},
		{nil, []string{"--make"}, "--reader must be"},
		{map[string]string{"CC_BASE_URL": ""}, []string{"--reader", "cc-consumer", "--make"}, "CC_BASE_URL is missing"},
		{map[string]string{"CC_NATS_URL": "x y"}, []string{"--reader", "cc-consumer", "--make"}, "CC_NATS_URL"},
		{map[string]string{"CC_BASE_URL": ""}, nil, "CC_BASE_URL is missing"},
		{map[string]string{"CC_SUBJECT_PREFIX": "CC", "CC_STREAM_REPLICAS": "7"}, nil, "CC_STREAM_REPLICAS"},
	} {
		env := map[string]string{"CC_BASE_URL": "https://acme.brightpattern.com"}
		for name, value := range c.env {
			env[name] = value
		}
		setEnv(t, env)
		var out, errs bytes.Buffer
		if code := execute(append([]string{"streams"}, c.args...), &out, &errs); code != exitBadConfig || out.Len() > 0 || !strings.Contains(errs.String(), c.part) {
			t.Errorf("%q: exit code %d, %q, %q", c.args, code, out.String(), errs.String())
		}
	}
}

// stop is an orderly end.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	p.checkExit(t, 0)
}
