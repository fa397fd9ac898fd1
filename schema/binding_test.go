package schema

import (
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding/format"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
)

// sample is a server event with every attribute that the connector sets.
func sample(t *testing.T) event.Event {
	t.Helper()
	e := event.New()
	e.SetID("e-1")
	e.SetType(EventType("message"))
	e.SetSource(EventSource("acme.example.com", "we=20b", "K1x"))
	e.SetSubject("K1x")
	e.SetTime(time.Date(2026, 3, 2, 20, 59, 8, 250e6, time.UTC))
	e.SetDataSchema(DataSchema("cc-connector:/schemas", "event", "message"))
	e.SetExtension(AttrSequence, FormatSequence(7))
	e.SetExtension(AttrPartitionKey, "K1x")
	e.SetExtension(AttrOrigin, OriginPoll)
	e.SetExtension(AttrRecordedTime, "2026-03-02T20:59:08.300Z")
	e.SetExtension(AttrCorrelationID, "50% \"sure\", é")
	if err := e.SetData(event.ApplicationJSON, []byte(`{"chatId":"K1x","text":"a<b"}`)); err != nil {
		t.Fatal(err)
	}
	if err := e.Validate(); err != nil {
		t.Fatal(err)
	}
	return e
}

func encode(t *testing.T, e event.Event, m Mode) *nats.Msg {
	t.Helper()
	msg, err := Encode(e, m)
	if err != nil {
		t.Fatalf("%s: %v", m, err)
	}
	if msg.Subject != "" || msg.Reply != "" {
		t.Errorf("%s: subject %q, reply %q", m, msg.Subject, msg.Reply)
	}
	return msg
}

// attributesOf lists an event's attributes as text.
func attributesOf(t *testing.T, e event.Event) map[string]string {
	t.Helper()
	w, ferr := prepare(e)
	if ferr != nil {
		t.Fatal(ferr)
	}
	all := map[string]string{}
	for _, a := range w.attributes {
		all[a.name] = a.value
	}
	return all
}

func TestEncodeBinaryForStrictReader(t *testing.T) {
	e := sample(t)
	msg := encode(t, e, Binary)
	attrs, err := strictBinary(msg)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"specversion": "1.0", "id": "e-1", "type": "com.brightpattern.chat.event.message.v1",
		"source": "//acme.example.com/we=20b/chats/K1x", "subject": "K1x", "time": "2026-03-02T20:59:08.25Z",
		"datacontenttype": "application/json", "dataschema": "cc-connector:/schemas/v1/event.message.json",
		"sequence": "0000000007", "partitionkey": "K1x", "origin": "poll",
		"recordedtime": "2026-03-02T20:59:08.300Z", "correlationid": "50% \"sure\", é",
	}
	if !maps.Equal(attrs, want) {
		t.Errorf("got  %v\nwant %v", attrs, want)
	}
	if got := msg.Header["ce-correlationid"][0]; got != "50%25%20%22sure%22,%20%C3%A9" {
		t.Errorf("correlationid is written %q", got)
	}
	if got := msg.Header["Content-Type"]; len(got) != 1 || got[0] != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	if string(msg.Data) != string(e.Data()) {
		t.Errorf("data %s", msg.Data)
	}
}

func TestEncodeStructuredForSDK(t *testing.T) {
	e := sample(t)
	msg := encode(t, e, Structured)
	if got := msg.Header; len(got) != 1 || len(got["Content-Type"]) != 1 || got["Content-Type"][0] != "application/cloudevents+json" {
		t.Errorf("header %v", got)
	}
	reader := format.Lookup(msg.Header["Content-Type"][0])
	if reader == nil {
		t.Fatal("the sdk has no reader for this Content-Type")
	}
	var read event.Event
	if err := reader.Unmarshal(msg.Data, &read); err != nil {
		t.Fatal(err)
	}
	if err := read.Validate(); err != nil {
		t.Fatal(err)
	}
	if got, want := attributesOf(t, read), attributesOf(t, e); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if read.DataBase64 || string(read.Data()) != string(e.Data()) {
		t.Errorf("data %s, base64 %v", read.Data(), read.DataBase64)
	}
}

func TestEncodeLeavesTheEventAlone(t *testing.T) {
	for _, m := range []Mode{Structured, Binary} {
		e := sample(t)
		e.SetExtension("when", time.Unix(0, 0))
		before := e.String()
		encode(t, e, m)
		if !e.DataBase64 || e.String() != before {
			t.Errorf("%s: the event became\n%s", m, e)
		}
	}
}

