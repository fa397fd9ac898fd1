package schema_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cc-connector/schema"
)

// Whatever Go can write of a payload's type, its schema describes.

// values are those of the types that have few.
var values = map[reflect.Type][]string{
	reflect.TypeFor[schema.GapReason]():    {string(schema.GapSignaling), string(schema.GapHistoryUnavailable), string(schema.GapHistoryUnreadable)},
	reflect.TypeFor[schema.CloseReason]():  {string(schema.ClosedEnded), string(schema.ClosedInactivityTimeout), string(schema.ClosedFailed), string(schema.ClosedCompleted), string(schema.ClosedGone), string(schema.ClosedDetached)},
	reflect.TypeFor[schema.Outcome]():      {string(schema.OutcomeNotDone), string(schema.OutcomeUnknown)},
	reflect.TypeFor[schema.Availability](): {string(schema.Available), string(schema.Unavailable)},
	reflect.TypeFor[schema.ErrorCode]():    errorCodes(),
}

func errorCodes() (all []string) {
	for _, info := range schema.ErrorCodes {
		all = append(all, string(info.Code))
	}
	return all
}

var foreign = []string{`null`, `{"event":"x","a":[1.50,{}]}`, `"text"`, `[]`}

// fill gives a struct any values, of which some stay empty if they may.
func fill(t *rapid.T, v reflect.Value, name string) {
	switch v.Interface().(type) {
	case schema.Time:
		seconds := rapid.Int64Range(-62135596800, 253402300799).Draw(t, name)
		v.Set(reflect.ValueOf(*schema.NewTime(time.Unix(seconds, 5e6))))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(rapid.SampledFrom(foreign).Draw(t, name))))
		return
	case schema.NamedEvent:
		v.Set(reflect.ValueOf(schema.NamedEvent{Event: anyEvent(t)}))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		fillFields(t, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, name), 3))
		for i := range v.Len() {
			fill(t, v.Index(i), name)
		}
	default:
		fillPlain(t, v, name)
	}
}

func fillFields(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		tag := field.Tag.Get("json")
		optional := strings.Contains(tag, ",omit") && rapid.Bool().Draw(t, "empty")
		if tag != "-" && !optional {
			fill(t, v.Field(i), field.Name)
		}
	}
}

func fillPlain(t *rapid.T, v reflect.Value, name string) {
	switch {
	case v.CanFloat():
		v.SetFloat(rapid.Float64().Draw(t, name))
	case v.CanInt() && name == "HTTPStatus":
		v.SetInt(rapid.Int64Range(100, 599).Draw(t, name))
	case v.CanInt():
		v.SetInt(rapid.Int64Range(0, 1<<53).Draw(t, name))
	case v.CanUint():
		v.SetUint(rapid.Uint64Range(0, 1<<53).Draw(t, name))
	case v.Kind() == reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, name))
	case values[v.Type()] != nil:
		v.SetString(rapid.SampledFrom(values[v.Type()]).Draw(t, name))
	case name == "SHA256":
		v.SetString(rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, name))
	default:
		v.SetString(rapid.String().Draw(t, name))
	}
}

func anyEvent(t *rapid.T) schema.Event {
	if rapid.IntRange(0, 9).Draw(t, "unknown") == 0 {
		e := schema.NewEvent("x_odd")
		fill(t, reflect.ValueOf(e).Elem(), "event")
		return e
	}
	e := schema.NewEvent(rapid.SampledFrom(schema.Events).Draw(t, "event").Name)
	fill(t, reflect.ValueOf(e).Elem(), "event")
	return e
}

// written writes a payload as the connector does, and judges it.
func written(t *rapid.T, path string, payload any) {
	t.Helper()
	text, err := schema.JSON(payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := fits(t, path, text); err != nil {
		t.Fatalf("%s: %s: %v", path, text, err)
	}
	if err := decode(path, text); err != nil {
		t.Fatalf("%s: %s is written and not read: %v", path, text, err)
	}
}

func TestWrittenEventsFitTheirSchemas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent(t)
		name := e.Name()
		if _, is := e.(*schema.Unknown); is {
			name = "unknown"
		}
		written(t, "v1/event."+name+".json", e)
	})
}

func TestWrittenSessionsFitTheirSchemas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, s := range []schema.Session{&schema.SessionOpened{}, &schema.SessionRecovered{}, &schema.SessionGap{}, &schema.SessionClosed{}} {
			fill(t, reflect.ValueOf(s).Elem(), s.SessionName())
			written(t, "v1/session."+s.SessionName()+".json", s)
		}
		chat := &schema.Chat{}
		fill(t, reflect.ValueOf(chat).Elem(), "chat")
		written(t, "v1/chat.json", chat)
	})
}

func TestWrittenResultsFitTheirSchemas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &schema.Commands[rapid.IntRange(0, len(schema.Commands)-1).Draw(t, "command")]
		r := &schema.Result{Command: c.Name, ChatID: rapid.SampledFrom([]string{"", "1"}).Draw(t, "chat"), Status: schema.StatusOK, Request: anyRequest(t, c)}
		if rapid.Bool().Draw(t, "failed") {
			r.Status, r.Error = schema.StatusError, &schema.Error{}
			fill(t, reflect.ValueOf(r.Error).Elem(), "error")
		} else if brought := c.NewResult(); brought != nil {
			fill(t, reflect.ValueOf(brought).Elem(), "result")
			r.Result, _ = schema.JSON(brought)
		}
		written(t, "v1/result."+c.Name+".json", r)
	})
}

// anyRequest is what a result tells of data that were accepted, or nothing.
func anyRequest(t *rapid.T, c *schema.Command) json.RawMessage {
	text, err := json.Marshal(anyData(c).Draw(t, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Validate(text) != nil {
		return nil
	}
	return c.Request(text, func(string) string { return "r-1" })
}
