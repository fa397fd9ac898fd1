package translate

import (
	"encoding/json"
	"unicode/utf8"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// # What no message can hold
//
// The contact center passes on what an agent's browser or a customer's device
// said, and JSON can be nested deeper than a message may be, and deeper than
// most readers go. What is, is published as its text, or left out where it
// stands in raw as well. So every event can be written, and every one that is
// written can be read.

// simplify tells whether it had to change the event.
func simplify(e brightpattern.Event) (brightpattern.Event, bool) {
	wholeRaw, wholeData := fits(e.Raw), fits(e.Data)
	if !wholeRaw {
		e.Raw = quoted(string(e.Raw))
	}
	if !wholeData {
		e.Data = nil
	}
	return e, !wholeRaw || !wholeData
}

func fits(raw json.RawMessage) bool {
	return len(raw) == 0 || brightpattern.ShapeOf(raw).Depth <= schema.MaxNesting && json.Valid(raw)
}

func quoted(text string) json.RawMessage {
	written, _ := schema.JSON(text) // a string can always be written
	return written
}

// Bare is what can be said of an event that cannot be published as it is, and why.
func (e ServerEvent) Bare(reason string) ServerEvent {
	header := *e.Data.Header()
	header.Raw = quoted("the event could not be published: " + reason)
	e.Data = &schema.Unknown{EventHeader: header, EventName: string(subjects.UnknownEvent)}
	return e
}

// EndOf is how the session has ended with a published event; "" if it has not.
func EndOf(event schema.Event) brightpattern.EndReason {
	switch event.(type) {
	case *schema.Ended:
		return brightpattern.EndEnded
	case *schema.InactivityTimeout:
		return brightpattern.EndInactivityTimeout
	}
	return ""
}

// Cut shortens what others keep to at most limit bytes of UTF-8.
func Cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}
