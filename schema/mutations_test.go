package schema_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/schema"
)

func carrying(typ string, data []byte) event.Event {
	e := event.New()
	e.SetID("1")
	e.SetSource("s")
	e.SetType(typ)
	_ = e.SetData(event.ApplicationJSON, json.RawMessage(data))
	return e
}

// wrong are values of each type of JSON.
var wrong = map[string]any{"null": nil, "boolean": true, "number": 1.5, "string": "x", "array": []any{}, "object": object{}}

// mutation makes one thing in a payload wrong, and undoes it.
type mutation struct {
	what     string
	do, undo func()
}

// mutations are all that can be made wrong in an object by its schema: each
// value of another type, each required field missing, an unknown field.
func mutations(s, value object, at string) (all []mutation) {
	properties, _ := s["properties"].(object)
	for _, name := range slices.Sorted(maps.Keys(value)) {
		property, known := properties[name].(object)
		if !known {
			continue
		}
		all = append(all, otherTypes(property, value, name, at)...)
		all = append(all, within(property, value[name], at+"."+name)...)
	}
	required, _ := s["required"].([]any)
	for _, name := range required {
		name := name.(string)
		if was, there := value[name]; there {
			all = append(all, mutation{at + "." + name + " is missing", func() { delete(value, name) }, func() { value[name] = was }})
		}
	}
	if s["additionalProperties"] == false {
		all = append(all, mutation{at + " has an unknown field", func() { value["unknown"] = 1 }, func() { delete(value, "unknown") }})
	}
	return all
}

func otherTypes(property, value object, name, at string) (all []mutation) {
	was, want := value[name], property["type"]
	if want == nil {
		return nil // anything may stand there
	}
	for _, kind := range slices.Sorted(maps.Keys(wrong)) {
		if kind != want {
			all = append(all, mutation{at + "." + name + " is of type " + kind, func() { value[name] = wrong[kind] }, func() { value[name] = was }})
		}
	}
	return all
}

// within are the mutations inside a value.
func within(property object, value any, at string) (all []mutation) {
	switch value := value.(type) {
	case object:
		all = mutations(property, value, at)
	case []any:
		for _, item := range value {
			items, _ := property["items"].(object)
			if member, isObject := item.(object); isObject {
				all = append(all, mutations(variantOf(items, member), member, at+"[]")...)
			}
		}
	}
	return all
}

// variantOf is the schema itself, or of a named event the one of its name.
func variantOf(s, value object) object {
	variants, _ := s["anyOf"].([]any)
	for _, variant := range variants {
		if variant.(object)["properties"].(object)["name"].(object)["const"] == value["name"] {
			return variant.(object)
		}
	}
	if len(variants) > 0 {
		return variants[len(variants)-1].(object)
	}
	return s
}

// Nothing in an example can be made wrong unseen; and what is wrong in a
// command's data, Command.Validate finds as well.
func TestMutationsAreFound(t *testing.T) {
	tried := 0
	for _, path := range expected() {
		d, _ := schema.FindDocument(path)
		root := read(t, d.Content)
		for _, example := range examplesIn(t, d) {
			value := read(t, example)
			for _, m := range mutations(root, value, path) {
				m.do()
				checkFound(t, d.Path, m.what, value)
				m.undo()
				tried++
			}
		}
	}
	if tried < 3000 {
		t.Errorf("%d mutations", tried)
	}
}

func checkFound(t *testing.T, path, what string, value object) {
	t.Helper()
	data, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if fits(t, path, data) == nil {
		t.Errorf("it is not seen that %s: %s", what, data)
	}
	if name, is := strings.CutPrefix(path, "v1/command."); is {
		c, _ := schema.LookupCommand(strings.TrimSuffix(name, ".json"))
		if c.Validate(data) == nil {
			t.Errorf("the command is accepted though %s: %s", what, data)
		}
	}
}

