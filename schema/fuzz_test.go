package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/binding/format"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"github.com/nats-io/nats.go"
)

// FuzzDecode reads anything; what it takes must be writable, and reads the same again.
func FuzzDecode(f *testing.F) {
	f.Add("Content-Type", "application/cloudevents+json", "ce-id", "1", []byte(`{`+minimal+`,"data":{}}`))
	f.Add("ce-x", strings.Repeat("%41", 1025), strings.Repeat("ce-x", 20), "1", []byte(`{`+minimal+`,"x":[[{"a":"\\"]}]]}`))
	f.Add("Ce-Specversion", "1.0", "ce-id", "%41", []byte(`{}`))
	f.Add("", "", "", "", []byte(`{`+minimal+`,"ext":-7,"flag":true,"data_base64":"AA=="}`))
	f.Add("", "", "", "", []byte(`{`+minimal+`,"time":"2026-01-01T00:00:00+01:00","datacontenttype":"text/xml","data":"<a/>"}`))
	f.Fuzz(func(t *testing.T, key1, value1, key2, value2 string, data []byte) {
		for _, h := range []nats.Header{{key1: {value1}, key2: {value2}}, binaryHeader(key1, value1, key2, value2)} {
			e, form, err := Decode(h, data)
			var ferr *FieldError
			if err != nil && (!errors.As(err, &ferr) || ferr.Field == "" || ferr.Problem == "") {
				t.Errorf("an error that names nothing: %v", err)
			}
			if err == nil && form != FormPlain {
				again(t, e)
			}
			limited(t, h, data, err)
		}
	})
}

// limited: what a command's reader takes, any reader takes, and it is bounded.
func limited(t *testing.T, h nats.Header, data []byte, anyReader error) {
	t.Helper()
	e, form, err := DecodeCommand(h, data)
	if err != nil || form == FormPlain {
		return
	}
	if anyReader != nil {
		t.Errorf("a command that is no CloudEvent: %v", anyReader)
	}
	for name := range e.Extensions() {
		if value := Extension(e, name); len(name) > maxForeignName || len(value) > MaxAttribute {
			t.Errorf("%q has %d bytes", name, len(value))
		}
	}
	if len(e.Source()) > 3*MaxAttribute || len(e.ID()+e.Type()+e.Subject()) > 3*MaxAttribute { // a URI is written anew, with %XX
		t.Errorf("%d bytes of source", len(e.Source()))
	}
	if len(e.Extensions()) > MaxAttributes || depth(data) > MaxDepth {
		t.Errorf("%d extensions, %d levels", len(e.Extensions()), depth(data))
	}
}

// again encodes a decoded event in both modes and reads it back.
func again(t *testing.T, e event.Event) {
	t.Helper()
	for _, m := range []Mode{Structured, Binary} {
		if msg, err := Encode(e, m); err == nil {
			sameAgain(t, e, msg)
		} else if ferr := new(FieldError); !errors.As(err, &ferr) || ferr.Field != "data" && ferr.Field != "time" {
			t.Errorf("decoded, but cannot be encoded: %v", err)
		}
	}
}

func sameAgain(t *testing.T, e event.Event, msg *nats.Msg) {
	t.Helper()
	if form := msg.Header["Content-Type"]; len(form) == 1 && form[0] != structuredType && looksStructured(msg.Data) {
		return // binary, but its data look like an event of their own: the published rule reads that
	}
	read, _, err := Decode(msg.Header, msg.Data)
	if err != nil {
		t.Fatalf("%q %q: %v", msg.Header, msg.Data, err)
	}
	if got, want := attributesOf(t, read), attributesOf(t, e); !maps.Equal(got, want) {
		t.Errorf("attributes came back as %q, were %q", got, want)
	}
	if got, want := read.Data(), e.Data(); !bytes.Equal(got, want) && !(isJSON(e.DataContentType()) && bytes.Equal(got, bytes.TrimSpace(want))) {
		t.Errorf("data came back as %q, were %q", got, want)
	}
}

// FuzzEncode gives attributes any value: a CloudEvent goes through both modes
// unchanged, and also through readers that are not this package's.
func FuzzEncode(f *testing.F) {
	f.Add("1", "//h/a/chats/K1", "t", "K1", "0000000001", `"a b" 50% é`, "application/json", []byte(`{"a":1}`))
	f.Add("\n", "s", "\x00", "", "", "\x7f\u2028\U0001F600", "text/plain", []byte("\xff"))
	f.Add("a", "http://[::1]/%41?q#f", "t", " ", "x", "=\\\"", "", []byte(` [1.0e5] `))
	f.Fuzz(func(t *testing.T, id, source, typ, subject, sequence, correlation, contentType string, data []byte) {
		ref, err := url.Parse(source)
		if err != nil {
			return
		}
		context := &event.EventContextV1{ID: id, Type: typ, Source: types.URIRef{URL: *ref}, Subject: &subject}
		context.Extensions = map[string]any{AttrSequence: sequence, AttrCorrelationID: correlation}
		if contentType != "" {
			context.DataContentType = &contentType
		}
		e := event.Event{Context: context, DataEncoded: data}
		for _, m := range []Mode{Structured, Binary} {
			msg, err := Encode(e, m)
			if err != nil {
				refusedRightly(t, e, err)
				continue
			}
			sameAgain(t, e, msg)
			foreignReader(t, e, m, msg)
		}
	})
}

