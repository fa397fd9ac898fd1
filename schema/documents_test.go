package schema_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"cc-connector/schema"
)

// compiled are the schemas among the documents, by their path.
var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	all := map[string]*jsonschema.Schema{}
	for _, d := range schema.Documents() {
		content, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.Content))
		if err != nil {
			return nil, err
		}
		if members, _ := content.(map[string]any); members["$schema"] == nil {
			continue // it describes something else
		}
		if err := c.AddResource(d.Path, content); err != nil {
			return nil, err
		}
		if all[d.Path], err = c.Compile(d.Path); err != nil {
			return nil, err
		}
	}
	return all, nil
})

func schemaOf(t fataler, path string) *jsonschema.Schema {
	t.Helper()
	all, err := compiled()
	if err != nil {
		t.Fatalf("%v", err)
	}
	if all[path] == nil {
		t.Fatalf("there is no schema %s", path)
	}
	return all[path]
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

// fits tells whether JSON is what a schema describes.
func fits(t fataler, path string, data []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return schemaOf(t, path).Validate(value)
}

// object is a JSON object of a schema or a payload, read by a test.
type object = map[string]any

func read(t *testing.T, data []byte) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return o
}

// examplesIn are the examples that a document holds.
func examplesIn(t *testing.T, d schema.Document) []json.RawMessage {
	t.Helper()
	var content struct{ Examples []json.RawMessage }
	if err := json.Unmarshal(d.Content, &content); err != nil {
		t.Fatal(err)
	}
	return content.Examples
}

// expected are the paths of the schemas that there have to be.
func expected() (paths []string) {
	for _, c := range schema.Commands {
		paths = append(paths, "v1/command."+c.Name+".json", "v1/result."+c.Name+".json")
	}
	for _, e := range schema.Events {
		paths = append(paths, "v1/event."+e.Name+".json")
	}
	for _, name := range []string{"opened", "recovered", "gap", "closed"} {
		paths = append(paths, "v1/session."+name+".json")
	}
	return append(paths, "v1/event.unknown.json", "v1/envelope.json", "v1/chat.json")
}

// Every payload has a schema under the name that its CloudEvent gives, it is
// complete in itself, and its examples are what it describes.
func TestEveryPayloadHasASchema(t *testing.T) {
	all, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range expected() {
		d, found := schema.FindDocument(path)
		if !found || all[path] == nil {
			t.Errorf("%s is missing", path)
			continue
		}
		checkDocument(t, d)
	}
	if len(all) != len(expected()) {
		t.Errorf("%d schemas, want %d", len(all), len(expected()))
	}
}

func checkDocument(t *testing.T, d schema.Document) {
	t.Helper()
	content := read(t, d.Content)
	name := strings.TrimSuffix(strings.TrimPrefix(d.Path, "v1/"), ".json")
	if content["$id"] != schema.DataSchema("cc-connector:/schemas", name) || content["title"] == nil || content["description"] == nil {
		t.Errorf("%s: $id %v, title %v, description %v", d.Path, content["$id"], content["title"], content["description"])
	}
	examples := examplesIn(t, d)
	if len(examples) == 0 {
		t.Errorf("%s has no example", d.Path)
	}
	for _, example := range examples {
		if err := fits(t, d.Path, example); err != nil {
			t.Errorf("%s: its example %s: %v", d.Path, example, err)
		}
	}
	if strings.Contains(string(d.Content), `"$ref"`) { // readers disagree about what it is relative to
		t.Errorf("%s is not complete in itself", d.Path)
	}
}

func TestDocumentsAreFoundByTheirPath(t *testing.T) {
	all := schema.Documents()
	if !slices.IsSortedFunc(all, func(a, b schema.Document) int { return strings.Compare(a.Path, b.Path) }) {
		t.Error("they are not in order")
	}
	for _, d := range all {
		sum := sha256.Sum256(d.Content)
		got, found := schema.FindDocument(d.Path)
		if !found || got.Path != d.Path || !bytes.Equal(got.Content, d.Content) || got.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("%s: %v, %s, %s", d.Path, found, got.Path, got.SHA256)
		}
	}
	for _, name := range []string{"message", "x_odd", "", "a.b"} {
		path, _ := strings.CutPrefix(schema.EventDataSchema("s:", name), "s:/")
		if _, found := schema.FindDocument(path); !found {
			t.Errorf("the schema of events named %q, %s, is not there", name, path)
		}
	}
}

func FuzzFindDocument(f *testing.F) {
	for _, path := range []string{"", ".", "v1", "v1/", "v1/event.message.json", "/v1/event.message.json", "v1/../v1/event.message.json", "v1/event.message.JSON", "v1\x00", strings.Repeat("v1/", 1000)} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if d, found := schema.FindDocument(path); found != (d.Path == path && d.Content != nil) {
			t.Errorf("%q is %v, %q", path, found, d.Path)
		}
	})
}

// The decoders read every example.
func TestDecodersReadTheExamples(t *testing.T) {
	for _, d := range schema.Documents() {
		for _, example := range examplesIn(t, d) {
			if err := decode(d.Path, example); err != nil {
				t.Errorf("%s: %s: %v", d.Path, example, err)
			}
		}
	}
}

func decode(path string, payload []byte) error {
	kind, name, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(path, "v1/"), ".json"), ".")
	noun, verb, _ := strings.Cut(name, ".")
	var err error
	switch kind {
	case "event":
		_, err = schema.DecodeEvent(carrying(schema.EventType(name), payload))
	case "session":
		_, err = schema.DecodeSession(carrying(schema.SessionType(name), payload))
	case "result":
		_, err = schema.DecodeResult(carrying(schema.ResultType(noun, verb), payload))
	case "command":
		c, _ := schema.LookupCommand(name)
		if ferr := c.Validate(payload); ferr != nil {
			return ferr
		}
		err = schema.ReadData(payload, c.NewData())
	case "envelope":
		_, _, err = schema.Decode(nil, payload)
	case "chat":
		err = json.Unmarshal(payload, &schema.Chat{})
	}
	return err
}
