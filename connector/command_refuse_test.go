package connector_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// isRefusal tells whether a reply refuses a command for one field.
func isRefusal(r reply, field string) bool {
	f := r.failure()
	message, _ := f["message"].(string)
	return f["code"] == "invalid_command" && f["outcome"] == "not_done" && f["retryable"] == false && strings.HasPrefix(message, field+":")
}

// mustRefuse sends what has to be refused for one field.
func (o outsider) mustRefuse(msg *nats.Msg, field string) reply {
	o.Helper()
	r := o.request(msg)
	if !isRefusal(r, field) {
		o.Errorf("want invalid_command for %s, got %.300v", field, r.data)
	}
	return r
}

// untouched runs what must not reach the contact center, nor publish anywhere
// but on the connector's own subjects, and must leave the connector working.
func untouched(t *testing.T, run func(o outsider, chat string)) {
	t.Helper()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	o.mustSend("chat.typing", fields{"chatId": chat})
	stray := o.watchForStrays()
	before := o.calls()
	run(o, chat)
	if after := o.calls(); !maps.Equal(after, before) {
		t.Errorf("calls before %v, after %v", before, after)
	}
	if said := len(o.record(chat).Client); said != 1 {
		t.Errorf("the client has said %d things, want 1", said)
	}
	stray.end()
	o.mustSend("chat.send", fields{"chatId": chat, "text": "still there"})
	o.push(chat, fields{"event": "chat_session_typing", "party_id": "p"})
	o.awaitLog(chat, "session.opened", "event.typing/poll")
}

// calls are those that the contact center has carried out, but the polls.
func (o outsider) calls() map[string]int {
	made := o.sim.Calls()
	delete(made, bpsim.PollEvents)
	return made
}

// eachCommand runs for every command of the table, with data that are fine.
func eachCommand(o outsider, chat string, run func(spec *schema.Command, data fields)) {
	for i := range schema.Commands {
		run(&schema.Commands[i], fineData(&schema.Commands[i], chat))
	}
}

func fineData(spec *schema.Command, chat string) fields {
	data := fields{}
	if given := rows[spec.Name].given; given != nil {
		maps.Copy(data, given(chat))
	}
	for _, f := range spec.Fields {
		if f.Name == "chatId" || f.Name == "chatID" {
			data[f.Name] = chat
		}
		if f.Name == "clientId" && f.Required {
			data[f.Name] = "client"
		}
	}
	return data
}

func TestCommandsThatAreNoJSONObject(t *testing.T) {
	t.Parallel()
	untouched(t, func(o outsider, chat string) {
		for _, payload := range []string{"[]", `"x"`, "1", "{", `{"chatId":}`, "{}{}", "{\"a\xff\":1}", "\x00", "\ufeff{}"} {
			o.mustRefuse(&nats.Msg{Subject: "cc.chat.send", Data: []byte(payload)}, "data")
		}
		eachCommand(o, chat, func(spec *schema.Command, _ fields) {
			for _, payload := range []string{"no", "null"} {
				o.mustRefuse(&nats.Msg{Subject: "cc." + spec.Name, Data: []byte(payload)}, "data")
			}
		})
	})
}

// wrongValues are values that no field of a kind may have.
func wrongValues(f schema.Field) []any {
	long := strings.Repeat("x", f.Max+1)
	switch f.Kind {
	case schema.KindObject:
		return []any{nil, 1, "x", []any{}, fields{"type": "x", "long": long}}
	case schema.KindStringMap:
		return []any{nil, "x", fields{"a": 1}, fields{"a": nil}, fields{"a": long}, fields{strings.Repeat("n", 1025): "x"}, manyFields(65)}
	case schema.KindLatitude, schema.KindLongitude:
		return []any{nil, "1", true, fields{}, 180.1, -180.1, 1e300}
	case schema.KindClientID:
		return []any{nil, 1, fields{}, long, "WebChat", `a"b`, "a\nb", "\u00e9"}
	}
	return []any{nil, 1, true, fields{}, []any{"x"}, long}
}

