package schema

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

func TestNames(t *testing.T) {
	for got, want := range map[string]string{
		EventType("message"):                               "com.brightpattern.chat.event.message.v1",
		SessionType("gap"):                                 "com.brightpattern.chat.session.gap.v1",
		ResultType("case", "close"):                        "com.brightpattern.case.result.close.v1",
		CommandType("chat", "send"):                        "com.brightpattern.chat.command.send.v1",
		EventSource("h.example.com", "a", "K1"):            "//h.example.com/a/chats/K1",
		CommandsSource("h.example.com", "a"):               "//h.example.com/a/commands",
		DataSchema("cc:/s", "result", "chat", "send"):      "cc:/s/v1/result.chat.send.json",
		DataSchema("https://x/schemas/", "session", "gap"): "https://x/schemas/v1/session.gap.json",
		EventDataSchema("cc:/s", "message"):                "cc:/s/v1/event.message.json",
		EventDataSchema("cc:/s", "x_a=20b"):                "cc:/s/v1/event.unknown.json",
		FormatSequence(1):                                  "0000000001",
		NewDataRef("CC_FILES", "a/b"):                      "nats-object:CC_FILES/a/b",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func with(name string, value any) event.Event {
	e := event.New()
	e.SetExtension(name, value)
	return e
}

func TestSequence(t *testing.T) {
	for value, want := range map[any]uint64{"0000000001": 1, "18446744073709551615": 1<<64 - 1, int32(7): 7} {
		if got, err := Sequence(with(AttrSequence, value)); err != nil || got != want {
			t.Errorf("%v: %d, %v", value, got, err)
		}
	}
	for _, bad := range []any{"", "-1", "1.0", "x", "18446744073709551616", true} {
		var ferr *FieldError
		if _, err := Sequence(with(AttrSequence, bad)); !errors.As(err, &ferr) || ferr.Field != "sequence" {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := Sequence(event.Event{}); err == nil {
		t.Error("an event without attributes has a sequence")
	}
}

func TestExpiryTime(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	if got, err := ExpiryTime(with(AttrExpiryTime, at.Format(time.RFC3339Nano))); err != nil || !got.Equal(at) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ExpiryTime(event.New()); err != nil || !got.IsZero() {
		t.Errorf("without one: %v, %v", got, err)
	}
	if _, err := ExpiryTime(with(AttrExpiryTime, "soon")); err == nil {
		t.Error("soon is a time")
	}
}

func TestDataRef(t *testing.T) {
	if bucket, object, ok := DataRef(with(AttrDataRef, NewDataRef("CC_FILES", "a/b"))); !ok || bucket != "CC_FILES" || object != "a/b" {
		t.Errorf("%q, %q, %v", bucket, object, ok)
	}
	for _, bad := range []string{"", "nats-object:", "nats-object:b", "nats-object:b/", "nats-object:/o", "https://b/o"} {
		if _, _, ok := DataRef(with(AttrDataRef, bad)); ok {
			t.Errorf("%q is a reference", bad)
		}
	}
}

func TestListIsNeverNull(t *testing.T) {
	for want, v := range map[string]any{
		`{"events":[]}`:     ChatHistoryResult{},
		`{"sessions":[]}`:   CaseHistoryResult{},
		`{"parameters":[]}`: ServiceParametersResult{},
		`{}`:                ServiceICEServersResult{},
		`{"servers":[]}`:    ServiceICEServersResult{Servers: []ICEServer{}},
		`{"parameters":[{"name":"a","type":"b"}]}`: ServiceParametersResult{Parameters: []Parameter{{"a", "b"}}},
	} {
		if b, err := json.Marshal(v); err != nil || string(b) != want {
			t.Errorf("%T: %s, %v, want %s", v, b, err, want)
		}
	}
}

// A sender's type is free, but for those that the connector has itself.
func TestOwnTypes(t *testing.T) {
	for typ, own := range map[string]bool{
		EventType("message"): true, SessionType("closed"): true, ResultType("case", "close"): true, "com.brightpattern.chat.event.message.v2": true,
		CommandType("chat", "send"): false, "com.brightpattern.crm.event.created.v1": false, "com.brightpattern.crm.session.opened.v1": false,
		"com.brightpattern.crm.result.export.v1": false, "com.brightpattern.chat.event.v1": false, "com.example.chat.event.message.v1": false, "": false,
	} {
		if IsOwnType(typ) != own {
			t.Errorf("%q is the connector's own: %t, want %t", typ, !own, own)
		}
	}
}
