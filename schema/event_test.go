package schema

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// carrying is a CloudEvent of that type with that JSON.
func carrying(t *testing.T, typ, data string) event.Event {
	t.Helper()
	e := event.New()
	e.SetID("1")
	e.SetSource("s")
	e.SetType(typ)
	if err := e.SetData(event.ApplicationJSON, json.RawMessage(data)); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEventsTable(t *testing.T) {
	seen := map[string]bool{}
	for _, info := range Events {
		e := info.empty()
		if e.Name() != info.Name || info.Wire != "chat_session_"+info.Name || info.Doc == "" || seen[info.Name] {
			t.Errorf("%+v makes a %T named %s", info, e, e.Name())
		}
		seen[info.Name] = true
		if typ := reflect.TypeOf(e).Elem().Name(); strings.ToLower(typ) != strings.ReplaceAll(info.Name, "_", "") {
			t.Errorf("%s is a %s", info.Name, typ)
		}
		if same := NewEvent(info.Name); reflect.TypeOf(same) != reflect.TypeOf(e) {
			t.Errorf("NewEvent(%q) is a %T", info.Name, same)
		}
	}
	if len(Events) != 28 {
		t.Errorf("%d events", len(Events))
	}
	byDirection := map[Direction]int{}
	for _, info := range Events {
		byDirection[info.Direction]++
	}
	if !reflect.DeepEqual(byDirection, map[Direction]int{FromServer: 11, FromClient: 8, FromBoth: 9}) {
		t.Errorf("%v", byDirection)
	}
}

// Only the names that other programs rely on stand in events, and all of them do.
func TestEventFieldNames(t *testing.T) {
	public := strings.Fields(`chatId timestamp raw messageId refMessageId partyId text html firstName lastName displayName
		partyType state estimatedWaitTime caseId fileId fileName fileType latitude longitude url formRequestId formName formId
		formTimeout message signal channel serviceName object contentType size sha256 error data providerType title page`)
	used := map[string]bool{}
	for _, info := range Events {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(info.empty()).Elem()) {
			if f.Anonymous {
				continue
			}
			name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
			used[name] = true
			if !slices.Contains(public, name) || (option == "omitempty") == (name == "chatId") {
				t.Errorf("%s: %s is tagged %s", info.Name, f.Name, f.Tag)
			}
		}
	}
	if len(used) != len(public) {
		t.Errorf("%d of %d names are used", len(used), len(public))
	}
}

func TestDecodeEvent(t *testing.T) {
	e, err := DecodeEvent(carrying(t, EventType("party_joined"),
		`{"chatId":"1","timestamp":"2026-01-02T03:04:05.006+01:00","partyId":"p","displayName":"Ann","new":1,"raw":{"b":1.0,"a":2}}`))
	if err != nil {
		t.Fatal(err)
	}
	joined, ok := e.(*PartyJoined)
	if !ok || joined.ChatID != "1" || joined.PartyID != "p" || joined.DisplayName != "Ann" || string(joined.Raw) != `{"b":1.0,"a":2}` {
		t.Errorf("%#v", e)
	}
	if want := time.Date(2026, 1, 2, 2, 4, 5, 6e6, time.UTC); !joined.Timestamp.Equal(want) || e.Header() != &joined.EventHeader {
		t.Errorf("header %+v", e.Header())
	}
}

func TestDecodeUnknownEvent(t *testing.T) {
	for _, name := range []string{"x_queue=20update", "brand_new", "unknown", "a.b"} {
		e, err := DecodeEvent(carrying(t, EventType(name), `{"chatId":"1","raw":5}`))
		if _, ok := e.(*Unknown); err != nil || !ok || e.Name() != name || string(e.Header().Raw) != `5` {
			t.Errorf("%s: %#v, %v", name, e, err)
		}
	}
}

func TestCaseCleared(t *testing.T) {
	for data, want := range map[string]*string{`{}`: nil, `{"caseId":""}`: new(string)} {
		e, err := DecodeEvent(carrying(t, EventType("case_set"), data))
		if err != nil || !reflect.DeepEqual(e.(*CaseSet).CaseID, want) {
			t.Errorf("%s: %#v, %v", data, e, err)
		}
	}
	if b, _ := json.Marshal(&CaseSet{CaseID: new(string)}); string(b) != `{"chatId":"","caseId":""}` {
		t.Errorf("%s", b)
	}
}

