package main

import (
	"encoding/json"

	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/schema"
)

const tenant = "acme.example.com"

// envelopeExamples are an event, a session message, a result, and an event whose
// data lies in the object store.
func envelopeExamples() []any {
	message := eventEnvelope("0000000009", messageExample)
	opened := inChat("6f1ddc0a", schema.SessionType("opened"), "session.opened", "0000000001")
	opened.SetTime(at.Time)
	_ = schema.SetData(&opened, sessionExamples[0])
	large := eventEnvelope("0000000010", messageExample)
	large.DataEncoded = nil
	large.SetExtension(schema.AttrDataRef, schema.NewDataRef("CC_FILES", "data/0b7c"))
	return []any{structured(message), structured(opened), structured(resultEnvelope()), structured(large)}
}

func eventEnvelope(sequence string, of schema.Event) event.Event {
	e := inChat("b5c0f6d2", schema.EventType(of.Name()), "event."+of.Name(), sequence)
	e.SetTime(at.Time)
	e.SetExtension(schema.AttrOrigin, schema.OriginPoll)
	e.SetExtension(schema.AttrRecordedTime, at.String())
	_ = schema.SetData(&e, of)
	return e
}

func inChat(id, typ, document, sequence string) event.Event {
	e := cloudEvent(id, typ, document)
	e.SetSource(schema.EventSource(tenant, "launch-point-1", chat))
	e.SetExtension(schema.AttrSequence, sequence)
	return e
}

func cloudEvent(id, typ, document string) event.Event {
	e := event.New()
	e.SetID(id)
	e.SetType(typ)
	e.SetDataSchema(schema.DataSchema(defaultBase, document))
	e.SetSubject(chat)
	e.SetExtension(schema.AttrPartitionKey, chat)
	return e
}

func resultEnvelope() event.Event {
	e := cloudEvent("c41f8a70", schema.ResultType("chat", "send"), "result.chat.send")
	e.SetSource(schema.CommandsSource(tenant, "launch-point-1"))
	e.SetTime(at.Time)
	e.SetExtension(schema.AttrCorrelationID, "2f1c9d0e")
	e.SetExtension(schema.AttrCausationID, "2f1c9d0e")
	_ = schema.SetData(&e, resultExamples(schema.CommandChatSend, commandExamples[schema.CommandChatSend])[0])
	return e
}

// structured is the CloudEvent as its message has it in structured mode.
func structured(e event.Event) json.RawMessage {
	msg, err := schema.Encode(e, schema.Structured)
	if err != nil {
		panic(err) // an example that is no CloudEvent
	}
	return msg.Data
}