func manyFields(n int) fields {
	many := fields{}
	for i := range n {
		many[fmt.Sprint("p", i)] = "x"
	}
	return many
}

func TestCommandFieldsAreChecked(t *testing.T) {
	t.Parallel()
	untouched(t, func(o outsider, chat string) {
		eachCommand(o, chat, func(spec *schema.Command, fine fields) {
			refuse := func(change func(fields), field string) {
				t.Helper()
				data := maps.Clone(fine)
				change(data)
				if r := o.send(spec.Name, data); !isRefusal(r, field) {
					t.Errorf("%s: want invalid_command for %s, got %.300v", spec.Name, field, r.data)
				}
			}
			for _, f := range spec.Fields {
				for _, value := range wrongValues(f) {
					refuse(func(data fields) { data[f.Name] = value }, f.Name)
				}
				if f.Required {
					refuse(func(data fields) { delete(data, f.Name) }, f.Name)
				}
			}
			if !spec.Open {
				refuse(func(data fields) { data["chatid"] = chat }, `"chatid"`)
				refuse(func(data fields) { data["sub\nject"] = "cc.x" }, `"sub\nject"`)
			}
		})
	})
}

func TestCommandFieldsThatExcludeEachOther(t *testing.T) {
	t.Parallel()
	untouched(t, func(o outsider, chat string) {
		for field, data := range map[string]fields{
			"text": {"chatId": chat}, "html": {"chatId": chat, "text": "x", "html": "x"},
		} {
			if r := o.send("chat.send", data); !isRefusal(r, field) {
				t.Errorf("want invalid_command for %s, got %v", field, r.data)
			}
		}
		for field, data := range map[string]string{
			"chatId": `{"chatId":"a","chatId":"b"}`, "text": `{"chatId":"a","text":"x","text":"y"}`,
		} {
			o.mustRefuse(&nats.Msg{Subject: "cc.chat.send", Data: []byte(data)}, field)
		}
		if r := o.send("push.received", fields{"chatID": chat, "chatId": "another"}); !isRefusal(r, "chatId") {
			t.Errorf("two chats in one push: %v", r.data)
		}
	})
}

func TestCommandsOnStrangeChats(t *testing.T) {
	t.Parallel()
	untouched(t, func(o outsider, chat string) {
		eachCommand(o, chat, func(spec *schema.Command, data fields) {
			field, named := spec.Field("chatId")
			if !named {
				return
			}
			for _, id := range []string{"a.b", "*", ">", " ", "\x00", "..", "a/b\r\nc", chat + "."} {
				data[field.Name] = id
				o.mustNotKnow(spec.Name, data)
			}
			for _, id := range []string{"", strings.Repeat("x", 5000)} {
				data[field.Name] = id
				if r := o.send(spec.Name, data); !isRefusal(r, field.Name) {
					t.Errorf("%s on a chat id of %d bytes: %.300v", spec.Name, len(id), r.data)
				}
			}
		})
	})
}

// mustNotKnow sends a command on a chat that neither side can know.
func (o outsider) mustNotKnow(command string, data fields) {
	o.Helper()
	r := o.send(command, data)
	want := "unknown_chat"
	if command == "chat.attach" {
		want = "chat_session_not_found"
	}
	f := r.failure()
	if id, _ := data["chatId"].(string); command == "chat.attach" && (id == ".." || strings.ContainsAny(id, "/\x00")) {
		want = "invalid_command" // a path cannot hold it
	}
	if f["code"] != want || f["outcome"] != "not_done" || f["retryable"] != false {
		o.Errorf("%s %q: want %s, got %v", command, data, want, r.data)
	}
	if r.attributes["subject"] != "" {
		o.Errorf("%s %q: the result is on the chat %q", command, data, r.attributes["subject"])
	}
}