func TestDecodersRefuse(t *testing.T) {
	types := map[string]func(event.Event) error{
		EventType("message"):         func(e event.Event) error { _, err := DecodeEvent(e); return err },
		SessionType("gap"):           func(e event.Event) error { _, err := DecodeSession(e); return err },
		ResultType("chat", "send"):   func(e event.Event) error { _, err := DecodeResult(e); return err },
		EventType("location"):        func(e event.Event) error { _, err := DecodeEvent(e); return err },
		ResultType("case", "close"):  func(e event.Event) error { _, err := DecodeResult(e); return err },
		SessionType("opened"):        func(e event.Event) error { _, err := DecodeSession(e); return err },
		EventType("x_something=20a"): func(e event.Event) error { _, err := DecodeEvent(e); return err },
	}
	for typ, decode := range types {
		for _, data := range []string{`{"chatId":4111111111}`, `5`, `null`, `[]`, `"x"`, ``} {
			e := carrying(t, typ, `{}`)
			e.DataEncoded = []byte(data)
			var ferr *FieldError
			if err := decode(e); !errors.As(err, &ferr) || strings.Contains(err.Error(), "4111") {
				t.Errorf("%s of %q: %v", typ, data, err)
			}
		}
		e := carrying(t, typ, `{}`)
		e.DataEncoded = nil
		e.SetExtension(AttrDataRef, NewDataRef("CC_FILES", "x/y"))
		if err := decode(e); !errors.Is(err, ErrElsewhere) {
			t.Errorf("%s with a dataref: %v", typ, err)
		}
		for other := range types {
			sameKind := strings.Split(strings.Split(typ, ".v1")[0], ".")[3] == strings.Split(other, ".")[3]
			if err := decode(carrying(t, other, `{}`)); !sameKind && !errors.Is(err, ErrOtherType) {
				t.Errorf("%s read as %s: %v", other, typ, err)
			}
		}
		for _, odd := range []string{"", "com.brightpattern.", "com.brightpattern.chat.event..v1", "com.brightpattern.chat.event.message",
			"com.brightpattern.chat.session.begun.v1", "com.brightpattern.result.v1", "org.example.chat.event.message.v1"} {
			if err := decode(carrying(t, odd, `{}`)); !errors.Is(err, ErrOtherType) {
				t.Errorf("%q: %v", odd, err)
			}
		}
	}
}

func TestSecureFormDataKeepsNoSecrets(t *testing.T) {
	e := &SecureFormData{EventHeader: EventHeader{ChatID: "1", Raw: json.RawMessage(`{"data":{"pin":"S3CRET"}}`)}, FormName: "card"}
	for _, v := range []any{e, *e, NamedEvent{e}, ChatHistoryResult{Events: []NamedEvent{{e}}}} {
		b, err := json.Marshal(v)
		if err != nil || strings.Contains(string(b), "S3CRET") || !strings.Contains(string(b), `"formName":"card"`) {
			t.Errorf("%T: %s, %v", v, b, err)
		}
	}
	if e.Raw == nil {
		t.Error("writing the event changed it")
	}
}

func TestNamedEvent(t *testing.T) {
	for _, text := range []string{
		`{"name":"message","chatId":"1","raw":{"event":"chat_session_message"},"messageId":"3","text":"a"}`,
		`{"name":"ended","chatId":"1"}`,
		`{"name":"x_odd","chatId":"1","raw":[1]}`,
	} {
		var n NamedEvent
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if b, err := json.Marshal(n); err != nil || string(b) != text {
			t.Errorf("%s came back as %s, %v", text, b, err)
		}
	}
	for _, bad := range []string{`{}`, `{"name":""}`, `{"name":5}`, `[]`, `null`, `{"name":"message","text":5}`} {
		if err := (&NamedEvent{}).UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
	if _, err := json.Marshal(NamedEvent{}); err == nil {
		t.Error("a NamedEvent of nothing was written")
	}
}

func TestTime(t *testing.T) {
	cet := time.FixedZone("", 3600)
	for want, at := range map[string]time.Time{
		`"2026-01-02T02:04:05.006Z"`: time.Date(2026, 1, 2, 3, 4, 5, 6_999_999, cet),
		`"2026-01-02T03:04:05.000Z"`: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	} {
		b, err := json.Marshal(NewTime(at))
		if err != nil || string(b) != want || `"`+NewTime(at).String()+`"` != want {
			t.Errorf("%s, %v, want %s", b, err, want)
		}
		var back Time
		if err := json.Unmarshal(b, &back); err != nil || !back.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("%s came back as %s, %v", b, back, err)
		}
	}
	if NewTime(time.Time{}) != nil {
		t.Error("the zero time is known")
	}
	if _, err := json.Marshal(NewTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))); err == nil {
		t.Error("the year 10000 was written")
	}
	for _, bad := range []string{`5`, `""`, `"yesterday"`, `{}`} {
		if err := json.Unmarshal([]byte(bad), &Time{}); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}
