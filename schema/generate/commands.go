package main

import (
	"fmt"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"cc-connector/schema"
)

// A command's schema says what Command.Validate says, but for what JSON Schema
// cannot: lengths in bytes (it counts characters, which are never more), depth,
// and names that are given twice.

// The JSON Schema of what the connector judges by code.
const (
	pathPattern   = `^[^/\\\x00-\x1f\x7f-\x9f]*$`
	clientPattern = `^[ !#-\[\]-~]*$`
	base64Pattern = `^[\r\n]*(?:(?:[A-Za-z0-9+/][\r\n]*){4})*(?:(?:[A-Za-z0-9+/][\r\n]*){2}=[\r\n]*=[\r\n]*|(?:[A-Za-z0-9+/][\r\n]*){3}=[\r\n]*)?$`
)

var no = &jsonschema.Schema{Not: &jsonschema.Schema{}}

func (s *source) command(c *schema.Command) *jsonschema.Schema {
	out := s.fieldsOf(c, func(f schema.Field) *jsonschema.Schema { return fieldSchema(f) })
	out.Title = "Command " + c.Name
	out.Description = s.types[reflect.TypeOf(c.NewData()).Elem().Name()]
	if out.Description == "" {
		s.missing = append(s.missing, "the data of "+c.Name)
	}
	if c.Open {
		out.AdditionalProperties, out.MaxProperties = nil, jsonschema.Ptr(schema.MaxMembers)
	}
	for _, group := range c.OneOf {
		out.OneOf = requiring(group)
		for _, name := range group {
			out.Properties[name].MinLength = jsonschema.Ptr(1)
		}
	}
	for _, group := range c.AnyOf {
		out.AnyOf = append(out.AnyOf, requiringContent(c, group)...)
	}
	return out
}

// fieldsOf is an object of a command's fields.
func (s *source) fieldsOf(c *schema.Command, of func(schema.Field) *jsonschema.Schema) *jsonschema.Schema {
	out := &jsonschema.Schema{Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: no}
	for _, f := range c.Fields {
		s.addField(out, f, of)
	}
	for _, group := range c.Together {
		out.DependentRequired = map[string][]string{}
		for _, name := range group {
			out.DependentRequired[name] = slices.DeleteFunc(slices.Clone(group), func(other string) bool { return other == name })
		}
	}
	return out
}

func (s *source) addField(out *jsonschema.Schema, f schema.Field, of func(schema.Field) *jsonschema.Schema) {
	property := of(f)
	if property == nil {
		return
	}
	out.Properties[f.Name] = property
	out.PropertyOrder = append(out.PropertyOrder, f.Name)
	if f.Alias != "" {
		out.Properties[f.Alias] = property.CloneSchemas()
		out.Properties[f.Alias].Description = "Another name for " + f.Name + "; if both are there, they are the same"
		out.PropertyOrder = append(out.PropertyOrder, f.Alias)
		out.AnyOf = requiring([]string{f.Name, f.Alias})
	} else if f.Required {
		out.Required = append(out.Required, f.Name)
	}
}

func requiring(names []string) (all []*jsonschema.Schema) {
	for _, name := range names {
		all = append(all, &jsonschema.Schema{Required: []string{name}})
	}
	return all
}

// requiringContent is requiring, where an empty string does not count.
func requiringContent(c *schema.Command, names []string) []*jsonschema.Schema {
	all := requiring(names)
	for i, name := range names {
		if f, _ := c.Field(name); f.Kind == schema.KindString {
			all[i].Properties = map[string]*jsonschema.Schema{name: {MinLength: jsonschema.Ptr(1)}}
		}
	}
	return all
}

// fieldSchema is one field as a sender gives it.
func fieldSchema(f schema.Field) *jsonschema.Schema {
	p := typeOfKind[f.Kind](f)
	p.Description = capital(f.Doc)
	if limit := limitOf(f); limit != "" {
		p.Description += ". " + limit
	}
	if f.Required && p.Type == "string" {
		p.MinLength = jsonschema.Ptr(1)
	}
	if f.InPath {
		p.Pattern, p.Not = pathPattern, &jsonschema.Schema{Enum: []any{".", ".."}}
		p.Description += ", without slashes, backslashes and control characters"
	}
	return p
}

var typeOfKind = map[schema.Kind]func(schema.Field) *jsonschema.Schema{
	schema.KindString: limited,
	schema.KindID:     limited,
	schema.KindClientID: func(f schema.Field) *jsonschema.Schema {
		p := limited(f)
		p.Pattern, p.Not = clientPattern, &jsonschema.Schema{Enum: []any{"WebChat"}}
		return p
	},
	schema.KindEnum: func(f schema.Field) *jsonschema.Schema {
		p := &jsonschema.Schema{Type: "string"}
		for _, value := range f.Enum {
			p.Enum = append(p.Enum, value)
		}
		return p
	},
	schema.KindStringMap: func(f schema.Field) *jsonschema.Schema {
		return &jsonschema.Schema{
			Type: "object", MaxProperties: jsonschema.Ptr(schema.MaxParameters),
			PropertyNames:        &jsonschema.Schema{MaxLength: jsonschema.Ptr(schema.MaxString)},
			AdditionalProperties: limited(f),
		}
	},
	schema.KindObject: func(f schema.Field) *jsonschema.Schema {
		p := &jsonschema.Schema{Type: "object"}
		if f.Member != "" {
			p.Required = []string{f.Member}
			p.Properties = map[string]*jsonschema.Schema{f.Member: {Type: "string", MinLength: jsonschema.Ptr(1)}}
		}
		return p
	},
	schema.KindBase64: func(f schema.Field) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64", Pattern: base64Pattern}
	},
	schema.KindLatitude:  func(schema.Field) *jsonschema.Schema { return degrees(90) },
	schema.KindLongitude: func(schema.Field) *jsonschema.Schema { return degrees(180) },
}

func limited(f schema.Field) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "string", MaxLength: jsonschema.Ptr(f.Max)}
}

func degrees(most float64) *jsonschema.Schema {
	return &jsonschema.Schema{Type: "number", Minimum: jsonschema.Ptr(-most), Maximum: jsonschema.Ptr(most)}
}

// limitOf says what the schema cannot enforce.
func limitOf(f schema.Field) string {
	switch f.Kind {
	case schema.KindStringMap:
		return fmt.Sprintf("At most %d, each name at most %d bytes and each value at most %d", schema.MaxParameters, schema.MaxString, f.Max)
	case schema.KindObject:
		return fmt.Sprintf("At most %d bytes of JSON, of %d levels", f.Max, schema.MaxNesting)
	case schema.KindBase64:
		return fmt.Sprintf("At most %d bytes when decoded", f.Max)
	case schema.KindClientID:
		return fmt.Sprintf("At most %d bytes of printable ASCII without quotes and backslashes, and not WebChat", f.Max)
	case schema.KindString, schema.KindID:
		return fmt.Sprintf("At most %d bytes of UTF-8", f.Max)
	}
	return ""
}
