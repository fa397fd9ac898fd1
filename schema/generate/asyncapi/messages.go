package asyncapi

import (
	"strings"

	"cc-connector/schema"
	"cc-connector/subjects"
)

const (
	structuredType = "application/cloudevents+json"
	dataType       = "application/json"
	dataForm       = ".data" // behind the name of the message whose payload is the data alone
)

// published adds both forms of a CloudEvent that the connector publishes: its
// data are described by the document of the message's name.
func (b *builder) published(name, typ string) error {
	data, err := found(name)
	if err != nil {
		return err
	}
	all, err := examples(name, typ, data)
	if err != nil {
		return err
	}
	b.messages[name] = with(named(name, data, "a CloudEvent in structured mode, the default of CC_CLOUDEVENTS_MODE"), object{
		"contentType": structuredType, "traits": []any{reference("messageTraits", "structured")},
		"payload": around("envelope", constantType(name, typ), reference("schemas", name)), "examples": all.structured,
	})
	b.messages[name+dataForm] = with(named(name+dataForm, data, "a CloudEvent in binary mode, with CC_CLOUDEVENTS_MODE=binary"), object{
		"contentType": dataType, "traits": []any{reference("messageTraits", "binary")},
		"payload": reference("schemas", name), "examples": all.data,
	})
	return nil
}

// constantType is the type that every message of the name has, "" for none: who
// knows no more of an event than its name has that in its type.
func constantType(name, typ string) string {
	if name == "event."+string(subjects.UnknownEvent) {
		return ""
	}
	return typ
}

// taken adds both forms of a command: as a CloudEvent in structured mode, and
// its data alone, be it a CloudEvent in binary mode or none at all.
func (b *builder) taken(c *schema.Command) error {
	name := "command." + c.Name
	data, err := found(name)
	if err != nil {
		return err
	}
	all, err := examples(name, schema.CommandType(c.Noun(), c.Verb()), data)
	if err != nil {
		return err
	}
	b.messages[name] = with(named(name, data, "a CloudEvent in structured mode"), object{
		"contentType": structuredType, "payload": around("command", "", reference("schemas", name)), "examples": all.structured,
	})
	b.messages[name+dataForm] = with(named(name+dataForm, data, "plain JSON, or a CloudEvent in binary mode"), object{
		"contentType": dataType, "traits": []any{reference("messageTraits", "command")},
		"payload": reference("schemas", name), "examples": all.data,
	})
	return nil
}

// named is what a message says of itself, by the title and the description of its data.
func named(name string, data object, form string) object {
	message := object{"name": name, "summary": "As " + form + "."}
	for _, member := range []string{"title", "description"} {
		if text, there := data[member].(string); there {
			message[member] = text
		}
	}
	if title, there := message["title"].(string); there && strings.HasSuffix(name, dataForm) {
		message["title"] = title + ", its data alone"
	}
	return message
}

// traits are the headers that many messages have.
func traits() object {
	binary := object{}
	for _, name := range []string{"id", "source", "type"} {
		binary["ce-"+name] = object{"type": "string", "minLength": 1}
	}
	binary["ce-specversion"] = object{"const": "1.0"}
	all := with(binary, object{
		"ce-datacontenttype": object{"const": dataType}, "ce-dataschema": object{"type": "string"}, "Content-Type": object{"const": dataType},
	})
	for _, name := range []string{"subject", "time", schema.AttrSequence, schema.AttrPartitionKey, schema.AttrOrigin, schema.AttrRecordedTime,
		schema.AttrCorrelationID, schema.AttrCausationID, schema.AttrTraceParent, schema.AttrTraceState, schema.AttrDataRef} {
		all["ce-"+name] = object{"type": "string"}
	}
	return object{
		"structured": headers("The header without which a reader must take the message for one in binary mode.",
			[]string{"Content-Type"}, object{"Content-Type": object{"const": structuredType}}),
		"binary": headers("Every attribute of the CloudEvent, percent-encoded where a header needs it.",
			[]string{"ce-specversion", "ce-id", "ce-source", "ce-type", "ce-datacontenttype", "ce-dataschema"}, all),
		"command": headers("The attributes of a CloudEvent, or none of them. Then Nats-Msg-Id is the command's identity.", nil,
			with(binary, commandHeaders())),
		"given-up": headers("Why the command was given up, beside the headers with which it came.",
			[]string{"Cc-Command-Id", "Cc-Error-Code", "Cc-Error-Message", "Cc-Attempts", "Cc-First-Seen"}, object{
				"Cc-Command-Id": object{"type": "string"}, "Cc-Error-Code": object{"type": "string"}, "Cc-Error-Message": object{"type": "string"},
				"Cc-Attempts":   object{"type": "string", "description": "How many calls were made."},
				"Cc-First-Seen": object{"type": "string", "format": "date-time"},
			}),
	}
}

// commandHeaders are those of a command beside the attributes that every CloudEvent has.
func commandHeaders() object {
	all := object{"Nats-Msg-Id": object{"type": "string", "minLength": 1, "maxLength": schema.MaxID}}
	for name, doc := range chosen {
		all["ce-"+name] = object{"type": "string", "description": doc}
	}
	return all
}

func headers(doc string, required []string, properties object) object {
	all := object{"type": "object", "description": doc, "properties": properties}
	if required != nil {
		all["required"] = required
	}
	return object{"headers": all}
}

func correlations() object {
	return object{
		"causation":      object{"description": "The id of the command whose result this is.", "location": "$message.payload#/" + schema.AttrCausationID},
		"causation-data": object{"description": "The id of the command whose result this is.", "location": "$message.header#/ce-" + schema.AttrCausationID},
	}
}
