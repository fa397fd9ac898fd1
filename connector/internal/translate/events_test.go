package translate

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"cc-connector/schema"
)

// translation is a file of testdata/translate, written by hand: an event of
// the wire and what consumers are to see of it, beside raw.
type translation struct {
	Name   string
	Wire   json.RawMessage
	Data   map[string]any
	Secret bool // raw is withheld
}

func translations(t *testing.T) map[string]translation {
	t.Helper()
	files, err := filepath.Glob("testdata/translate/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	all := make(map[string]translation, len(files))
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var one translation
		if err := json.Unmarshal(content, &one); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[file] = one
	}
	return all
}

func TestTranslateEvent(t *testing.T) {
	for file, want := range translations(t) {
		event := Event("K1x", wire(string(want.Wire)))
		if event.Name() != want.Name {
			t.Errorf("%s: the name is %s, want %s", file, event.Name(), want.Name)
		}
		data, err := json.Marshal(event)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		var got map[string]any
		if err := json.Unmarshal(data, &got); err != nil {
			t.Fatal(err)
		}
		delete(got, "raw")
		if !reflect.DeepEqual(got, want.Data) {
			t.Errorf("%s: the data are\n%v\nwant\n%v", file, got, want.Data)
		}
		checkRaw(t, file, data, want)
	}
}

// checkRaw: raw is the wire's own JSON, with its order of keys and its
// spelling of numbers; white space between them may go.
func checkRaw(t *testing.T, file string, data []byte, want translation) {
	t.Helper()
	var got struct{ Raw json.RawMessage }
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if want.Secret {
		if got.Raw != nil {
			t.Errorf("%s: raw tells the secrets", file)
		}
		return
	}
	var compact, wanted bytes.Buffer
	if json.Compact(&compact, got.Raw) != nil || json.Compact(&wanted, want.Wire) != nil {
		t.Fatalf("%s: raw is no JSON", file)
	}
	if unescaped(compact.Bytes()) != unescaped(wanted.Bytes()) {
		t.Errorf("%s: raw is\n%s\nwant\n%s", file, compact.Bytes(), wanted.Bytes())
	}
}

// unescaped undoes the one liberty of Go's encoder: it writes <, > and & in
// strings as escapes.
func unescaped(raw []byte) string {
	for escape, char := range map[string]string{`\u003c`: "<", `\u003e`: ">", `\u0026`: "&"} {
		raw = bytes.ReplaceAll(raw, []byte(escape), []byte(char))
	}
	return string(raw)
}

// Every event of the protocol has a file.
func TestTranslationsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, want := range translations(t) {
		seen[want.Name] = true
	}
	for _, info := range schema.Events {
		if !seen[info.Name] {
			t.Errorf("no file for %s", info.Name)
		}
	}
	if len(translators) != len(schema.Events) {
		t.Errorf("%d translators for %d events", len(translators), len(schema.Events))
	}
}