func refusedRightly(t *testing.T, e event.Event, err error) {
	t.Helper()
	texts := strings.Join([]string{e.ID(), e.Source(), e.Type(), e.Subject(), e.DataContentType(),
		Extension(e, AttrSequence), Extension(e, AttrCorrelationID)}, " ")
	badData := isJSON(e.DataContentType()) && len(e.Data()) > 0 && !(json.Valid(e.Data()) && utf8.Valid(e.Data()))
	if utf8.ValidString(texts) && e.Validate() == nil && !badData {
		t.Errorf("a good event was refused: %v", err)
	}
}

func foreignReader(t *testing.T, e event.Event, m Mode, msg *nats.Msg) {
	t.Helper()
	if m == Structured {
		var read event.Event
		if err := format.JSON.Unmarshal(msg.Data, &read); err != nil {
			t.Errorf("the sdk cannot read %q: %v", msg.Data, err)
		} else if got, want := attributesOf(t, read), attributesOf(t, e); !maps.Equal(got, want) {
			t.Errorf("the sdk reads %q, not %q", got, want)
		}
		return
	}
	if isStructured(e.DataContentType()) {
		return // has no Content-Type, which the strict reader misses
	}
	read, err := strictBinary(msg)
	if err != nil {
		t.Error(err)
	} else if want := attributesOf(t, e); !maps.Equal(read, want) {
		t.Errorf("a strict reader reads %q, not %q", read, want)
	}
}

// FuzzValidate: what is accepted fits the command's struct, whatever the bytes.
func FuzzValidate(f *testing.F) {
	for i := range Commands {
		for _, data := range accepted[Commands[i].Name] {
			f.Add(uint8(i), []byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		c := &Commands[int(which)%len(Commands)]
		if ferr := c.Validate(data); ferr != nil {
			if ferr.Field == "" || ferr.Problem == "" || !utf8.ValidString(ferr.Error()) {
				t.Errorf("%s: %q", c.Name, ferr)
			}
			return
		}
		into := c.NewData()
		if err := ReadData(data, into); err != nil {
			t.Errorf("%s: %q was accepted, but does not fit: %v", c.Name, data, err)
		}
		b, err := json.Marshal(into)
		if err != nil {
			t.Fatal(err)
		}
		if ferr := c.Validate(b); ferr != nil {
			t.Errorf("%s: %q was accepted, but not what it was read as, %q: %v", c.Name, data, b, ferr)
		}
		withChat(t, c, data)
	})
}

func withChat(t *testing.T, c *Command, data []byte) {
	t.Helper()
	chat := "other"
	if received, ok := c.NewData().(*PushReceived); ok && ReadData(data, received) == nil {
		chat = received.ChatID
	} else if all := members(t, string(data)); all["chatId"] != nil {
		chat, _ = text(all["chatId"])
	}
	out, ferr := c.WithChat(data, chat)
	if ferr == nil {
		ferr = c.Validate(out)
	}
	if ferr != nil {
		t.Errorf("%s: %q with its own chat: %v", c.Name, data, ferr)
	}
}

// FuzzErrorsKeepSecrets plants a value in every field of every command.
func FuzzErrorsKeepSecrets(f *testing.F) {
	for i := range Commands {
		f.Add(uint8(i), uint8(0), uint16(2000), "x")
		f.Add(uint8(i), uint8(1), uint16(0), `"`)
		f.Add(uint8(i), uint8(3), uint16(9), "\n\xff")
	}
	const canary = "cAn4rY"
	f.Fuzz(func(t *testing.T, which, field uint8, repeat uint16, tail string) {
		c := &Commands[int(which)%len(Commands)]
		planted, _ := json.Marshal(strings.Repeat(canary, 1+int(repeat)%20000) + tail)
		for _, value := range []string{string(planted), `[` + string(planted) + `]`, `{"a":` + string(planted) + `}`, canary, `{"` + canary + `":1`, `"` + canary + tail} {
			name := "extra"
			if n := len(c.Fields); n > 0 && int(field)%(n+1) < n {
				name = c.Fields[int(field)%(n+1)].Name
			}
			data := `{"` + name + `":` + value + `}`
			if all := members(t, accepted[c.Name][0]); json.Valid([]byte(value)) {
				all[name] = json.RawMessage(value)
				data = string(object(t, all))
			}
			for _, err := range []*FieldError{c.Validate([]byte(data)), chatError(c, data)} {
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("%s: %v", c.Name, err)
				}
			}
			if err := ReadData([]byte(data), c.NewData()); err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	})
}

func chatError(c *Command, data string) *FieldError {
	_, ferr := c.WithChat(json.RawMessage(data), "another")
	return ferr
}
