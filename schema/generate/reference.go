package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"slices"
	"strings"
	"text/template"

	"github.com/google/jsonschema-go/jsonschema"

	"cc-connector/schema"
)

//go:embed reference.md.tmpl
var referenceText string

// page is what the reference is made of.
type page struct {
	Commands   []commandPart
	Events     []part
	OwnEvents  []part // what only the client causes
	Sessions   []part
	Envelope   part
	Unknown    part
	Chat       part
	Error      []row
	ErrorCodes []schema.ErrorCodeInfo
}

// part is one document: what it is, its fields, and an example in a line.
type part struct {
	Name, Doc, Example string
	Fields             []row
}

type commandPart struct {
	part
	Durable, Read   bool
	Rules           []string
	Result          []row
	ResultDoc       string
	ResultExample   string
	HasResult, Open bool
}

// row is a field in a table.
type row struct{ Name, Type, Needed, Doc string }

// reference is schema/README.md.
func reference(s *source, all []document) ([]byte, error) {
	byName := map[string]*jsonschema.Schema{}
	for _, d := range all {
		byName[d.name] = d.schema
	}
	p := page{Envelope: partOf("envelope", byName), Unknown: partOf("event.unknown", byName), Chat: partOf("chat", byName), ErrorCodes: schema.ErrorCodes}
	for i := range schema.Commands {
		p.Commands = append(p.Commands, commandPartOf(&schema.Commands[i], byName))
	}
	for _, info := range schema.Events {
		if info.Direction == schema.FromClient {
			p.OwnEvents = append(p.OwnEvents, partOf("event."+info.Name, byName))
		} else {
			p.Events = append(p.Events, partOf("event."+info.Name, byName))
		}
	}
	for _, session := range sessions {
		p.Sessions = append(p.Sessions, partOf("session."+session.SessionName(), byName))
	}
	p.Error = rows(byName["result.chat.send"].Properties["error"])
	return p.write()
}

func (p page) write() ([]byte, error) {
	t, err := template.New("").Funcs(template.FuncMap{"cell": cell}).Parse(referenceText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, p)
	return b.Bytes(), err
}

func partOf(name string, byName map[string]*jsonschema.Schema) part {
	_, short, inKind := strings.Cut(name, ".")
	if !inKind {
		short = name
	}
	s := byName[name]
	return part{short, s.Description, line(s.Examples[0]), rows(s)}
}

func commandPartOf(c *schema.Command, byName map[string]*jsonschema.Schema) commandPart {
	result := byName["result."+c.Name]
	out := commandPart{part: partOf("command."+c.Name, byName), Durable: c.Durable, Read: c.Read, Open: c.Open, Rules: rules(c)}
	out.ResultExample = line(result.Examples[0])
	if brought := result.Properties["result"]; brought != nil {
		_, out.ResultDoc, _ = strings.Cut(brought.Description, ". ")
		out.Result, out.HasResult = rows(brought), true
	}
	return out
}

// rules are what a command's fields need of each other.
func rules(c *schema.Command) (all []string) {
	for _, group := range c.OneOf {
		all = append(all, "exactly one of "+quoted(group))
	}
	for _, group := range c.AnyOf {
		all = append(all, "at least one of "+quoted(group))
	}
	for _, group := range c.Together {
		all = append(all, quoted(group)+" together, or none of them")
	}
	return all
}

func quoted(names []string) string { return "`" + strings.Join(names, "`, `") + "`" }

// line is an example in one line.
func line(example any) string {
	var b bytes.Buffer
	text, _ := example.(json.RawMessage)
	_ = json.Compact(&b, text)
	return b.String()
}

func rows(s *jsonschema.Schema) (all []row) {
	for _, name := range s.PropertyOrder {
		property := s.Properties[name]
		needed := ""
		if slices.Contains(s.Required, name) {
			needed = "yes"
		}
		all = append(all, row{name, typeName(property), needed, property.Description})
		all = append(all, nested(name, property)...)
	}
	return all
}

// nested are the fields of an object, or of an array's objects.
func nested(name string, property *jsonschema.Schema) []row {
	if property.Items != nil {
		return nested(name+"[]", property.Items)
	}
	inner := rows(property)
	for i := range inner {
		inner[i].Name = name + "." + inner[i].Name
	}
	return inner
}

func typeName(s *jsonschema.Schema) string {
	switch {
	case s.Enum != nil && len(s.Enum) <= 8:
		return oneOfNames(s.Enum)
	case s.Enum != nil:
		return "[code](#error-codes)"
	case s.Format == "date-time":
		return "time"
	case s.Items != nil && s.Items.AnyOf != nil:
		return "array of events"
	case s.Items != nil:
		return "array"
	case s.Type == "":
		return "any JSON"
	case s.ContentEncoding != "":
		return s.ContentEncoding
	case s.Type == "object" && s.AdditionalProperties != nil && s.AdditionalProperties.Type == "string":
		return "object of strings"
	}
	return s.Type
}

func oneOfNames(values []any) string {
	names := make([]string, len(values))
	for i, value := range values {
		names[i], _ = value.(string)
	}
	return strings.ReplaceAll(quoted(names), ", ", " ")
}

// cell is text in a cell of a table.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "<", "&lt;").Replace(text)
}

// Anchor is the heading's, as it is linked to.
func (c commandPart) Anchor() string { return strings.ReplaceAll(c.Name, ".", "") }
