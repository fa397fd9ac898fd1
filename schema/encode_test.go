package schema

import (
	"bytes"
	"errors"
	"maps"
	"net/url"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
	"pgregory.net/rapid"
)

// bySDK is the event as the sdk writes it, once it is told what to write as what.
func bySDK(t *rapid.T, e event.Event) []byte {
	c := *e.Context.(*event.EventContextV1)
	c.Extensions = maps.Clone(c.Extensions)
	for name, value := range c.Extensions {
		switch value.(type) {
		case bool, int32:
		default:
			text, err := types.Format(value)
			if err != nil {
				t.Fatal(err)
			}
			c.Extensions[name] = text
		}
	}
	e.Context = &c
	e.DataBase64 = !isJSON(e.DataContentType()) && (e.DataBase64 || !utf8.Valid(e.DataEncoded))
	if len(e.DataEncoded) == 0 {
		e.DataEncoded, e.DataBase64 = nil, false
	}
	var b bytes.Buffer
	if err := event.WriteJson(&e, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// oddText has what has to be escaped, somewhere.
var oddText = rapid.StringOf(rapid.SampledFrom([]rune("aZ0/:?#%&=<>\"\\\n\r\t\b\x00\x1f\x7f é\u2028\U0001F600")))

func oddEvent() *rapid.Generator[event.Event] {
	text := oddText.Filter(func(s string) bool { return !isBlank(s) })
	reference := rapid.Custom(func(t *rapid.T) url.URL {
		return url.URL{Scheme: "a", Host: rapid.SampledFrom([]string{"", "h"}).Draw(t, "host"), Path: "/" + oddText.Draw(t, "path"), RawQuery: rapid.SampledFrom([]string{"", "q=1&r=%41"}).Draw(t, "query")}
	})
	return rapid.Custom(func(t *rapid.T) event.Event {
		c := &event.EventContextV1{ID: text.Draw(t, "id"), Type: text.Draw(t, "type"), Source: types.URIRef{URL: reference.Draw(t, "source")}, Extensions: map[string]any{}}
		for _, name := range rapid.SliceOfNDistinct(rapid.StringMatching("[a-z0-9]{1,9}"), 0, 6, rapid.ID).Draw(t, "names") {
			if _, core := setters[name]; !core && isAttributeName(name) {
				c.Extensions[name] = rapid.OneOf(rapid.Bool().AsAny(), rapid.Int32().AsAny(), oddText.AsAny(), rapid.SliceOf(rapid.Byte()).AsAny(),
					rapid.Just(types.Timestamp{Time: time.Unix(1, 2)}).AsAny()).Draw(t, "value")
			}
		}
		if rapid.Bool().Draw(t, "more") {
			subject, at := text.Draw(t, "subject"), types.Timestamp{Time: time.Unix(rapid.Int64Range(0, 1<<32).Draw(t, "time"), 5).In(time.FixedZone("", 3600))}
			c.Subject, c.Time, c.DataSchema = &subject, &at, &types.URI{URL: reference.Draw(t, "schema")}
		}
		e := event.Event{Context: c, DataBase64: rapid.Bool().Draw(t, "base64")}
		contentType := rapid.SampledFrom([]string{"", "application/json", "text/json; charset=utf-8", "text/plain", "image/png"}).Draw(t, "content type")
		if contentType != "" {
			c.DataContentType = &contentType
		}
		if isJSON(contentType) {
			e.DataEncoded = []byte(rapid.SampledFrom([]string{"", "null", ` {"a": "<\u0041>"} `, "[1.0e5]"}).Draw(t, "data"))
		} else {
			e.DataEncoded = rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
		}
		return e
	})
}

// What is written straight is what the sdk writes, byte by byte, and is read by
// readers that are not this package's, in both modes.
func TestEventsAreWrittenAsBySDK(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		e := oddEvent().Draw(r, "event")
		for _, m := range []Mode{Structured, Binary} {
			msg, err := Encode(e, m)
			if err != nil {
				r.Fatal(err)
			}
			if want := bySDK(r, e); m == Structured && !bytes.Equal(msg.Data, want) {
				r.Fatalf("got  %s\nwant %s", msg.Data, want)
			}
			sameAgain(t, e, msg)
			foreignReader(t, e, m, msg)
		}
		if t.Failed() {
			r.FailNow()
		}
	})
}

// An event is called plainly valid only if the sdk finds nothing wrong with it.
func TestPlainlyValidEventsAreValid(t *testing.T) {
	for name, spoil := range map[string]func(*event.Event, *event.EventContextV1){
		"no id":           func(_ *event.Event, c *event.EventContextV1) { c.ID = "" },
		"blank id":        func(_ *event.Event, c *event.EventContextV1) { c.ID = " \u00a0" },
		"blank type":      func(_ *event.Event, c *event.EventContextV1) { c.Type = "\t" },
		"no source":       func(_ *event.Event, c *event.EventContextV1) { c.Source = types.URIRef{} },
		"blank subject":   func(_ *event.Event, c *event.EventContextV1) { blank := " "; c.Subject = &blank },
		"schema's path":   func(_ *event.Event, c *event.EventContextV1) { c.DataSchema = types.ParseURI("/a") },
		"bad media type":  func(_ *event.Event, c *event.EventContextV1) { bad := "a/b/c"; c.DataContentType = &bad },
		"blank type data": func(_ *event.Event, c *event.EventContextV1) { blank := " "; c.DataContentType = &blank },
		"a field's error": func(e *event.Event, _ *event.EventContextV1) {
			e.FieldErrors = map[string]error{"id": errors.New("bad")}
		},
		"no context": func(e *event.Event, _ *event.EventContextV1) { e.Context = nil },
	} {
		e := sample(t)
		if !isPlainlyValid(e) {
			t.Fatal("a good event is not plainly valid")
		}
		spoil(&e, e.Context.(*event.EventContextV1))
		if _, err := Encode(e, Structured); err == nil || isPlainlyValid(e) {
			t.Errorf("%s: it is written, %v", name, err)
		}
	}
}
