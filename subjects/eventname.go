package subjects

import "strings"

// EventName is a server event's name as one NATS token.
type EventName string

// UnknownEvent names an event without a usable name of its own.
const UnknownEvent EventName = "unknown"

// MaxWireName is the longest wire name, in bytes, that becomes a token. A NATS
// server closes a connection whose subject exceeds its control line (4 KiB by
// default), so a longer name would silence the connector; it counts as unknown.
const MaxWireName = 512

const (
	wirePrefix = "chat_session_"
	misspelt   = "inactvity_timeout"
)

// NameOfEvent makes a token of an event's wire name, whatever its bytes: the
// part after chat_session_, escaped; x_<escaped name> without that prefix;
// [UnknownEvent] for an empty name or part, and for one over [MaxWireName].
// The reference's second spelling, inactvity_timeout, becomes inactivity_timeout.
func NameOfEvent(wire string) EventName {
	rest, known := strings.CutPrefix(wire, wirePrefix)
	switch {
	case rest == "" || len(wire) > MaxWireName:
		return UnknownEvent
	case !known:
		return EventName("x_" + Escape(rest))
	case rest == misspelt:
		return "inactivity_timeout"
	}
	return EventName(Escape(rest))
}
