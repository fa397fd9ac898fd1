package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
)

const attributePrefix = "ce-"

// encodeBinary sets the header's keys literally: nats.Header is case-sensitive
// and its Set keeps the case, while the binding wants ce- names in lower case.
func encodeBinary(w writable) *nats.Msg {
	h := make(nats.Header, len(w.attributes)+1)
	values := make([]string, 0, len(w.attributes)+1) // of all headers, each of which has a part of it
	add := func(name, value string) {
		values = append(values, percentEncode(value))
		h[name] = values[len(values)-1 : len(values) : len(values)]
	}
	for _, a := range w.attributes {
		add(headerName(a.name), a.value)
	}
	if dct := cmp.Or(w.contentType, defaultContentType); !isStructured(dct) {
		add(contentType, dct)
	}
	return &nats.Msg{Header: h, Data: w.data}
}

// isStructured tells content types that make a reader take the message for structured.
func isStructured(mediaType string) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(mediaType)), structuredPrefix)
}

func hasAttributes(h nats.Header) bool {
	for name := range h {
		if _, ok := attributeName(name); ok {
			return true
		}
	}
	return false
}

func attributeName(header string) (string, bool) {
	return strings.CutPrefix(strings.ToLower(header), attributePrefix)
}

func (r *reader) decodeBinary(h nats.Header, data []byte) (event.Event, *FieldError) {
	for _, header := range slices.Sorted(maps.Keys(h)) { // sorted: the same message gives the same error
		name, ok := attributeName(header)
		if !ok {
			continue
		}
		if ferr := r.addHeader(name, h[header]); ferr != nil {
			return event.Event{}, ferr
		}
	}
	e, ferr := r.event()
	if ferr != nil {
		return event.Event{}, ferr
	}
	if len(data) > 0 {
		e.DataEncoded = data
	}
	return e, nil
}

func (r *reader) addHeader(name string, values []string) *FieldError {
	if len(values) != 1 || !r.note(name) {
		return &FieldError{safeName(name), "must be given once, with one value"}
	}
	value, ok := percentDecode(unquote(values[0]))
	if !ok {
		return &FieldError{safeName(name), "has a % without two hex digits after it: write a percent sign as %25"}
	}
	return r.add(name, value)
}

// single returns a header's value whatever its name's case, "" without one.
func single(h nats.Header, name string) (string, *FieldError) {
	var found []string
	for key, values := range h {
		if strings.EqualFold(key, name) {
			found = append(found, values...)
		}
	}
	if len(found) > 1 {
		return "", &FieldError{name, "is given more than once"}
	}
	return strings.Join(found, ""), nil
}
