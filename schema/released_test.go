package schema_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cc-connector/schema"
)

// The documents are additions to those of the last release, which lie in
// released/ (CONTRIBUTING.md says when they are copied there).
func TestOnlyAdditionsSinceTheLastRelease(t *testing.T) {
	files, err := filepath.Glob("released/v*/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path := strings.TrimPrefix(filepath.ToSlash(file), "released/")
		for _, problem := range changed(t, path, content) {
			t.Errorf("%s: %s: that is more than an addition: see CONTRIBUTING.md about a new version", path, problem)
		}
	}
}

func changed(t *testing.T, path string, released []byte) []string {
	t.Helper()
	old := read(t, released)
	now, there := schema.FindDocument(path)
	if !there {
		return []string{"it was removed"}
	}
	if old["$schema"] == nil {
		return nil // no schema, but a description that is made of them
	}
	c := comparison{reads: strings.HasPrefix(filepath.Base(path), "command.")}
	c.compare("", old, read(t, now.Content))
	return c.breaks
}

const releasedSchema = `{"title":"T","type":"object","required":["a"],"additionalProperties":false,
	"properties":{
		"a":{"type":"string","maxLength":10,"minLength":1,"pattern":"^x"},
		"b":{"type":"string","enum":["p","q"]},
		"more":{"type":"string","description":"One of these. More may be added","enum":["p"]},
		"n":{"type":"number","minimum":0},
		"list":{"type":"array","items":{"type":"object","properties":{"deep":{"type":"string"}},"required":["deep"]}},
		"map":{"type":"object","properties":{"few":{"type":"string"}},"additionalProperties":{"type":"string"}},
		"other":{"type":"string","not":{"enum":["p"]}},
		"t":{"type":"string","format":"date-time"}},
	"anyOf":[{"title":"First","required":["a"]},{"title":"Second","properties":{"b":{"const":"p"}}}],
	"oneOf":[{"required":["a"]},{"required":["n"]}],
	"dependentRequired":{"a":["b"]}}`

// changes are replacements in that schema: whether a command may be changed so,
// and what the connector writes.
var changes = []struct {
	what, old, now  string
	command, writes bool // fine there
}{
	{"nothing", ``, ``, true, true},
	{"a title", `"title":"T"`, `"title":"U"`, true, true},
	{"an example", `"title":"T"`, `"title":"T","examples":[{}]`, true, true},
	{"a new field", `"n":{`, `"new":{"type":"string"},"n":{`, true, true},
	{"a new field where unknown ones were taken", `"deep":{"type":"string"}`, `"deep":{"type":"string"},"new":{"type":"string"}`, false, true},
	{"a new field that is free there", `"deep":{"type":"string"}`, `"deep":{"type":"string"},"new":{"description":"D"}`, true, true},
	{"the first field where unknown ones were taken", `"other":{"type":"string",`, `"other":{"properties":{"new":{"type":"string"}},"type":"string",`, false, true},
	{"a new field where unknown ones had a type", `"few":`, `"new":{"type":"string"},"few":`, true, true},
	{"a new field of another type there", `"few":`, `"new":{"type":"number"},"few":`, false, true},
	{"a new required field", `"required":["a"],"add`, `"required":["a","n"],"add`, false, true},
	{"a field is optional now", `"required":["a"],"add`, `"add`, true, false},
	{"a field is removed", `"n":{"type":"number","minimum":0},`, ``, false, false},
	{"a field is renamed", `"n":{`, `"m":{`, false, false},
	{"another type", `{"type":"number"`, `{"type":"string"`, false, false},
	{"two types", `{"type":"number"`, `{"type":["number","string"]`, false, false},
	{"another format", `date-time`, `date`, false, false},
	{"no format", `,"format":"date-time"`, ``, false, false},
	{"another pattern", `"^x"`, `"^y"`, false, false},
	{"a longer value", `"maxLength":10`, `"maxLength":11`, true, false},
	{"a shorter value", `"maxLength":10`, `"maxLength":9`, false, true},
	{"no limit", `"maxLength":10,`, ``, true, false},
	{"a new limit", `{"type":"number"`, `{"type":"number","maximum":9`, false, true},
	{"a lower minimum", `"minimum":0`, `"minimum":-1`, true, false},
	{"a higher minimum", `"minimum":0`, `"minimum":1`, false, true},
	{"a value more", `["p","q"]`, `["p","q","r"]`, true, false},
	{"a value less", `["p","q"]`, `["p"]`, false, false},
	{"a value more where they may be", `"enum":["p"]},`, `"enum":["p","r"]},`, true, true},
	{"no enumeration", `,"enum":["p","q"]`, ``, false, false},
	{"an enumeration", `{"type":"number"`, `{"enum":[1],"type":"number"`, false, false},
	{"unknown fields", `"additionalProperties":false`, `"additionalProperties":true`, false, false},
	{"a deeper field is removed", `"properties":{"deep":{"type":"string"}},`, ``, false, false},
	{"a deeper field is optional now", `,"required":["deep"]`, ``, true, false},
	{"a deeper field has another type", `"deep":{"type":"string"}`, `"deep":{"type":"null"}`, false, false},
	{"more is excluded", `"not":{"enum":["p"]}`, `"not":{"enum":["p","q"]}`, false, true},
	{"less is excluded", `"not":{"enum":["p"]}`, `"not":{"enum":["q"]}`, false, false},
	{"an alternative more of any", `"anyOf":[`, `"anyOf":[{"title":"Third"},`, true, true},
	{"an alternative less of any", `{"title":"First","required":["a"]},`, ``, false, false},
	{"an alternative of any is changed", `{"const":"p"}`, `{"const":"q"}`, false, false},
	{"an alternative more of one", `"oneOf":[`, `"oneOf":[{"required":["t"]},`, true, false},
	{"an alternative less of one", `"oneOf":[{"required":["a"]},`, `"oneOf":[`, false, false},
	{"alternatives where none were", `{"type":"number"`, `{"anyOf":[{"minimum":3}],"type":"number"`, false, false},
	{"fields that need each other", `{"a":["b"]}`, `{"a":["n"]}`, false, false},
	{"a rule that nobody thought of", `"title":"T"`, `"title":"T","contains":{}`, false, false},
}

