package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"cc-connector/connector/brightpattern/bpsim"
)

// stranger is a consumer whose author has read the documents alone: it knows
// the two modes of CloudEvents and JSON Schema, and nothing of our packages.
type stranger struct {
	*testing.T
	nc       *nats.Conn
	schemas  map[string]*jsonschema.Schema // by the dataschema that names it
	envelope *jsonschema.Schema
	said     []string // what is left to be said
	seen     map[string]bool
}

// Who knows no more than the documents reads a whole conversation in either
// mode, and finds each event to be what the document says that its dataschema
// names: by the address in it, and by NATS.
func TestConsumerFromTheSchemasAlone(t *testing.T) {
	for _, mode := range []string{"structured", "binary"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newStranger(t, mode)
			events := make(chan *nats.Msg, 1024)
			for _, subject := range []string{"cc.chat.*.>", "cc.result.>"} {
				_, err := s.nc.ChanSubscribe(subject, events)
				s.check(err)
			}
			s.command("chat.request", map[string]any{"from": "Ada"})
			for !s.seen["com.brightpattern.chat.session.closed.v1"] {
				select {
				case msg := <-events:
					s.take(msg)
				case <-time.After(patience):
					t.Fatalf("the conversation does not end; seen are %q", slices.Sorted(maps.Keys(s.seen)))
				}
			}
			for _, name := range []string{
				"chat.session.opened", "chat.event.status", "chat.event.party_joined", "chat.event.message", "chat.event.typing", "chat.event.case_set",
				"chat.event.form_show", "chat.event.file", "chat.event.ended", "chat.result.request", "chat.result.send", "chat.result.form", "service.result.schemas",
			} {
				if !s.seen["com.brightpattern."+name+".v1"] {
					t.Errorf("no %s is seen, but %q", name, slices.Sorted(maps.Keys(s.seen)))
				}
			}
		})
	}
}

func newStranger(t *testing.T, mode string) *stranger {
	t.Helper()
	natsServer := startNATS(t, server.Options{JetStream: true, StoreDir: t.TempDir()})
	sim := bpsim.New(bpsim.Options{Hold: 200 * time.Millisecond, Script: "support"})
	web := httptest.NewServer(sim)
	t.Cleanup(func() { sim.Close(); web.Close() })
	address := unusedAddress(t)
	p := start(t, map[string]string{
		"CC_NATS_URL": natsServer.ClientURL(), "CC_BASE_URL": web.URL, "CC_APP_ID": "app-1", "CC_CLOUDEVENTS_MODE": mode,
		"CC_HTTP_ADDR": address, "CC_SCHEMA_BASE_URL": "http://" + address + "/schemas",
	})
	p.waitReady(t, http.StatusOK)
	nc, err := nats.Connect(natsServer.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	s := &stranger{T: t, nc: nc, schemas: map[string]*jsonschema.Schema{}, said: []string{"A cup is broken.", "Yes, 4711."}, seen: map[string]bool{}}
	s.envelope = s.schemaOf("http://" + address + "/schemas/v1/envelope.json")
	return s
}

func (s *stranger) check(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stranger) value(text []byte) any {
	s.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	s.check(err)
	return value
}

// command sends plain data; then the reply is data, too.
func (s *stranger) command(name string, data map[string]any) map[string]any {
	s.Helper()
	text, err := json.Marshal(data)
	s.check(err)
	reply, err := s.nc.Request("cc."+name, text, patience)
	s.check(err)
	answer := s.value(reply.Data).(map[string]any)
	if answer["status"] != "ok" {
		s.Fatalf("%s: %v", name, answer["error"])
	}
	result, _ := answer["result"].(map[string]any)
	return result
}

// take checks a message against its schemas, and does what a back end would.
func (s *stranger) take(msg *nats.Msg) {
	s.Helper()
	e := s.read(msg)
	address, _ := e["dataschema"].(string)
	if err := s.schemaOf(address).Validate(e["data"]); err != nil {
		s.Errorf("%s: %v", msg.Subject, err)
	}
	if err := s.envelope.Validate(e); err != nil {
		s.Errorf("the CloudEvent on %s: %v", msg.Subject, err)
	}
	typ, _ := e["type"].(string)
	s.seen[typ] = true
	data, _ := e["data"].(map[string]any)
	switch typ {
	case "com.brightpattern.chat.event.message.v1":
		if len(s.said) > 0 {
			s.command("chat.send", map[string]any{"chatId": data["chatId"], "text": s.said[0]})
			s.said = s.said[1:]
		}
	case "com.brightpattern.chat.event.form_show.v1":
		s.command("chat.form", map[string]any{"chatId": data["chatId"], "formRequestId": data["formRequestId"], "formName": data["formName"], "data": map[string]any{"phone": "1"}})
	}
}

// read is a CloudEvent as one object, whichever mode it came in.
func (s *stranger) read(msg *nats.Msg) map[string]any {
	s.Helper()
	if strings.HasPrefix(msg.Header.Get("Content-Type"), "application/cloudevents") {
		return s.value(msg.Data).(map[string]any)
	}
	e := map[string]any{"data": s.value(msg.Data)}
	for header, values := range msg.Header {
		if name, is := strings.CutPrefix(header, "ce-"); is {
			value, err := url.PathUnescape(values[0])
			s.check(err)
			e[name] = value
		}
	}
	return e
}

// schemaOf is the schema at an address, which is the same by NATS.
func (s *stranger) schemaOf(address string) *jsonschema.Schema {
	s.Helper()
	if known := s.schemas[address]; known != nil {
		return known
	}
	status, text, err := get(address)
	if err != nil || status != http.StatusOK {
		s.Fatalf("%s: %d, %v", address, status, err)
	}
	segments := strings.Split(address, "/")
	byNATS := s.command("service.schemas", map[string]any{"name": strings.Join(segments[len(segments)-2:], "/")})["schema"]
	if byURL := s.value([]byte(text)); !reflect.DeepEqual(byURL, byNATS) {
		s.Errorf("%s is another one by NATS: %v", address, byNATS)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	s.check(compiler.AddResource(address, byNATS))
	compiled, err := compiler.Compile(address)
	s.check(err)
	s.schemas[address] = compiled
	return compiled
}
