package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"cc-connector/schema"
)

// attributes says what the CloudEvents attributes are in the connector's events.
// Of its extension attributes the constants in package schema say it.
var attributes = []struct{ name, meaning, format, pattern string }{
	{"specversion", "The version of CloudEvents", "", `^1\.0$`},
	{"id", "The event's identity: the same event read twice has the same, and no other has it", "", ""},
	{"source", "Where it comes from: the chat, or of results the launch point. The sequence counts per source", "uri-reference", `^//[^/]+/[^/]+/(chats/[^/]+|commands)$`},
	{"type", "What it is: com.brightpattern.chat.event.<name>.v1, com.brightpattern.chat.session.<name>.v1, or com.brightpattern.<noun>.result.<verb>.v1", "", ""},
	{"subject", "The chat's token, as in NATS subjects; of results, if they are of a known chat", "", tokenPattern},
	{"time", "When it happened, as far as that is known: the contact center's time, or of results when the call ended", "date-time", ""},
	{"datacontenttype", "The media type of data", "", `^application/json$`},
	{"dataschema", "Names the schema of data", "uri", `/v[0-9]+/[a-z0-9._]+\.json$`},
}

const (
	tokenPattern    = `^(?:[A-Za-z0-9_-]|=[0-9A-F]{2})+$`
	sequencePattern = `^[0-9]{10,}$`
	eventTypes      = `^com\.brightpattern\.chat\.event\.[^ ]+\.v[0-9]+$`
	sessionTypes    = `^com\.brightpattern\.chat\.session\.[a-z0-9]+\.v[0-9]+$`
	resultTypes     = `^com\.brightpattern\.[a-z0-9]+\.result\.[a-z0-9]+\.v[0-9]+$`
)

// extensions are the extension attributes that the connector writes.
var extensions = []struct{ name, format, pattern string }{
	{schema.AttrSequence, "", sequencePattern},
	{schema.AttrPartitionKey, "", tokenPattern},
	{schema.AttrOrigin, "", ""},
	{schema.AttrRecordedTime, "date-time", ""},
	{schema.AttrCorrelationID, "", ""},
	{schema.AttrCausationID, "", ""},
	{schema.AttrTraceParent, "", ""},
	{schema.AttrTraceState, "", ""},
	{schema.AttrDataRef, "uri", `^nats-object:[^/]+/.+$`},
}

// envelope is the schema of the connector's CloudEvents in JSON, the structured mode.
func (s *source) envelope() *jsonschema.Schema {
	out := &jsonschema.Schema{
		Title: "CloudEvent", Type: "object", Properties: map[string]*jsonschema.Schema{}, AdditionalProperties: no,
		Description: "A CloudEvent of the connector: its attributes, and in data the payload that dataschema names. In binary mode the attributes are ce- headers, and the message is the data.",
		Required:    []string{"specversion", "id", "source", "type", "datacontenttype", "dataschema"},
	}
	for _, a := range attributes {
		addAttribute(out, a.name, a.meaning, a.format, a.pattern)
	}
	for _, e := range extensions {
		addAttribute(out, e.name, capital(s.ofAttribute(e.name)), e.format, e.pattern)
	}
	origin := out.Properties[schema.AttrOrigin]
	origin.MinLength, origin.Enum = nil, []any{schema.OriginPoll, schema.OriginSend, schema.OriginHistory}
	origin.Description += ": poll (a poll gave it), send (it came in the answer to a call), history (it was recovered from the chat's history)"
	out.Properties["data"] = &jsonschema.Schema{Type: "object", Description: "The payload, as dataschema describes it; missing where dataref is"}
	out.PropertyOrder = append(out.PropertyOrder, "data")
	out.OneOf = []*jsonschema.Schema{{Required: []string{"data"}}, {Required: []string{schema.AttrDataRef}}}
	out.AnyOf = kinds()
	return out
}

func addAttribute(out *jsonschema.Schema, name, meaning, format, pattern string) {
	p := &jsonschema.Schema{Type: "string", Description: meaning, Format: format, Pattern: pattern}
	if pattern == "" {
		p.MinLength = jsonschema.Ptr(1)
	}
	out.Properties[name] = p
	out.PropertyOrder = append(out.PropertyOrder, name)
}

// kinds are the three kinds of CloudEvents, and which attributes each of them has.
func kinds() []*jsonschema.Schema {
	ofChat := []string{"subject", schema.AttrPartitionKey, schema.AttrSequence}
	return []*jsonschema.Schema{
		kind("Event", eventTypes, append(slices.Clone(ofChat), schema.AttrOrigin, schema.AttrRecordedTime)),
		kind("Session message", sessionTypes, append(slices.Clone(ofChat), "time")),
		kind("Result", resultTypes, []string{"time", schema.AttrCorrelationID, schema.AttrCausationID}, schema.AttrSequence, schema.AttrOrigin, schema.AttrRecordedTime),
	}
}

func kind(title, types string, required []string, without ...string) *jsonschema.Schema {
	out := &jsonschema.Schema{Title: title, Required: required, Properties: map[string]*jsonschema.Schema{"type": {Pattern: types}}}
	for _, name := range without {
		out.Properties[name] = no
	}
	return out
}

// ofAttribute is what the comment of an attribute's constant says.
func (s *source) ofAttribute(name string) string {
	for _, v := range s.values[""] {
		if v.text == name && strings.HasPrefix(v.name, "Attr") {
			return v.comment
		}
	}
	s.missing = append(s.missing, fmt.Sprintf("the attribute %s", name))
	return ""
}