func TestChangesAreToldFromAdditions(t *testing.T) {
	for _, change := range changes {
		now := strings.Replace(releasedSchema, change.old, change.now, 1)
		if change.old != "" && now == releasedSchema {
			t.Errorf("%s: nothing is replaced", change.what)
		}
		for _, reads := range []bool{true, false} {
			c := comparison{reads: reads}
			c.compare("", read(t, []byte(releasedSchema)), read(t, []byte(now)))
			fine := change.writes
			if reads {
				fine = change.command
			}
			if fine != (len(c.breaks) == 0) {
				t.Errorf("%s, read by the connector: %v: fine: %v, found %q", change.what, reads, fine, c.breaks)
			}
		}
	}
}

// Each kind of document is really compared: what was released otherwise, and is
// what it is now, has been changed.
func TestChangesOfReleasedDocumentsAreFound(t *testing.T) {
	for path, otherwise := range map[string][2]string{
		"v1/event.message.json":       {`"partyId": {`, `"partyID": {`},
		"v1/command.chat.send.json":   {`"maxLength": 1024`, `"maxLength": 2048`},
		"v1/result.chat.history.json": {`"required": [`, `"required": ["nothing",`},
		"v1/session.closed.json":      {`"ended"`, `"over"`},
		"v1/envelope.json":            {`"sequence"`, `"number"`},
	} {
		released, err := os.ReadFile("released/" + path)
		if err != nil {
			t.Fatal(err)
		}
		was := strings.Replace(string(released), otherwise[0], otherwise[1], 1)
		if was == string(released) {
			t.Errorf("%s: nothing is replaced", path)
		}
		if len(changed(t, path, []byte(was))) == 0 {
			t.Errorf("%s: the change is not found", path)
		}
	}
	if len(changed(t, "v1/event.gone.json", []byte(`{}`))) == 0 {
		t.Error("a document that was removed is not missed")
	}
}

// What push.received does not name was free: a name that it gets is a rule more.
func TestNewFieldsOfAnOpenCommandAreFound(t *testing.T) {
	const path = "v1/command.push.received.json"
	now, _ := schema.FindDocument(path)
	old := read(t, now.Content)
	delete(old["properties"].(object), "clientId")
	released, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	if len(changed(t, path, released)) == 0 {
		t.Error("the change is not found")
	}
}
