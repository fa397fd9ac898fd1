package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"cc-connector/schema"
)

// mayGrow in a type's comment says that consumers have to expect more values.
const mayGrow = "More may be added"

const (
	timePattern = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$`
	hashPattern = `^[0-9a-f]{64}$`
)

// described is the schema of a Go type, with what the comments say.
func (s *source) described(t reflect.Type) *jsonschema.Schema {
	out, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: s.special()})
	if err != nil {
		panic(err) // a type of package schema that JSON cannot write
	}
	s.describe(t, out)
	return out
}

// special are the types whose JSON their Go form does not tell.
func (s *source) special() map[reflect.Type]*jsonschema.Schema {
	all := map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[schema.Time]():         {Type: "string", Format: "date-time", Pattern: timePattern},
		reflect.TypeFor[json.RawMessage]():     {},
		reflect.TypeFor[schema.ErrorCode]():    s.oneOf("ErrorCode"),
		reflect.TypeFor[schema.Outcome]():      s.oneOf("Outcome"),
		reflect.TypeFor[schema.ResultStatus](): s.oneOf("ResultStatus"),
		reflect.TypeFor[schema.GapReason]():    s.oneOf("GapReason"),
		reflect.TypeFor[schema.CloseReason]():  s.oneOf("CloseReason"),
		reflect.TypeFor[schema.Availability](): s.oneOf("Availability"),
	}
	if s.inHistory != nil { // while the events themselves are described it is not known yet
		all[reflect.TypeFor[schema.NamedEvent]()] = s.inHistory
	}
	return all
}

func (s *source) oneOf(typeName string) *jsonschema.Schema {
	out := &jsonschema.Schema{Type: "string"}
	for _, v := range s.values[typeName] {
		out.Enum = append(out.Enum, v.text)
	}
	return out
}

// describe goes through a schema and the type that it was made from. Null is
// taken out wherever Go could have it: it is never written.
func (s *source) describe(t reflect.Type, out *jsonschema.Schema) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if out.Types != nil {
		out.Type, out.Types = slices.DeleteFunc(out.Types, func(name string) bool { return name == "null" })[0], nil
	}
	switch {
	case out.Items != nil:
		s.describe(t.Elem(), out.Items)
	case len(out.Properties) > 0:
		s.describeFields(t, out)
	}
}

func (s *source) describeFields(t reflect.Type, out *jsonschema.Schema) {
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := out.Properties[name]
		if field.Anonymous || property == nil {
			continue
		}
		s.describe(field.Type, property)
		property.Description = s.ofField(t, field, name)
		s.describeValues(field.Type.Name(), property)
		if bound := bounds[name]; bound != nil {
			bound(property)
		}
	}
}

// describeValues adds what each value of an enumeration means, if they are few.
func (s *source) describeValues(typeName string, property *jsonschema.Schema) {
	if property.Enum == nil {
		return
	}
	var meanings []string
	for _, v := range s.values[typeName] {
		if v.comment != "" {
			meanings = append(meanings, fmt.Sprintf("%s (%s)", v.text, v.comment))
		}
	}
	if len(meanings) > 0 {
		property.Description += ": " + strings.Join(meanings, ", ")
	}
	if comment := s.types[typeName]; strings.Contains(comment, mayGrow) {
		_, rest, _ := strings.Cut(comment, mayGrow)
		property.Description += ". " + mayGrow + rest
	}
}

// bounds are what no Go type tells of the fields of these names.
var bounds = map[string]func(*jsonschema.Schema){
	"sha256":     func(p *jsonschema.Schema) { p.Pattern = hashPattern },
	"size":       func(p *jsonschema.Schema) { p.Minimum = new(float64) },
	"httpStatus": func(p *jsonschema.Schema) { p.Minimum, p.Maximum = jsonschema.Ptr(100.0), jsonschema.Ptr(999.0) },
}
