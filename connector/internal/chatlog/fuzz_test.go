package chatlog

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// FuzzEvents: whatever comes from the contact center can be written as a
// CloudEvent, in both modes, and read again.
func FuzzEvents(f *testing.F) {
	nested := func(levels int) string { return strings.Repeat(`{"a":`, levels) + "1" + strings.Repeat("}", levels) }
	for _, seed := range []string{
		``, `{}`, `[]`, `null`, `"x"`, `1e999`, `{"event":7}`, `{"event":"chat_session_message","msg":"<&>","timestamp":1614718748}`,
		nested(schema.MaxNesting), nested(schema.MaxNesting + 1), `{"event":"chat_session_signaling","data":` + nested(70) + `}`,
		`{"event":"chat_session_signaling","data":"{\"a\":\"\\ud800\"}"}`, `{"event":"chat_session_` + strings.Repeat("\\u0000\\n", 30) + `"}`,
		`{"event":"chat_session_secure_form_data","data":{"pin":"1"}}`, `{"event":"chat_session_status","ewt":"1.7e308","state":"failed"}`,
		`{"event":"chat_session_form_data","data":{"a":[1,{}]},"timestamp":253402300799999}`, "{\"event\":\"\xff\",\"\xfe\":1}", `{"event":"x","event":"y"}`,
		`{"event":"chat_session_case_set","case_id":null}`, `{"event":"chat_session_location","latitude":-0,"longitude":"1e308"}`, `{"specversion":"1.0"}`,
	} {
		f.Add([]byte(seed))
	}
	key, err := chats.KeyOf("chat:ü/1")
	if err != nil {
		f.Fatal(err)
	}
	l := New(Needs{Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"}}, key, "app-1", natstest.Log())
	f.Fuzz(func(t *testing.T, raw []byte) {
		wire := brightpattern.ParseEvent(raw)
		event := translate.ReadServerEvent(key.ID, wire)
		for _, one := range []translate.ServerEvent{event, event.Bare("reason")} {
			checkWritten(t, l, one)
		}
		if reason, ends := wire.EndsSession(); ends && translate.EndOf(event.Data) != reason {
			t.Errorf("%s has ended the session, and reads as no end", wire.Name)
		}
		checkTold(t, key.ID, wire)
	})
}

func checkWritten(t *testing.T, l *Log, wire translate.ServerEvent) {
	t.Helper()
	m := l.eventMessage(wire, translate.FromPoll, golden.Time(1), golden.Time(2))
	if err := m.complement(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		msg, err := schema.Encode(m.event, mode)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		checkHeader(t, msg.Header)
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		read, err := schema.DecodeEvent(ce)
		if err != nil || read.Name() != wire.Data.Name() || read.Header().ChatID != string(l.chat.ID) {
			t.Errorf("%s: %+v, %v", mode, read, err)
		}
		if depth := brightpattern.ShapeOf(msg.Data).Depth; depth > 64 {
			t.Errorf("%s: it has %d levels", mode, depth)
		}
	}
	if _, err := natstest.Prefix.Parse(m.subject); err != nil || len(m.subject) > 3<<10 {
		t.Errorf("the subject is %q: %v", m.subject, err)
	}
}

func checkHeader(t *testing.T, h nats.Header) {
	t.Helper()
	for name, values := range h {
		for _, value := range values {
			if strings.ContainsFunc(name+value, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("header %q is %q", name, value)
			}
		}
	}
}

// checkTold: a history can be told with the event in it.
func checkTold(t *testing.T, chat brightpattern.ChatID, wire brightpattern.Event) {
	t.Helper()
	told := translate.History(chat, []brightpattern.Event{wire})
	written, err := json.Marshal(schema.ChatHistoryResult{Events: told})
	var read schema.ChatHistoryResult
	if err == nil {
		err = json.Unmarshal(written, &read)
	}
	if err != nil || len(read.Events) != 1 || reflect.TypeOf(read.Events[0].Event) != reflect.TypeOf(told[0].Event) {
		t.Errorf("told as %.200s: %v", written, err)
	}
	if wire.Name == brightpattern.EventSecureFormData && strings.Contains(string(written), `"raw"`) {
		t.Errorf("raw is told of a secure form: %.200s", written)
	}
}
