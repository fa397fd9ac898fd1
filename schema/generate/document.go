package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"cc-connector/schema"
)

// document is one schema under its name, "event.message".
type document struct {
	name   string
	schema *jsonschema.Schema
}

// documentsFrom are all schemas, in the order of the reference.
func documentsFrom(s *source) []document {
	s.inHistory = s.namedEvent()
	all := []document{{"envelope", s.envelope()}}
	for i := range schema.Commands {
		c := &schema.Commands[i]
		all = append(all, document{"command." + c.Name, s.command(c)}, document{"result." + c.Name, s.result(c)})
	}
	for _, info := range schema.Events {
		all = append(all, document{"event." + info.Name, s.event(info)})
	}
	all = append(all, document{"event.unknown", s.unknown()})
	for _, session := range sessions {
		all = append(all, document{"session." + session.SessionName(), s.session(session)})
	}
	return append(all, document{"chat", s.chat()})
}

const defaultBase = "cc-connector:/schemas"

// write gives the schema its identity and its examples, and writes it.
func (d document) write() ([]byte, error) {
	d.schema.ID = schema.DataSchema(defaultBase, d.name)
	d.schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	for _, example := range examples()[d.name] {
		text, err := schema.JSON(example)
		if err != nil {
			return nil, err
		}
		d.schema.Examples = append(d.schema.Examples, json.RawMessage(text))
	}
	return indented(d.schema)
}

// first are the members that a schema's reader wants to see first.
var first = []string{"$schema", "$id", "title", "description"}

func indented(s *jsonschema.Schema) ([]byte, error) {
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	names := append(slices.Clone(first), others(text)...)
	var b bytes.Buffer
	for _, name := range names {
		if value, there := members[name]; there {
			b.WriteString(`,"` + name + `":`)
			b.Write(value)
		}
	}
	b.Bytes()[0] = '{'
	b.WriteByte('}')
	return readable(b.Bytes())
}

// others are the names of an object's members that are not first, in their order.
func others(object []byte) (names []string) {
	d := json.NewDecoder(bytes.NewReader(object))
	_, _ = d.Token()
	for d.More() {
		name, _ := d.Token()
		var skipped json.RawMessage
		if d.Decode(&skipped) != nil {
			return names
		}
		if text, _ := name.(string); !slices.Contains(first, text) {
			names = append(names, text)
		}
	}
	return names
}

// readable undoes Go's escapes of what browsers could take for HTML.
func readable(text []byte) ([]byte, error) {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return []byte(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(b.String())), nil
}
