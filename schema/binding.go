package schema

import (
	"bytes"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
)

// Mode is how a CloudEvent is put into a NATS message.
type Mode string

// The two modes of the CloudEvents NATS binding.
const (
	Structured Mode = "structured" // one JSON object holds attributes and data
	Binary     Mode = "binary"     // attributes are ce- headers, the payload is the data
)

// ParseMode accepts "structured" and "binary".
func ParseMode(s string) (Mode, error) {
	if m := Mode(s); m == Structured || m == Binary {
		return m, nil
	}
	return "", &FieldError{"mode", "must be structured or binary"}
}

// Form is how a received message was written.
type Form string

// The forms that [Decode] tells apart.
const (
	FormStructured Form = "structured"
	FormBinary     Form = "binary"
	FormPlain      Form = "plain" // no CloudEvent: the payload is the data alone
)

// Mode is the mode in which a message of the form is answered: the payload of a
// binary one is the data alone, as it is of a plain message.
func (f Form) Mode() Mode {
	if f == FormStructured {
		return Structured
	}
	return Binary
}

const (
	contentType        = "Content-Type"
	structuredType     = "application/cloudevents+json"
	structuredPrefix   = "application/cloudevents"
	batchPrefix        = "application/cloudevents-batch"
	defaultContentType = "application/json"
)

// Encode puts a CloudEvent into a message; its Subject is left empty. JSON data
// is always written as JSON, whatever e.DataBase64 says. The error is a
// [*FieldError] that names the attribute which no valid CloudEvent can carry.
func Encode(e event.Event, m Mode) (*nats.Msg, error) {
	w, ferr := prepare(e)
	if ferr != nil {
		return nil, ferr
	}
	if m == Binary {
		return encodeBinary(w), nil
	}
	return &nats.Msg{Header: nats.Header{contentType: {structuredType}}, Data: w.json()}, nil
}

// Decode reads a message in any of the three forms. Structured: a Content-Type
// that begins with application/cloudevents, in any case, or a JSON object with a
// member "specversion". Binary: any ce- header, in any case. Else plain: then the
// event has data but no attributes. The error is a [*FieldError] naming the attribute.
func Decode(h nats.Header, data []byte) (event.Event, Form, error) {
	return newReader(false).decode(h, data)
}

// DecodeCommand is [Decode] for what anybody may have sent: it also refuses
// attributes that are too long or too many, and JSON that is nested too deeply.
func DecodeCommand(h nats.Header, data []byte) (event.Event, Form, error) {
	if depth(data) > MaxDepth {
		return event.Event{}, "", errTooDeep
	}
	return newReader(true).decode(h, data)
}

func (r *reader) decode(h nats.Header, data []byte) (event.Event, Form, error) {
	mediaType, ferr := single(h, contentType)
	if ferr != nil {
		return event.Event{}, "", ferr
	}
	switch mediaType = strings.ToLower(strings.TrimSpace(mediaType)); {
	case strings.HasPrefix(mediaType, batchPrefix):
		return event.Event{}, "", &FieldError{contentType, "batches are not taken: send one event a message"}
	case strings.HasPrefix(mediaType, structuredPrefix) || looksStructured(data):
		return decoded(FormStructured)(r.decodeStructured(data))
	case hasAttributes(h):
		return decoded(FormBinary)(r.decodeBinary(h, data))
	}
	return plain(data), FormPlain, nil
}

func plain(data []byte) event.Event {
	e := event.New()
	e.DataEncoded = data
	return e
}

// decoded turns a nil *FieldError into a nil error.
func decoded(form Form) func(event.Event, *FieldError) (event.Event, Form, error) {
	return func(e event.Event, ferr *FieldError) (event.Event, Form, error) {
		if ferr != nil {
			return event.Event{}, form, ferr
		}
		return e, form, nil
	}
}

// FormOf tells in which form a message seems to be that is not going to be read:
// by its headers, and by the one word that no CloudEvent's payload is without.
func FormOf(h nats.Header, data []byte) Form {
	mediaType, _ := single(h, contentType)
	switch {
	case isStructured(mediaType), firstByte(data) == '{' && bytes.Contains(data, []byte(`"specversion"`)):
		return FormStructured
	case hasAttributes(h):
		return FormBinary
	}
	return FormPlain
}

// looksStructured does not look for ever: a CloudEvent with so many members is none.
func looksStructured(data []byte) (found bool) {
	if !bytes.Contains(data, []byte(`"specversion"`)) {
		return false
	}
	seen := 0
	isObject := eachMember(data, func(m member) bool {
		seen++
		found = m.name == "specversion"
		return !found && seen < MaxMembers
	})
	return isObject && found
}
