package asyncapi

import (
	"maps"
	"path"
	"strings"

	"cc-connector/schema"
)

// addSchemas puts every JSON Schema among the components, under the name of its document.
func (b *builder) addSchemas() error {
	for _, d := range schema.Documents() {
		if d.Path == Path {
			continue
		}
		name := strings.TrimSuffix(path.Base(d.Path), ".json")
		content, err := found(name)
		if err != nil {
			return err
		}
		for _, member := range []string{"$schema", "$id", "examples"} { // the messages have the examples
			delete(content, member)
		}
		b.schemas[name] = moved(content, "#/components/schemas/"+name)
	}
	b.schemas["command"] = commandEnvelope()
	b.schemas["acknowledgement"] = acknowledgement()
	return nil
}

// moved is a value of a document that stands at another place: what refers to
// the document's root refers to that place. Readers pass over what stands
// beside a reference, so that is joined with it by allOf.
func moved(value any, place string) any {
	switch value := value.(type) {
	case []any:
		all := make([]any, len(value))
		for i, one := range value {
			all[i] = moved(one, place)
		}
		return all
	case object:
		return movedObject(value, place)
	}
	return value
}

func movedObject(value object, place string) object {
	all := make(object, len(value))
	for name, member := range value {
		all[name] = moved(member, place)
	}
	target, isReference := value["$ref"].(string)
	if !isReference {
		return all
	}
	refers := object{"$ref": place + strings.TrimPrefix(target, "#")}
	if len(value) == 1 {
		return refers
	}
	delete(all, "$ref")
	joined, _ := all["allOf"].([]any)
	all["allOf"] = append(joined, refers)
	return all
}

// chosen are the attributes that a sender may give a command beside those of
// every CloudEvent, and what they do.
var chosen = map[string]string{
	schema.AttrCorrelationID: "The result has it, too; by default it has the id.",
	schema.AttrTraceParent:   "W3C trace context, which the result has, too.",
	schema.AttrTraceState:    "W3C trace context, which the result has, too.",
	schema.AttrExpiryTime:    "Past it the command is not run.",
	schema.AttrQuestion: "true makes a live command whose expirytime is over a question: it is answered with what is on record " +
		"of the command with this source, id and data, and never run.",
}

// commandEnvelope is a command as a CloudEvent, of which the sender may choose nearly everything.
func commandEnvelope() object {
	text := func(doc string) object {
		return object{"type": "string", "minLength": 1, "maxLength": schema.MaxAttribute, "description": doc}
	}
	return object{
		"title": "Command as a CloudEvent", "type": "object",
		"description": "The subject decides what is run. Attributes that are not named here are fine, at most 64 in all.",
		"required":    []string{"specversion", "id", "source", "type"},
		"properties": object{
			"specversion":            object{"const": "1.0"},
			"id":                     object{"type": "string", "minLength": 1, "maxLength": schema.MaxID, "description": "With source, the command's identity: what comes again is a repeat, which is not run again."},
			"source":                 text("Who sends it."),
			"type":                   text("Free; com.brightpattern.<noun>.command.<verb>.v1 is recommended."),
			"datacontenttype":        object{"type": "string", "description": "application/json."},
			schema.AttrCorrelationID: text(chosen[schema.AttrCorrelationID]),
			schema.AttrTraceParent:   text(chosen[schema.AttrTraceParent]),
			schema.AttrTraceState:    text(chosen[schema.AttrTraceState]),
			schema.AttrExpiryTime:    object{"type": "string", "format": "date-time", "description": chosen[schema.AttrExpiryTime]},
			schema.AttrQuestion:      object{"type": []any{"boolean", "string"}, "description": chosen[schema.AttrQuestion]},
		},
	}
}

// acknowledgement is what JetStream answers to a durable command.
func acknowledgement() object {
	return object{
		"title": "JetStream's acknowledgement", "type": "object",
		"description": "The command is kept until it is done; or, with error, it is not.",
		"properties": object{
			"stream":    object{"type": "string", "description": "The stream that has it."},
			"seq":       object{"type": "integer", "description": "Its place in the stream."},
			"duplicate": object{"type": "boolean", "description": "The stream had one with this Nats-Msg-Id shortly before, and has not stored this one."},
			"domain":    object{"type": "string", "description": "The stream's JetStream domain, if it is in one."},
			"error": object{
				"type": "object", "description": "Why it was not stored.",
				"properties": object{"code": object{"type": "integer"}, "err_code": object{"type": "integer"}, "description": object{"type": "string"}},
			},
		},
	}
}

// around is an envelope with the type and the data that it has in one message.
func around(envelope, typ string, data object) object {
	properties := object{"data": data}
	if typ != "" {
		properties["type"] = object{"const": typ}
	}
	return object{"allOf": []any{reference("schemas", envelope), object{"type": "object", "properties": properties}}}
}

// with is a copy of an object that has more members.
func with(o, more object) object {
	all := maps.Clone(o)
	maps.Copy(all, more)
	return all
}
