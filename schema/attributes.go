package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

const specVersion = "1.0"

// attribute is one attribute in its canonical text form.
type attribute struct{ name, value string }

// required attributes, in the order in which they are missed.
var required = []string{"specversion", "id", "source", "type"}

// setters put a text value into the context; false means that it is not of the attribute's form.
var setters = map[string]struct {
	set  func(*event.EventContextV1, string) bool
	want string
}{
	"specversion":     {func(_ *event.EventContextV1, s string) bool { return s == specVersion }, "must be 1.0"},
	"id":              {func(c *event.EventContextV1, s string) bool { c.ID = s; return true }, ""},
	"type":            {func(c *event.EventContextV1, s string) bool { c.Type = s; return true }, ""},
	"subject":         {func(c *event.EventContextV1, s string) bool { c.Subject = &s; return true }, ""},
	"datacontenttype": {func(c *event.EventContextV1, s string) bool { c.DataContentType = &s; return true }, ""},
	"source":          {setSource, "must be a URI reference"},
	"dataschema":      {setDataSchema, "must be an absolute URI"},
	"time":            {setTime, "must be an RFC 3339 time"},
}

func setSource(c *event.EventContextV1, s string) bool {
	ref := types.ParseURIRef(s)
	if ref == nil {
		return false
	}
	c.Source = *ref
	return true
}

func setDataSchema(c *event.EventContextV1, s string) bool {
	c.DataSchema = types.ParseURI(s)
	return c.DataSchema != nil
}

func setTime(c *event.EventContextV1, s string) bool {
	t, err := time.Parse(time.RFC3339Nano, s)
	c.Time = &types.Timestamp{Time: t}
	return err == nil
}

// reader collects the attributes of one event.
type reader struct {
	context event.EventContextV1
	limited bool            // from anybody: see DecodeCommand
	seen    map[string]bool // given at all, to find repeats
	set     map[string]bool // given with a value
}

func newReader(limited bool) *reader {
	return &reader{limited: limited, seen: map[string]bool{}, set: map[string]bool{}}
}

// note reports false for a name that was given before.
func (r *reader) note(name string) bool {
	twice := r.seen[name]
	r.seen[name] = true
	return !twice
}

// limit refuses what no command needs, before anything is made of it.
func (r *reader) limit(name, value string) *FieldError {
	switch {
	case !r.limited:
		return nil
	case len(name) > maxForeignName:
		return &FieldError{foreignName(name), fmt.Sprintf("is too long for an attribute's name: at most %d bytes", maxForeignName)}
	case len(value) > MaxAttribute:
		return &FieldError{safeName(name), fmt.Sprintf("is too long: at most %d bytes", MaxAttribute)}
	case len(r.seen) > MaxAttributes:
		return &FieldError{safeName(name), fmt.Sprintf("is one attribute too many: at most %d", MaxAttributes)}
	}
	return nil
}

// add takes one attribute: a string, bool or int32. An empty value of a
// CloudEvents attribute is as if it were not there: none may be empty.
func (r *reader) add(name string, value any) *FieldError {
	s, isText := value.(string)
	if ferr := r.limit(name, s); ferr != nil {
		return ferr
	}
	if !isAttributeName(name) {
		return &FieldError{foreignName(name), "an attribute's name is of a-z and 0-9, and not data"}
	}
	if isText && !utf8.ValidString(s) {
		return &FieldError{safeName(name), "must be valid UTF-8"}
	}
	setter, ours := setters[name]
	if !ours {
		_ = r.context.SetExtension(name, value) // neither name nor type can be wrong here
		return nil
	}
	if !isText {
		return &FieldError{name, "must be a string"}
	}
	if s == "" {
		return nil
	}
	r.set[name] = true
	if !setter.set(&r.context, s) {
		return &FieldError{name, setter.want}
	}
	return nil
}

// event returns what was collected, if it is a valid CloudEvent.
func (r *reader) event() (event.Event, *FieldError) {
	for _, name := range required {
		if !r.set[name] {
			return event.Event{}, &FieldError{name, "is missing: every CloudEvent has it"}
		}
	}
	e := event.Event{Context: &r.context}
	if ferr := invalid(e); ferr != nil {
		return event.Event{}, ferr
	}
	return e, nil
}