func TestDecodeWhatSDKWrites(t *testing.T) {
	e := sample(t)
	e.SetExtension("anumber", int32(-5))
	e.SetExtension("aflag", true)
	e.DataBase64 = true
	b, err := format.JSON.Marshal(&e)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), `"data_base64"`) {
		t.Fatalf("the sdk wrote no data_base64: %s", b)
	}
	read, form, err := Decode(nil, b)
	if err != nil || form != FormStructured {
		t.Fatal(form, err)
	}
	if got, want := attributesOf(t, read), attributesOf(t, e); !maps.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if string(read.Data()) != string(e.Data()) {
		t.Errorf("data %s", read.Data())
	}
}

const minimal = `"specversion":"1.0","id":"1","source":"s","type":"t"`

func binaryHeader(more ...string) nats.Header {
	h := nats.Header{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-source": {"s"}, "ce-type": {"t"}}
	for i := 0; i < len(more); i += 2 {
		h[more[i]] = append(h[more[i]], more[i+1])
	}
	return h
}

func TestForms(t *testing.T) {
	for name, c := range map[string]struct {
		header nats.Header
		data   string
		form   Form
		want   string // the data
	}{
		"by content type":       {nats.Header{"Content-Type": {"application/cloudevents+json"}}, `{` + minimal + `,"data":{"a":1}}`, FormStructured, `{"a":1}`},
		"in any case":           {nats.Header{"content-TYPE": {"Application/CloudEvents; charset=UTF-8"}}, `{` + minimal + `}`, FormStructured, ``},
		"by specversion":        {nil, ` {` + minimal + `,"data":[ 1 ]}`, FormStructured, `[ 1 ]`},
		"before binary":         {binaryHeader(), `{` + minimal + `,"data":2}`, FormStructured, `2`},
		"null attributes":       {nil, `{` + minimal + `,"subject":null,"x":null,"data":null}`, FormStructured, `null`},
		"empty attributes":      {nil, `{` + minimal + `,"subject":"","time":"","dataschema":"","datacontenttype":"","data":1}`, FormStructured, `1`},
		"text data":             {nil, `{` + minimal + `,"datacontenttype":"text/plain","data":"a\nb"}`, FormStructured, "a\nb"},
		"base64":                {nil, `{` + minimal + `,"data_base64":"eyJhIjoxfQ=="}`, FormStructured, `{"a":1}`},
		"binary":                {binaryHeader(), `{"a":1}`, FormBinary, `{"a":1}`},
		"binary in capitals":    {nats.Header{"CE-SpecVersion": {"1.0"}, "Ce-Id": {"1"}, "cE-source": {"s"}, "CE-TYPE": {"t"}}, `7`, FormBinary, `7`},
		"binary without data":   {binaryHeader(), ``, FormBinary, ``},
		"plain":                 {nil, `{"chatId":"1"}`, FormPlain, `{"chatId":"1"}`},
		"plain by content type": {nats.Header{"Content-Type": {"application/json"}}, `{}`, FormPlain, `{}`},
		"plain, nested":         {nil, `{"a":{"specversion":"1.0"}}`, FormPlain, `{"a":{"specversion":"1.0"}}`},
		"plain, other case":     {nil, `{"SpecVersion":"1.0"}`, FormPlain, `{"SpecVersion":"1.0"}`},
		"plain, not JSON":       {nil, `{"specversion":"1.0"`, FormPlain, `{"specversion":"1.0"`},
		"plain, empty":          {nats.Header{"Nats-Msg-Id": {"1"}}, ``, FormPlain, ``},
	} {
		e, form, err := Decode(c.header, []byte(c.data))
		if err != nil || form != c.form || string(e.Data()) != c.want {
			t.Errorf("%s: form %q, data %q, error %v", name, form, e.Data(), err)
		}
		if c.form != FormPlain && (e.ID() != "1" || e.Source() != "s" || e.Type() != "t") {
			t.Errorf("%s: %s", name, e)
		}
		if c.form == FormPlain && (e.ID() != "" || e.Source() != "" || e.Type() != "") {
			t.Errorf("%s: attributes from nowhere: %s", name, e)
		}
	}
}

func TestDecodeBinaryValues(t *testing.T) {
	for written, want := range map[string]string{
		"plain":           "plain",
		"a%20b%22%25":     `a b"%`,
		"%c3%A9":          "é",
		"a b":             "a b",
		"é":               "é",
		`"a b"`:           "a b",
		`"a\"b\\%22"`:     `a"b\"`,
		`"`:               `"`,
		"%E2%82%AC%25%32": "€%2",
		"":                "",
	} {
		e, _, err := Decode(binaryHeader("Ce-CorrelationID", written), nil)
		if got := Extension(e, AttrCorrelationID); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", written, got, err, want)
		}
	}
}