func TestCommandsAsLargeAsTheBusAllows(t *testing.T) {
	t.Parallel()
	untouched(t, func(o outsider, chat string) {
		most := int(o.nc.MaxPayload()) - 512
		half := (most - 64) / 2
		nested := strings.Repeat("[", half) + strings.Repeat("]", half)
		for _, payload := range []string{
			strings.Repeat("[", most), strings.Repeat(`{"a":`, most/5),
			`{"chatId":"x","signal":` + nested + `}`, `{"specversion":` + nested + `}`,
		} {
			for _, contentType := range []string{"", "application/cloudevents+json"} {
				msg := nats.NewMsg("cc.chat.signal")
				msg.Header.Set("Content-Type", contentType)
				msg.Data = []byte(payload)
				o.mustRefuse(msg, "data")
			}
		}
		long := `{"` + strings.Repeat("x", most-64) + `":1}`
		o.mustRefuse(&nats.Msg{Subject: "cc.chat.request", Data: []byte(long)}, `"`+strings.Repeat("x", 64)+`"…`)
		o.mustRefuse(&nats.Msg{Subject: "cc.chat.send", Data: []byte(long)}, "data")
		o.mustRefuse(&nats.Msg{Subject: "cc.push.received", Data: []byte(long)}, "data")
		eachCommand(o, chat, func(spec *schema.Command, _ fields) {
			o.mustRefuse(&nats.Msg{Subject: "cc." + spec.Name, Data: []byte(`{"chatId":` + nested + `}`)}, "data")
		})
	})
}

// A signal as deep as JSON readers bear is either sent or refused.
func TestCommandWithADeepSignal(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	for _, depth := range []int{9990, 9998, 9999, 20000} {
		signal := `{"type":"END_CALL","x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + `}`
		msg := &nats.Msg{Subject: "cc.chat.signal", Data: []byte(`{"chatId":"` + chat + `","partyId":"p","signal":` + signal + `}`)}
		r := o.request(msg)
		if f := r.failure(); f != nil && f["outcome"] != "not_done" {
			t.Errorf("depth %d: %v", depth, f)
		}
	}
	o.mustSend("chat.typing", fields{"chatId": chat})
}

func TestCommandIdentityOfAnyKindIsAnswered(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	stray := o.watchForStrays()
	for name, msg := range strangeIdentities() {
		r, err := o.nc.RequestMsg(msg, patience)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e := o.read(r.Header, r.Data)
		if code := e.failure()["code"]; e.status() != "ok" && code != "invalid_command" {
			t.Errorf("%s: %v", name, e.data)
		}
		if found := o.resultEvents("cc.result.service.version", e.id()); len(found) != 1 {
			t.Errorf("%s: %d result events", name, len(found))
		}
	}
	stray.end()
}

func strangeIdentities() map[string]*nats.Msg {
	plain := func(id string) *nats.Msg { return writePlain(given{command: "service.version", id: id}) }
	event := func(id string, attributes map[string]string) *nats.Msg {
		return writeStructured(given{command: "service.version", id: id, source: "//s", attributes: attributes})
	}
	raw := nats.NewMsg("cc.service.version")
	raw.Header["ce-id"] = []string{"a\xff\xfe"}
	broken := plain("\xff")
	broken.Header.Set("Content-Type", "application/cloudevents+json")
	huge := strings.Repeat("h", 700<<10)
	return map[string]*nats.Msg{
		"invalid UTF-8":          plain("\xff\xfe"),
		"control bytes":          plain("a\x00\x01\x7f\x1b"),
		"quotes and percent":     plain(`"%`),
		"white space":            plain(" \t "), // trimmed on the way: empty
		"huge":                   plain(huge),
		"half the bus":           plain(huge[:500<<10]),
		"huge id":                event(huge, nil),
		"huge correlation":       event("1", map[string]string{"correlationid": huge}),
		"huge trace":             event("2", map[string]string{"traceparent": huge[:300<<10], "tracestate": huge[:300<<10]}),
		"huge source":            writeStructured(given{command: "service.version", id: "3", source: "//" + huge}),
		"unencoded, no UTF-8":    raw,
		"of a broken CloudEvent": broken,
		"control bytes in an id": event("a\x00b\nc", map[string]string{"correlationid": "\x01\u0080"}),
	}
}
