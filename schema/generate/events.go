package main

import (
	"reflect"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"cc-connector/schema"
)

// sessions are the session messages, in the order of a chat's life.
var sessions = []schema.Session{&schema.SessionOpened{}, &schema.SessionRecovered{}, &schema.SessionGap{}, &schema.SessionClosed{}}

func (s *source) event(info schema.EventInfo) *jsonschema.Schema {
	t := reflect.TypeOf(schema.NewEvent(info.Name)).Elem()
	out := s.described(t)
	if info.Name == schema.EventSecureFormData { // its MarshalJSON leaves out the secrets
		delete(out.Properties, "raw")
		out.PropertyOrder = slices.DeleteFunc(out.PropertyOrder, func(name string) bool { return name == "raw" })
	}
	out.Title = "Event " + info.Name
	out.Description = info.Doc + behindFirst(s.types[t.Name()])
	return out
}

// behindFirst is a comment without its first sentence: that says in Go what the
// table of events says, too.
func behindFirst(comment string) string {
	_, rest, more := strings.Cut(comment, ". ")
	if !more {
		return ""
	}
	return " " + rest
}

func (s *source) unknown() *jsonschema.Schema {
	out := s.described(reflect.TypeFor[schema.Unknown]())
	out.Title = "Event unknown"
	out.Description = "An event of the contact center whose name the connector does not know: all of it is in raw."
	return out
}

func (s *source) session(session schema.Session) *jsonschema.Schema {
	t := reflect.TypeOf(session).Elem()
	out := s.described(t)
	out.Title = "Session " + session.SessionName()
	out.Description = s.types[t.Name()]
	return out
}

func (s *source) chat() *jsonschema.Schema {
	out := s.described(reflect.TypeFor[schema.Chat]())
	out.Title = "Chat"
	out.Description = s.types["Chat"]
	return out
}

// namedEvent is an event in a history: its name, and then its fields.
func (s *source) namedEvent() *jsonschema.Schema {
	out := &jsonschema.Schema{Description: "An event as a history lists it: its data, and its name."}
	known := []any{}
	for _, info := range schema.Events {
		out.AnyOf = append(out.AnyOf, named(s.event(info), constant(info.Name)))
		known = append(known, info.Name)
	}
	other := &jsonschema.Schema{Type: "string", MinLength: jsonschema.Ptr(1), Not: &jsonschema.Schema{Enum: known}}
	out.AnyOf = append(out.AnyOf, named(s.unknown(), other))
	return out
}

func named(event, name *jsonschema.Schema) *jsonschema.Schema {
	event.Properties["name"] = name
	event.PropertyOrder = append([]string{"name"}, event.PropertyOrder...)
	event.Required = append([]string{"name"}, event.Required...)
	return event
}