func TestDecodeNamesTheAttribute(t *testing.T) {
	const secret = "S3CRET"
	structured := func(members string) (nats.Header, string) {
		return nats.Header{"Content-Type": {"application/cloudevents+json"}}, `{` + members + `}`
	}
	type input struct {
		header nats.Header
		data   string
	}
	of := func(h nats.Header, data string) input { return input{h, data} }
	without := func(name string) nats.Header { h := binaryHeader(); delete(h, "ce-"+name); return h }
	for name, c := range map[string]struct {
		in    input
		field string
	}{
		"no specversion":      {of(structured(`"id":"1","source":"s","type":"t"`)), "specversion"},
		"other specversion":   {of(structured(`"specversion":"` + secret + `","id":"1","source":"s","type":"t"`)), "specversion"},
		"no id":               {of(structured(`"specversion":"1.0","source":"s","type":"t"`)), "id"},
		"empty id":            {of(structured(`"specversion":"1.0","id":"","source":"s","type":"t"`)), "id"},
		"blank id":            {of(structured(`"specversion":"1.0","id":" ","source":"s","type":"t"`)), "id"},
		"no source":           {of(structured(`"specversion":"1.0","id":"1","type":"t"`)), "source"},
		"bad source":          {of(structured(`"specversion":"1.0","id":"1","source":"%zz` + secret + `","type":"t"`)), "source"},
		"null type":           {of(structured(`"specversion":"1.0","id":"1","source":"s","type":null`)), "type"},
		"numeric id":          {of(structured(`"specversion":"1.0","id":5,"source":"s","type":"t"`)), "id"},
		"id twice":            {of(structured(minimal + `,"id":"` + secret + `"`)), "id"},
		"data twice":          {of(structured(minimal + `,"data":1,"data":"` + secret + `"`)), `"data"`},
		"data and base64":     {of(structured(minimal + `,"data":1,"data_base64":""`)), "data_base64"},
		"bad base64":          {of(structured(minimal + `,"data_base64":"` + secret + `"`)), "data_base64"},
		"base64 of a number":  {of(structured(minimal + `,"data_base64":5`)), "data_base64"},
		"bad time":            {of(structured(minimal + `,"time":"` + secret + `"`)), "time"},
		"relative dataschema": {of(structured(minimal + `,"dataschema":"` + secret + `"`)), "dataschema"},
		"bad datacontenttype": {of(structured(minimal + `,"datacontenttype":"` + secret + `/ /"`)), "datacontenttype"},
		"object extension":    {of(structured(minimal + `,"ext":{"a":"` + secret + `"}`)), "ext"},
		"fraction":            {of(structured(minimal + `,"ext":1.5`)), "ext"},
		"large number":        {of(structured(minimal + `,"ext":2147483648`)), "ext"},
		"odd name":            {of(structured(minimal + `,"Ext\n":"` + secret + `"`)), `"Ext\n"`},
		"long name":           {of(structured(minimal + `,"` + strings.Repeat("x", 65) + `":{}`)), `"` + strings.Repeat("x", 64) + `"…`},
		"not JSON":            {of(structured(secret)), "data"},
		"an array":            {of(nats.Header{"Content-Type": {"application/cloudevents+json"}}, `[]`), "data"},
		"two objects":         {of(nats.Header{"Content-Type": {"application/cloudevents+json"}}, `{`+minimal+`} {}`), "data"},
		"invalid UTF-8":       {of(structured(minimal + ",\"subject\":\"\xff\"")), "data"},
		"batch":               {of(nats.Header{"Content-Type": {"application/CloudEvents-Batch+json"}}, `[{`+minimal+`}]`), "Content-Type"},
		"two content types":   {of(nats.Header{"Content-Type": {"a/b"}, "content-type": {"a/b"}}, `{}`), "Content-Type"},

		"binary, no specversion":    {of(without("specversion"), ``), "specversion"},
		"binary, no id":             {of(without("id"), ``), "id"},
		"binary, no source":         {of(without("source"), ``), "source"},
		"binary, no type":           {of(without("type"), ``), "type"},
		"binary, other specversion": {of(nats.Header{"ce-specversion": {"0.3"}, "ce-id": {secret}}, ``), "specversion"},
		"binary, id twice":          {of(binaryHeader("ce-id", secret), ``), "id"},
		"binary, id in two cases":   {of(binaryHeader("CE-ID", secret), ``), "id"},
		"binary, no value":          {of(nats.Header{"ce-id": {}}, ``), "id"},
		"binary, bare percent":      {of(binaryHeader("ce-subject", secret+"%"), ``), "subject"},
		"binary, bad percent":       {of(binaryHeader("ce-subject", secret+"%4g"), ``), "subject"},
		"binary, invalid UTF-8":     {of(binaryHeader("ce-subject", secret+"%FF"), ``), "subject"},
		"binary, bad time":          {of(binaryHeader("ce-time", secret), ``), "time"},
		"binary, odd name":          {of(binaryHeader("ce-a_b", secret), ``), `"a_b"`},
		"binary, data":              {of(binaryHeader("ce-data", secret), ``), `"data"`},
	} {
		_, _, err := Decode(c.in.header, []byte(c.in.data))
		var ferr *FieldError
		if !errors.As(err, &ferr) || ferr.Field != c.field {
			t.Errorf("%s: %v, want it to name %s", name, err, c.field)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error quotes the value: %v", name, err)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for field, spoil := range map[string]func(*event.Event){
		"specversion": func(e *event.Event) { e.Context = nil },
		"id":          func(e *event.Event) { e.Context.(*event.EventContextV1).ID = "" },
		"type":        func(e *event.Event) { e.Context.(*event.EventContextV1).Type = "\xff" },
		"source":      func(e *event.Event) { e.SetSource("") },
		"time":        func(e *event.Event) { e.SetTime(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)) },
		"dataschema":  func(e *event.Event) { e.SetDataSchema("relative") },
		"data":        func(e *event.Event) { e.DataEncoded = []byte(`{"a":`) },
		`"data"`:      func(e *event.Event) { e.SetExtension("data", "x") },
		"trace":       func(e *event.Event) { e.SetExtension("trace", "\xff") },
	} {
		for _, m := range []Mode{Structured, Binary} {
			e := sample(t)
			spoil(&e)
			_, err := Encode(e, m)
			var ferr *FieldError
			if !errors.As(err, &ferr) || ferr.Field != field {
				t.Errorf("%s, %s: %v", m, field, err)
			}
		}
	}
	e := sample(t)
	e.DataEncoded = []byte("\"\xff\"") // encoding/json calls it valid
	if _, err := Encode(e, Structured); err == nil {
		t.Error("data that are not UTF-8 were encoded")
	}
	old := event.New(event.CloudEventsVersionV03)
	old.SetID("1")
	old.SetSource("s")
	old.SetType("t")
	if _, err := Encode(old, Binary); err == nil {
		t.Error("specversion 0.3 was encoded")
	}
}

func TestEncodeOtherData(t *testing.T) {
	for _, c := range []struct{ contentType, data string }{
		{"text/plain", "a\n\"b\""},
		{"application/octet-stream", "\xff\x00"},
		{"application/json", ""},
		{"", `[1]`},
		{"application/cloudevents+json", `{"a":1}`},
	} {
		for _, m := range []Mode{Structured, Binary} {
			e := sample(t)
			e.SetDataContentType(c.contentType)
			e.DataEncoded, e.DataBase64 = []byte(c.data), false
			msg := encode(t, e, m)
			read, form, err := Decode(msg.Header, msg.Data)
			if err != nil || string(form) != string(m) || string(read.Data()) != c.data || read.DataContentType() != c.contentType {
				t.Errorf("%s of %q: form %s, %q of %q, %v", m, c.contentType, form, read.Data(), read.DataContentType(), err)
			}
		}
	}
}

func TestParseMode(t *testing.T) {
	for s, want := range map[string]Mode{"structured": Structured, "binary": Binary, "": "", "Binary": ""} {
		if m, err := ParseMode(s); m != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", s, m, err)
		}
	}
}
