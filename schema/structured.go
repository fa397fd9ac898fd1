package schema

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/cloudevents/sdk-go/v2/event"
)

// decodeStructured reads the JSON format itself rather than by the sdk, whose
// reader takes the last of repeated members and quotes values in its errors.
func (r *reader) decodeStructured(data []byte) (event.Event, *FieldError) {
	var plain, encoded json.RawMessage
	var ferr *FieldError
	isObject := eachMember(data, func(m member) bool {
		switch {
		case !r.note(m.name):
			ferr = &FieldError{safeName(m.name), "is given more than once"}
		case m.name == "data":
			plain = m.value
		case m.name == "data_base64":
			encoded = m.value
		default:
			ferr = r.addJSON(m)
		}
		return ferr == nil
	})
	if !isObject {
		return event.Event{}, &FieldError{"data", "must be one CloudEvent as a JSON object in UTF-8"}
	}
	if ferr != nil {
		return event.Event{}, ferr
	}
	e, ferr := r.event()
	if ferr != nil {
		return event.Event{}, ferr
	}
	ferr = setPayload(&e, plain, encoded)
	return e, ferr
}

// addJSON takes an attribute as JSON writes it; null is as if it were not there.
func (r *reader) addJSON(m member) *FieldError {
	switch first := firstByte(m.value); first {
	case 'n':
		return r.limit(m.name, "")
	case 't', 'f':
		return r.addBare(m.name, first == 't')
	case '"':
		s, _ := text(m.value)
		return r.add(m.name, s)
	}
	n, err := strconv.ParseInt(string(m.value), 10, 32)
	if err != nil {
		return &FieldError{safeName(m.name), "must be a string, a boolean or a whole number of 32 bits"}
	}
	return r.addBare(m.name, int32(n))
}

func setPayload(e *event.Event, data, encoded json.RawMessage) *FieldError {
	switch {
	case data != nil && encoded != nil:
		return &FieldError{"data_base64", "cannot stand beside data: take one of them out"}
	case encoded != nil:
		return setBase64(e, encoded)
	case data == nil:
		return nil
	}
	e.DataEncoded = data
	if s, ok := text(data); ok && !isJSON(e.DataContentType()) {
		e.DataEncoded = []byte(s)
	}
	return nil
}

func setBase64(e *event.Event, encoded json.RawMessage) *FieldError {
	s, ok := text(encoded)
	decoded, err := base64.StdEncoding.DecodeString(s)
	if !ok || err != nil {
		return &FieldError{"data_base64", "must be a string in base64"}
	}
	e.DataEncoded, e.DataBase64 = decoded, true
	return nil
}
