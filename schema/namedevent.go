package schema

import (
	"encoding/json"
	"errors"
)

// NamedEvent is an event as histories list it: its JSON is the event's, with
// its name as the first member, "name".
type NamedEvent struct{ Event }

// MarshalJSON writes the event with its name before its fields.
func (n NamedEvent) MarshalJSON() ([]byte, error) {
	if n.Event == nil {
		return nil, errors.New("schema: a NamedEvent without an event")
	}
	name, err := JSON(n.Name())
	if err != nil {
		return nil, err
	}
	fields, err := JSON(n.Event)
	if err != nil {
		return nil, err
	}
	// Every event has at least chatId, so a comma is always due.
	out := append([]byte(`{"name":`), name...)
	return append(append(out, ','), fields[1:]...), nil
}

// UnmarshalJSON reads an event by its name; [*Unknown] for one not in [Events].
func (n *NamedEvent) UnmarshalJSON(b []byte) error {
	var named struct{ Name string }
	if err := json.Unmarshal(b, &named); err != nil || named.Name == "" {
		return &FieldError{"name", "must be the event's name"}
	}
	e := NewEvent(named.Name)
	if err := json.Unmarshal(b, e); err != nil {
		return &FieldError{"events", "does not fit the event's name"}
	}
	n.Event = e
	return nil
}
