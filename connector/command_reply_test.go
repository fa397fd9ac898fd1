package connector_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// A reply has the form of its request, whatever the events' mode is.

// unannounced is a structured CloudEvent without its Content-Type.
func unannounced(g given) *nats.Msg {
	msg := writeStructured(g)
	msg.Header = nil
	return msg
}

var formsOfRequests = append(slices.Clone(messageForms), messageForm{"structured, unannounced", unannounced, true})

// failing are commands that come to nothing, by the error that they get.
var failing = map[string]struct {
	code  string
	given given
	spoil func(*nats.Msg)
}{
	"refused":      {"invalid_command", given{command: "chat.send", data: fields{}}, nil},
	"on no chat":   {"unknown_chat", given{command: "chat.typing", data: fields{"chatId": "never-seen"}}, nil},
	"no JSON":      {"invalid_command", given{command: "service.version"}, func(m *nats.Msg) { m.Data = m.Data[:len(m.Data)-1] }},
	"too large":    {"invalid_command", given{command: "service.version", data: fields{"x": strings.Repeat("x", 20<<10)}}, nil},
	"nested":       {"invalid_command", given{command: "service.version", data: fields{"x": json.RawMessage(strings.Repeat("[", 70) + strings.Repeat("]", 70))}}, nil},
	"content type": {"invalid_command", given{command: "service.version", data: fields{}}, func(m *nats.Msg) { addHeader(m, "CONTENT-type", "text/plain") }},
}

func addHeader(m *nats.Msg, name, value string) {
	if len(m.Header) > 0 {
		m.Header[name] = []string{value}
	}
}

func TestRepliesHaveTheFormOfTheRequest(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.Mode = mode })
			for _, form := range formsOfRequests {
				fine := o.formed(form, "fine", given{command: "service.version", data: fields{}}, nil)
				if fine.status() != "ok" || fine.Header.Get("Nats-Service-Error-Code") != "" || fine.Header.Get("Nats-Service-Error") != "" {
					t.Errorf("%s: %v with %q", form.name, fine.data, fine.Header)
				}
				for name, c := range failing {
					if name == "content type" && (form.name == "plain" || form.name == "structured, unannounced") {
						continue // there is nothing to give twice
					}
					o.checkErrorHeaders(form, name, c.code, o.formed(form, name, c.given, c.spoil))
				}
			}
		})
	}
}

// formed sends a command in a form, and checks that its reply has the same.
func (o outsider) formed(form messageForm, name string, g given, spoil func(*nats.Msg)) reply {
	o.Helper()
	g.id, g.source = fmt.Sprint(form.name, " ", name), "//s"
	msg := form.write(g)
	if spoil != nil {
		spoil(msg)
	}
	r := o.request(msg)
	structured := strings.HasPrefix(form.name, "structured") && !(name == "no JSON" && form.name == "structured, unannounced")
	var members map[string]json.RawMessage
	o.check(json.Unmarshal(r.Data, &members))
	_, hasVersion := members["specversion"]
	_, hasCommand := members["command"]
	_, inHeader := r.Header["ce-id"]
	if hasVersion != structured || hasCommand == structured || inHeader == structured {
		o.Errorf("%s, %s: the reply is %q, %s", form.name, name, r.Header, r.Data)
	}
	return r
}

func (o outsider) checkErrorHeaders(form messageForm, name, code string, r reply) {
	o.Helper()
	message, _ := r.failure()["message"].(string)
	if r.failure()["code"] != code || !slices.Equal(r.Header.Values("Nats-Service-Error-Code"), []string{code}) || r.Header.Get("Nats-Service-Error") != message {
		o.Errorf("%s, %s: %v with %q", form.name, name, r.data, r.Header)
	}
}

// What nobody looks into, because there is too much of it, is answered in its form, too.
func TestOverloadIsAnsweredInTheFormOfTheRequest(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.MaxCalls = 1; r.client.Timeout = patience })
	hanging := o.inject(bpsim.Fault{Method: bpsim.GetVersion, Kind: "hang", Times: 1})
	o.check(o.nc.Publish("cc.service.version", nil)) // takes the only place
	o.eventually("it is under way", func() bool { return o.strikesLeft(hanging) == 0 })
	o.check(o.nc.Publish("cc.service.version", nil)) // waits for it
	for _, form := range formsOfRequests {
		r := o.formed(form, "overload", given{command: "service.parameters", data: fields{}}, nil)
		o.checkErrorHeaders(form, "overload", "unavailable", r)
	}
	o.sim.ClearFaults()
}

const aTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// A trace in plain headers is carried on, on both lanes; a CloudEvent's own wins.
func TestTraceInPlainHeaders(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	traced := func(msg *nats.Msg) *nats.Msg {
		msg.Header["traceparent"], msg.Header["tracestate"] = []string{aTrace}, []string{"a=1,b=2"}
		return msg
	}
	g := given{command: "chat.typing", id: "plain", source: "//s", data: fields{"chatId": chat}}
	check := func(what string, got cloudEvent, parent, state string) {
		if got.status() != "ok" || got.attributes["traceparent"] != parent || got.attributes["tracestate"] != state {
			t.Errorf("%s: %v, %v", what, got.attributes, got.failure())
		}
	}
	live := o.request(traced(writePlain(g)))
	check("live", live.cloudEvent, aTrace, "a=1,b=2")
	check("its event", a.await("plain"), aTrace, "a=1,b=2")
	g.id = "durable"
	o.keep(durably(traced(writePlain(g)), chat))
	check("durable", a.await("durable"), aTrace, "a=1,b=2")
	g.id, g.attributes = "own", attributesGiven
	own := strings.Replace(aTrace, "0af7", "1af7", 1)
	g.attributes = map[string]string{"traceparent": own}
	check("a CloudEvent's own", o.request(traced(writeBinary(g))).cloudEvent, own, "")
	g.id, g.attributes = "none", nil
	check("a CloudEvent without one", o.request(traced(writeStructured(g))).cloudEvent, aTrace, "a=1,b=2")
	bad := writePlain(given{command: "chat.typing", id: "bad", data: fields{"chatId": chat}})
	bad.Header["traceparent"], bad.Header["tracestate"] = []string{strings.Repeat("x", 5000)}, []string{"a=1"}
	check("what is no trace", o.request(bad).cloudEvent, "", "")
}
