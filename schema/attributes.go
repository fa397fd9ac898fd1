package schema

import (
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
type attribute struct {
	name, value string
	bare        bool // a boolean or a number, which JSON writes without quotes
}

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
	seen    map[string]bool // given at all, to find repeats; true: with a value
}

func newReader(limited bool) *reader {
	return &reader{limited: limited, seen: map[string]bool{}}
}

// note reports false for a name that was given before.
func (r *reader) note(name string) bool {
	if _, twice := r.seen[name]; twice {
		return false
	}
	r.seen[name] = false
	return true
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

// add takes one attribute. An empty value of a CloudEvents attribute is as if it
// were not there: none may be empty.
func (r *reader) add(name, value string) *FieldError {
	if ferr := r.check(name, value); ferr != nil {
		return ferr
	}
	if !utf8.ValidString(value) {
		return &FieldError{safeName(name), "must be valid UTF-8"}
	}
	setter, ours := setters[name]
	switch {
	case !ours:
		_ = r.context.SetExtension(name, value) // neither name nor type can be wrong here
		return nil
	case value == "":
		return nil
	}
	r.seen[name] = true
	if !setter.set(&r.context, value) {
		return &FieldError{name, setter.want}
	}
	return nil
}

// addBare takes an attribute that is a boolean or an int32.
func (r *reader) addBare(name string, value any) *FieldError {
	if ferr := r.check(name, ""); ferr != nil {
		return ferr
	}
	if _, ours := setters[name]; ours {
		return &FieldError{name, "must be a string"}
	}
	_ = r.context.SetExtension(name, value)
	return nil
}

func (r *reader) check(name, value string) *FieldError {
	ferr := r.limit(name, value)
	if ferr == nil && !isAttributeName(name) {
		ferr = &FieldError{foreignName(name), "an attribute's name is of a-z and 0-9, and not data"}
	}
	return ferr
}

// event returns what was collected, if it is a valid CloudEvent.
func (r *reader) event() (event.Event, *FieldError) {
	for _, name := range required {
		if !r.seen[name] {
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
	if isPlainlyValid(e) {
		return nil
	}
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

// isPlainlyValid is of events in which the sdk would find nothing wrong, and
// makes no garbage. It says nothing of others.
func isPlainlyValid(e event.Event) bool {
	c, isV1 := e.Context.(*event.EventContextV1)
	if !isV1 || len(e.FieldErrors) > 0 || isBlank(c.ID) || isBlank(c.Type) {
		return false
	}
	return (c.Source.Host != "" || c.Source.Path != "") && (c.Subject == nil || !isBlank(*c.Subject)) &&
		(c.DataSchema == nil || c.DataSchema.Scheme != "") && (c.DataContentType == nil || *c.DataContentType == event.ApplicationJSON)
}

func isBlank(s string) bool { return strings.TrimSpace(s) == "" }

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
