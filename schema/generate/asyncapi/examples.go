package asyncapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// What stands around the examples of data.
const (
	exampleTenant  = "acme.brightpattern.com"
	exampleApp     = "support"
	exampleCommand = "6f1c2c0e-5a3b-4d58-9a55-0f6f7f0f3c21"
	exampleSource  = "//shop.example/checkout"
	schemaBase     = "cc-connector:/schemas" // the default of CC_SCHEMA_BASE_URL
)

var exampleTime = time.Date(2026, 3, 14, 9, 26, 53, 589_000_000, time.UTC)

// examplesOf are those of the two forms of a message.
type examplesOf struct{ structured, data []any }

// examples puts a CloudEvent around each example of a document, and has the
// connector's own encoder write it.
func examples(name, typ string, document object) (all examplesOf, err error) {
	given, _ := document["examples"].([]any)
	for i, data := range given {
		e := exampleEvent(name, typ, data)
		if err := schema.SetData(&e, data); err != nil {
			return all, fmt.Errorf("the examples of %s: %w", name, err)
		}
		structured, err := encoded(e, schema.Structured)
		if err != nil {
			return all, fmt.Errorf("the examples of %s: %w", name, err)
		}
		alone, err := encoded(e, schema.Binary)
		if err != nil {
			return all, fmt.Errorf("the examples of %s: %w", name, err)
		}
		all.structured = append(all.structured, with(structured, object{"name": fmt.Sprint("example-", i+1)}))
		all.data = append(all.data, with(alone, object{"name": fmt.Sprint("example-", i+1)}))
	}
	return all, nil
}

// encoded is a message as an example has it.
func encoded(e event.Event, mode schema.Mode) (object, error) {
	msg, err := schema.Encode(e, mode)
	if err != nil {
		return nil, err
	}
	var payload any
	if err := json.Unmarshal(msg.Data, &payload); err != nil {
		return nil, err
	}
	return object{"payload": payload, "headers": flat(msg.Header)}, nil
}

func flat(h nats.Header) object {
	all := object{}
	for name, values := range h {
		all[name] = values[0]
	}
	return all
}

func exampleEvent(name, typ string, data any) event.Event {
	e := event.New()
	sum := sha256.Sum256([]byte(name))
	e.SetID(hex.EncodeToString(sum[:16]))
	e.SetType(typ)
	members, _ := data.(object)
	chat, _ := members["chatId"].(string)
	switch kind, _, _ := strings.Cut(name, "."); kind {
	case "command":
		e.SetID(exampleCommand)
		e.SetSource(exampleSource)
		return e
	case "result":
		e.SetSource(schema.CommandsSource(exampleTenant, exampleApp))
		e.SetTime(exampleTime)
		e.SetExtension(schema.AttrCorrelationID, exampleCommand)
		e.SetExtension(schema.AttrCausationID, exampleCommand)
	default:
		e.SetSource(schema.EventSource(exampleTenant, exampleApp, subjects.Escape(chat)))
		e.SetExtension(schema.AttrSequence, schema.FormatSequence(1))
		setTimes(&e, kind, members)
	}
	e.SetDataSchema(schema.DataSchema(schemaBase, name))
	if chat != "" {
		e.SetSubject(subjects.Escape(chat))
		e.SetExtension(schema.AttrPartitionKey, subjects.Escape(chat))
	}
	return e
}

// setTimes also says where an event comes from.
func setTimes(e *event.Event, kind string, data object) {
	if kind == "session" {
		e.SetTime(exampleTime)
		return
	}
	stamp, _ := data["timestamp"].(string)
	if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil {
		e.SetTime(at)
	}
	e.SetExtension(schema.AttrOrigin, schema.OriginPoll)
	e.SetExtension(schema.AttrRecordedTime, exampleTime.Format(time.RFC3339Nano))
}