// invalid is the sdk's judgement of an event, without the values it may quote.
func invalid(e event.Event) *FieldError {
	err := e.Validate()
	if err == nil {
		return nil
	}
	failed, ok := err.(event.ValidationError)
	if !ok || len(failed) == 0 {
		return &FieldError{"specversion", "is not a valid CloudEvent"}
	}
	name := slices.Min(slices.Collect(maps.Keys(failed)))
	name = strings.TrimPrefix(name, "extension:")
	return &FieldError{safeName(name), "is not valid in CloudEvents 1.0: it is empty or of the wrong form"}
}

// prepare returns a copy of e that can be written, and its attributes.
func prepare(e event.Event) (event.Event, []attribute, *FieldError) {
	if ferr := invalid(e); ferr != nil {
		return e, nil, ferr
	}
	if e.SpecVersion() != specVersion {
		return e, nil, &FieldError{"specversion", "must be 1.0"}
	}
	context := e.Context.AsV1() // a copy, but for the extensions
	attrs := coreAttributes(context)
	extensions, extra, ferr := formatExtensions(context.Extensions)
	if ferr != nil {
		return e, nil, ferr
	}
	attrs = append(attrs, extra...)
	if ferr := writable(context, attrs); ferr != nil {
		return e, nil, ferr
	}
	context.Extensions = extensions
	e.Context = context
	ferr = prepareData(&e)
	return e, attrs, ferr
}

func writable(context *event.EventContextV1, attrs []attribute) *FieldError {
	for _, a := range attrs {
		if !utf8.ValidString(a.value) {
			return &FieldError{safeName(a.name), "must be valid UTF-8"}
		}
	}
	if t := context.Time; t != nil && (t.UTC().Year() < 0 || t.UTC().Year() > 9999) {
		return &FieldError{"time", "must have a year within 0 and 9999"}
	}
	return nil
}

func coreAttributes(c *event.EventContextV1) []attribute {
	attrs := []attribute{{"specversion", specVersion}, {"id", c.ID}, {"source", c.Source.String()}, {"type", c.Type}}
	if c.Subject != nil {
		attrs = append(attrs, attribute{"subject", *c.Subject})
	}
	if c.DataContentType != nil {
		attrs = append(attrs, attribute{"datacontenttype", *c.DataContentType})
	}
	if c.DataSchema != nil {
		attrs = append(attrs, attribute{"dataschema", c.DataSchema.String()})
	}
	if c.Time != nil {
		attrs = append(attrs, attribute{"time", c.Time.String()})
	}
	return attrs
}

// formatExtensions keeps booleans and integers, which JSON writes as such, and makes text of all else.
func formatExtensions(in map[string]any) (map[string]any, []attribute, *FieldError) {
	out := make(map[string]any, len(in))
	attrs := make([]attribute, 0, len(in))
	for _, name := range slices.Sorted(maps.Keys(in)) {
		s, err := types.Format(in[name])
		if err != nil || !isAttributeName(name) {
			return nil, nil, &FieldError{safeName(name), "is not a CloudEvents attribute"}
		}
		attrs = append(attrs, attribute{name, s})
		switch value := in[name].(type) {
		case bool, int32:
			out[name] = value
		default:
			out[name] = s
		}
	}
	return out, attrs, nil
}

// prepareData makes the choice between JSON, text and base64 by the data itself.
func prepareData(e *event.Event) *FieldError {
	if len(e.DataEncoded) == 0 {
		e.DataEncoded, e.DataBase64 = nil, false // the sdk writes an empty slice as a JSON member without a value
		return nil
	}
	if isJSON(e.DataContentType()) {
		e.DataBase64 = false
		if !utf8.Valid(e.DataEncoded) || !json.Valid(e.DataEncoded) {
			return &FieldError{"data", "must be JSON in UTF-8, as datacontenttype says"}
		}
		return nil
	}
	e.DataBase64 = e.DataBase64 || !utf8.Valid(e.DataEncoded)
	return nil
}

// isJSON tells JSON data by its content type; without one, data is JSON. The
// list is the sdk's, whose writer puts all other data into a JSON string.
func isJSON(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	mediaType = strings.ToLower(strings.TrimSpace(mediaType))
	switch mediaType {
	case "", event.ApplicationJSON, event.TextJSON, event.ApplicationCloudEventsJSON, event.ApplicationCloudEventsBatchJSON:
		return true
	}
	return false
}

func isAttributeName(name string) bool {
	return name != "" && name != "data" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

// safeName leaves a name of sane length and letters as it is.
func safeName(name string) string {
	if isAttributeName(name) && len(name) <= maxForeignName {
		return name
	}
	return foreignName(name)
}
