package schema

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

// MaxNesting is how many levels of brackets Raw has at most, and a signal, and
// a form's data. With what stands around it a message has no more than 64: that
// is how deep the readers of some languages go.
const MaxNesting = 56

// EventHeader is what every event of a chat has.
type EventHeader struct {
	ChatID    string `json:"chatId"`
	Timestamp *Time  `json:"timestamp,omitempty"` // the event's own time, as the contact center gives it, if it does
	// Raw is the event as the contact center wrote it, the same JSON value; one that
	// is nested deeper than 56 levels is a string that holds its text.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// Header returns what all events have in common.
func (h *EventHeader) Header() *EventHeader { return h }

func (*EventHeader) sealed() {}

// Event is the payload of a chat's event: a pointer to one of this package's
// event structs, [*Unknown] for a name that it does not know.
type Event interface {
	Name() string // as in the subject, "party_joined"
	Header() *EventHeader
	sealed()
}

// Unknown is an event whose name this package does not know: all of it is in Raw.
type Unknown struct {
	EventHeader
	EventName string `json:"-"` // as in the subject: escaped, maybe with x_ before it
}

// Name returns EventName.
func (e *Unknown) Name() string { return e.EventName }

// Errors of the functions that read payloads.
var (
	// ErrOtherType says that the CloudEvent is none of those that the function
	// reads: another kind of the connector's, its own business ([InternalType]), or
	// somebody else's.
	ErrOtherType = errors.New("schema: the CloudEvent's type is of another kind")
	ErrElsewhere = errors.New("schema: the data lies in an object store: see DataRef")
)

// NewEvent returns an empty event of that name; [*Unknown] for one not in [Events].
func NewEvent(name string) Event {
	if info, known := eventInfo(name); known {
		return info.empty()
	}
	return &Unknown{EventName: name}
}

// DecodeEvent reads a server event's payload by the CloudEvent's type. Errors:
// [ErrOtherType], [ErrElsewhere], or a [*FieldError] for data that does not fit.
func DecodeEvent(ce event.Event) (Event, error) {
	name, ok := typeName(ce, eventPrefix)
	if !ok {
		return nil, ErrOtherType
	}
	e := NewEvent(name)
	if err := decodeData(ce, e); err != nil {
		return nil, err
	}
	return e, nil
}

// typeName returns the type's part between the prefix and the version.
func typeName(ce event.Event, prefix string) (string, bool) {
	name, ok := strings.CutPrefix(ce.Type(), typePrefix+prefix)
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, typeVersion)
	return name, ok && name != ""
}

// decodeData keeps the JSON reader's errors to itself: they may quote numbers.
func decodeData(ce event.Event, into any) error {
	if _, elsewhere := ce.Extensions()[AttrDataRef]; elsewhere && len(ce.Data()) == 0 {
		return ErrElsewhere
	}
	if firstByte(ce.Data()) != '{' || json.Unmarshal(ce.Data(), into) != nil {
		return &FieldError{"data", "does not fit the CloudEvent's type"}
	}
	return nil
}
