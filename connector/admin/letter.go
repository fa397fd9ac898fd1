package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/bus"
	"cc-connector/schema"
)

// # What is shown of a dead letter
//
// Its data are what a customer said, a device token, the clientId. So they are told
// by name and size, unless who asks wants to have them. The same is true of headers
// that are nobody's whom the connector knows.

// Shown is a dead letter, looked into.
type Shown struct {
	Version int `json:"version"`
	Letter
	Form       schema.Form            `json:"form,omitempty"`       // empty: it cannot be read as a command
	ExpiryTime *schema.Time           `json:"expiryTime,omitempty"` // until when its sender wanted it
	Headers    schema.List[Header]    `json:"headers"`
	Attributes schema.List[Header]    `json:"attributes,omitempty"` // of a CloudEvent that is one JSON object
	Fields     schema.List[DataField] `json:"fields"`               // of the command's data
	Bytes      int                    `json:"bytes"`                // of the payload
	Data       string                 `json:"data,omitempty"`       // the payload, if it is asked for and UTF-8
	DataBase64 string                 `json:"dataBase64,omitempty"` // the payload, if it is asked for and no UTF-8
}

// Header is one of the message, or an attribute.
type Header struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Hidden bool   `json:"hidden,omitempty"` // it has a value, which is shown only where it is asked for
}

// DataField is a member of the command's data.
type DataField struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`  // of JSON value
	Bytes int    `json:"bytes"` // as it is written
}

// open are the headers and attributes that tell nothing of what was said.
var open = map[string]bool{
	"cc-command-id": true, "cc-error-code": true, "cc-error-message": true, "cc-attempts": true, "cc-first-seen": true,
	"content-type": true, "nats-msg-id": true, "traceparent": true,
	"specversion": true, "id": true, "source": true, "type": true, "time": true, "datacontenttype": true,
	"correlationid": true, "causationid": true, "expirytime": true,
}

// Show looks into a dead letter; withData has it tell all.
func (d *Dead) Show(ctx context.Context, sequence uint64, withData bool) (Shown, error) {
	msg, err := d.letterAt(ctx, sequence)
	if err != nil {
		return Shown{}, err
	}
	return d.look(msg, withData), nil
}

// Describe looks into a dead letter for somebody who may see what was said, but no
// secret: Shown.Data are the command's data as Told has them.
func (d *Dead) Describe(ctx context.Context, sequence uint64) (Shown, error) {
	msg, err := d.letterAt(ctx, sequence)
	if err != nil {
		return Shown{}, err
	}
	s := d.look(msg, false)
	if e, _, err := schema.DecodeCommand(msg.Header, msg.Data); err == nil {
		text, err := json.Marshal(Told(s.Command, e.Data()))
		if err != nil {
			return Shown{}, err
		}
		s.Data = string(text)
	}
	return s, nil
}

var withheld = json.RawMessage(`"(withheld)"`)

// Told are a command's data without what results withhold, without clientIds, and
// without what the command has no name for, where it is held against its names.
func Told(command string, data []byte) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	spec, known := schema.LookupCommand(command)
	if !known || json.Unmarshal(data, &members) != nil || members == nil {
		return map[string]json.RawMessage{}
	}
	for name := range members {
		field, is := spec.Field(name)
		if !is && !spec.Open || field.Withheld || field.Kind == schema.KindClientID {
			members[name] = withheld
		}
	}
	return members
}

func (d *Dead) look(msg *bus.Stored, withData bool) Shown {
	s := Shown{Version: Version, Letter: d.letterOf(msg, time.Now()), Bytes: len(msg.Data), Headers: headersOf(msg.Header, withData)}
	if e, form, err := schema.DecodeCommand(msg.Header, msg.Data); err == nil {
		s.Form, s.Fields = form, fieldsOf(e.Data())
		if form == schema.FormStructured {
			s.Attributes = attributesOf(e, withData)
		}
		if expires, err := schema.ExpiryTime(e); err == nil && isWritable(expires) {
			s.ExpiryTime = schema.NewTime(expires)
		}
	}
	switch {
	case withData && utf8.Valid(msg.Data):
		s.Data = string(msg.Data)
	case withData:
		s.DataBase64 = base64.StdEncoding.EncodeToString(msg.Data)
	}
	return s
}

func headersOf(all nats.Header, withData bool) (told schema.List[Header]) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, value := range all[name] {
			told = append(told, headerOf(name, value, withData))
		}
	}
	return told
}

func headerOf(name, value string, withData bool) Header {
	known := strings.TrimPrefix(strings.ToLower(name), "ce-")
	if withData || open[known] {
		return Header{Name: shown(name), Value: shown(value)}
	}
	return Header{Name: shown(name), Hidden: true}
}

func attributesOf(e event.Event, withData bool) (told schema.List[Header]) {
	all := map[string]string{"specversion": e.SpecVersion(), "id": e.ID(), "source": e.Source(), "type": e.Type()}
	for name := range e.Extensions() {
		all[name] = schema.Extension(e, name)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		told = append(told, headerOf(name, all[name], withData))
	}
	return told
}

// fieldsOf tells of data that may be anything.
func fieldsOf(data []byte) (told schema.List[DataField]) {
	var members map[string]json.RawMessage
	if json.Unmarshal(data, &members) != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		told = append(told, DataField{shown(name), kindOf(members[name]), len(members[name])})
	}
	return told
}

func kindOf(value json.RawMessage) string {
	switch value[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}
