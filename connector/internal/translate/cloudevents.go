package translate

import (
	"github.com/cloudevents/sdk-go/v2/event"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Origin tells how an event reached the connector.
type Origin string

// The origins, as CloudEvents have them.
const (
	FromPoll    Origin = schema.OriginPoll
	FromAnswer  Origin = schema.OriginSend
	FromHistory Origin = schema.OriginHistory
)

// Naming knows what goes into the attributes of every CloudEvent.
type Naming struct {
	Prefix     subjects.Prefix
	Tenant     string // host of the contact center
	SchemaBase string // beginning of every dataschema
}

// EventSource is the source of a chat's events.
func (n Naming) EventSource(app brightpattern.AppID, chat subjects.ChatToken) string {
	return schema.EventSource(n.Tenant, subjects.Escape(string(app)), string(chat))
}

// CommandsSource is the source of the results of an app's commands.
func (n Naming) CommandsSource(app brightpattern.AppID) string {
	return schema.CommandsSource(n.Tenant, subjects.Escape(string(app)))
}

// NewCloudEvent has what all kinds have in common.
func NewCloudEvent(id, source, eventType, dataSchema string, chat subjects.ChatToken) event.Event {
	e := event.New()
	e.SetID(id)
	e.SetSource(source)
	e.SetType(eventType)
	e.SetDataSchema(dataSchema)
	if chat != "" {
		e.SetSubject(string(chat))
		e.SetExtension(schema.AttrPartitionKey, string(chat))
	}
	return e
}

// SetIfAny sets an extension attribute, unless its value is empty.
func SetIfAny(e *event.Event, name, value string) {
	if value != "" {
		e.SetExtension(name, value)
	}
}
