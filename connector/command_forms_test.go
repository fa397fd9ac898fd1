package connector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// given is a command as its sender means it. What a form cannot carry is
// left out.
type given struct {
	command    string
	id, source string
	attributes map[string]string // beyond what every CloudEvent has
	data       fields
}

// messageForm writes a command as one of the three kinds of message.
type messageForm struct {
	name       string
	write      func(given) *nats.Msg
	attributes bool // the form has them
}

var messageForms = []messageForm{
	{"plain", writePlain, false},
	{"structured", writeStructured, true},
	{"binary", writeBinary, true},
}

func mustJSON(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}

func writePlain(g given) *nats.Msg {
	msg := nats.NewMsg("cc." + g.command)
	msg.Header.Set("Nats-Msg-Id", g.id)
	msg.Data = mustJSON(g.data)
	return msg
}

func (g given) cloudEvent() map[string]string {
	all := map[string]string{"specversion": "1.0", "id": g.id, "source": g.source, "type": "any.type"}
	for name, value := range g.attributes {
		all[name] = value
	}
	return all
}

func writeStructured(g given) *nats.Msg {
	msg := nats.NewMsg("cc." + g.command)
	msg.Header["content-type"] = []string{"Application/CloudEvents+JSON; charset=utf-8"}
	members := fields{"data": g.data}
	for name, value := range g.cloudEvent() {
		members[name] = value
	}
	msg.Data = mustJSON(members)
	return msg
}

// writeBinary writes the headers' names in all the cases that HTTP-minded
// libraries make of them.
func writeBinary(g given) *nats.Msg {
	msg := nats.NewMsg("cc." + g.command)
	msg.Header["CONTENT-TYPE"] = []string{"application/json; charset=utf-8"}
	for name, value := range g.cloudEvent() {
		msg.Header[mixedCase("ce-"+name)] = []string{percentEncoded(value)}
	}
	msg.Data = mustJSON(g.data)
	return msg
}

func mixedCase(name string) string {
	switch len(name) % 3 {
	case 0:
		return strings.ToUpper(name)
	case 1:
		return "Ce-" + strings.ToUpper(name[3:4]) + name[4:]
	}
	return name
}

func percentEncoded(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '"' || c == '%' {
			fmt.Fprintf(&b, "%%%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func TestCommandIdentityIsTheSendersOwn(t *testing.T) {
	o := newOutsider(t, bpsim.Options{})
	chat := fields{"chatId": o.openChat()}
	id := func(msg *nats.Msg) string { return o.request(msg).id() }
	typing := func(id, source string) given {
		return given{command: "chat.typing", id: id, source: source, data: chat}
	}
	g := typing("1", "//a")
	structured := id(writeStructured(g))
	if binary := id(writeBinary(g)); binary != structured {
		t.Errorf("the same identity gives %s in binary and %s in structured mode", binary, structured)
	}
	withHeader := writeStructured(g)
	withHeader.Header.Set("Nats-Msg-Id", "2")
	if got := id(withHeader); got != structured {
		t.Errorf("Nats-Msg-Id changes the identity of a CloudEvent: %s, want %s", got, structured)
	}
	undeclared := writeStructured(g)
	undeclared.Header = nil
	if got := id(undeclared); got != structured {
		t.Errorf("without Content-Type the CloudEvent has another identity: %s, want %s", got, structured)
	}
	seen := map[string]string{structured: "the first"}
	for name, msg := range map[string]*nats.Msg{
		"another id":        writeStructured(typing("2", g.source)),
		"another source":    writeStructured(typing("1", "//b")),
		"a longer source":   writeStructured(typing("1", "//abc")),
		"a longer id":       writeStructured(typing("c1", "//ab")),
		"no source":         writePlain(g),
		"no identity":       {Subject: "cc.chat.typing", Data: o.json(chat)},
		"no identity again": {Subject: "cc.chat.typing", Data: o.json(chat)},
	} {
		got := id(msg)
		if other, twice := seen[got]; twice {
			t.Errorf("%s has the result id of %s", name, other)
		}
		seen[got] = name
	}
	if a, b := id(writePlain(g)), id(writePlain(g)); a != b {
		t.Errorf("a repeat of a Nats-Msg-Id has another result id: %s and %s", a, b)
	}
}

func TestCommandWithoutReplySubject(t *testing.T) {
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	o.check(o.nc.PublishMsg(writePlain(given{command: "chat.typing", id: "quiet", data: fields{"chatId": chat}})))
	found := o.awaitStored(chat, ".result.chat.typing", 1)
	if got := found[0].header.Get("Nats-Msg-Id"); got != "result:"+found[0].event.ID() {
		t.Errorf("Nats-Msg-Id is %q", got)
	}
}

func TestCommandMadeOfABrokenCloudEventIsRefused(t *testing.T) {
	o := newOutsider(t, bpsim.Options{})
	g := given{command: "service.version", id: "1", source: "//a"}
	for name, c := range map[string]struct {
		field  string
		change func(*nats.Msg)
	}{
		"no id":         {"id", func(m *nats.Msg) { delete(m.Header, mixedCase("ce-id")) }},
		"version":       {"specversion", func(m *nats.Msg) { m.Header[mixedCase("ce-specversion")] = []string{"0.3"} }},
		"twice":         {"source", func(m *nats.Msg) { m.Header["cE-source"] = []string{"//b"} }},
		"percent":       {"subject", func(m *nats.Msg) { m.Header["ce-subject"] = []string{"100%"} }},
		"not UTF-8":     {"subject", func(m *nats.Msg) { m.Header["ce-subject"] = []string{"%FF"} }},
		"expirytime":    {"expirytime", func(m *nats.Msg) { m.Header["ce-expirytime"] = []string{"tomorrow"} }},
		"a long source": {"source", func(m *nats.Msg) { m.Header[mixedCase("ce-source")] = []string{"//" + strings.Repeat("x", 1023)} }},
		"a long value":  {"other", func(m *nats.Msg) { m.Header["ce-other"] = []string{strings.Repeat("%41", 1025)} }},
		"a long name": {`"` + strings.Repeat("n", 64) + `"…`, func(m *nats.Msg) {
			m.Header["ce-"+strings.Repeat("n", 65)] = []string{"1"}
		}},
		"too many": {"x63", func(m *nats.Msg) { // the other four come first
			for i := range 90 {
				m.Header[fmt.Sprintf("ce-x%02d", i+3)] = []string{"1"}
			}
		}},
		"batch":             {"Content-Type", func(m *nats.Msg) { m.Header["CONTENT-TYPE"] = []string{"application/cloudevents-batch+json"} }},
		"two content types": {"Content-Type", func(m *nats.Msg) { m.Header["Content-Type"] = []string{"text/plain"} }},
		"structured, no JSON": {"data", func(m *nats.Msg) {
			m.Header["CONTENT-TYPE"] = []string{"application/cloudevents+json"}
			m.Data = []byte("no")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			msg := writeBinary(g)
			c.change(msg)
			o.in(t).mustRefuse(msg, c.field)
		})
	}
}