// Where the contact center may add, anything is fine.
func TestForeignPartsAreOpen(t *testing.T) {
	for _, foreign := range []string{`null`, `1.50`, `"x"`, `[[]]`, `{"a":{"b":[]},"new":1}`} {
		for path, around := range map[string]string{
			"v1/event.message.json":                `{"chatId":"1","raw":%}`,
			"v1/event.unknown.json":                `{"chatId":"1","raw":%}`,
			"v1/event.signaling.json":              `{"chatId":"1","signal":%}`,
			"v1/event.form_data.json":              `{"chatId":"1","data":%}`,
			"v1/result.service.configuration.json": `{"command":"service.configuration","status":"ok","result":{"configuration":%}}`,
			"v1/result.chat.history.json":          `{"command":"chat.history","status":"ok","result":{"events":[{"name":"new","chatId":"1","raw":%}]}}`,
		} {
			if err := fits(t, path, []byte(strings.Replace(around, "%", foreign, 1))); err != nil {
				t.Errorf("%s with %s: %v", path, foreign, err)
			}
		}
	}
	for _, value := range []string{"queued", "establishing", ""} {
		if err := fits(t, "v1/event.status.json", []byte(`{"chatId":"1","state":"`+value+`"}`)); err != nil {
			t.Errorf("the state %q: %v", value, err)
		}
	}
	if fits(t, "v1/event.secure_form_data.json", []byte(`{"chatId":"1","raw":{}}`)) == nil {
		t.Error("a secure form's data may have raw")
	}
}

// free are the fields that may hold any JSON.
var free = []string{"raw", "signal", "data", "configuration", "schema"}

// Everything else is closed: each object knows its fields, each field its type.
func TestOnlyForeignPartsAreOpen(t *testing.T) {
	for _, path := range expected() {
		d, _ := schema.FindDocument(path)
		name := strings.TrimSuffix(strings.TrimPrefix(path, "v1/command."), ".json")
		c, is := schema.LookupCommand(name)
		checkClosed(t, path, read(t, d.Content), is && c.Open)
	}
}

func checkClosed(t *testing.T, at string, s object, open bool) {
	t.Helper()
	properties, _ := s["properties"].(object)
	if (s["additionalProperties"] == false) == open && properties != nil && !strings.HasSuffix(at, ".signal") {
		t.Errorf("%s has other fields than its own: %v", at, !open)
	}
	for name, property := range properties {
		property, _ := property.(object)
		if property["type"] == nil && property["const"] == nil && property["not"] == nil && !slices.Contains(free, name) {
			t.Errorf("%s.%s has no type", at, name)
		}
		checkClosed(t, at+"."+name, property, false)
	}
	if items, is := s["items"].(object); is {
		checkClosed(t, at+"[]", items, false)
		variants, _ := items["anyOf"].([]any)
		for _, variant := range variants {
			checkClosed(t, at+"[]", variant.(object), false)
		}
	}
}

// What a result has follows from its status.
func TestStatusGoesWithResultOrError(t *testing.T) {
	const failure = `,"error":{"code":"internal","message":"m","retryable":false,"outcome":"unknown"}`
	for data, good := range map[string]bool{
		`"status":"ok","result":{"messageId":"1:0"}`:                   true,
		`"status":"error"` + failure:                                   true,
		`"status":"ok"`:                                                false,
		`"status":"error"`:                                             false,
		`"status":"ok"` + failure:                                      false,
		`"status":"ok","result":{"messageId":"1:0"}` + failure:         false,
		`"status":"error","result":{"messageId":"1:0"}` + failure:      false,
		`"status":"error","result":{"messageId":"1:0"}`:                false,
		`"status":"done","result":{"messageId":"1:0"}`:                 false,
		`"status":"ok","result":{"messageId":"1:0"},"request":{"a":1}`: false,
	} {
		if err := fits(t, "v1/result.chat.send.json", []byte(`{"command":"chat.send",`+data+`}`)); good != (err == nil) {
			t.Errorf("%s: %v", data, err)
		}
	}
}
