package schema

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// Extension attributes of the connector's CloudEvents.
const (
	AttrCorrelationID = "correlationid" // of results: the command's own, by default its id
	AttrCausationID   = "causationid"   // of results: the command's id, or of a command_conflict the refused message's own name; on session.opened the id of the command that opened the chat
	AttrTraceParent   = "traceparent"   // W3C trace context: of results the command's, of events the poll's
	AttrTraceState    = "tracestate"    // W3C trace context, beside traceparent
	AttrExpiryTime    = "expirytime"    // command: RFC 3339; past it, no call is made
	AttrSequence      = "sequence"      // of events and session messages: 1, 2, 3, … without a hole per source, in 10 digits
	AttrPartitionKey  = "partitionkey"  // the chat's token, as in subject
	AttrOrigin        = "origin"        // of events: how the connector came by it
	AttrRecordedTime  = "recordedtime"  // of events: when the connector read it
	AttrDataRef       = "dataref"       // where the data lies that is too large for the bus: nats-object:<bucket>/<object>
)

// Values of the attribute origin.
const (
	OriginPoll    = "poll"    // given by a poll
	OriginSend    = "send"    // came in the answer to a call
	OriginHistory = "history" // recovered from the chat's history
)

const (
	typePrefix    = "com.brightpattern."
	typeVersion   = ".v1"
	eventPrefix   = "chat.event."
	sessionPrefix = "chat.session."
	dataRefScheme = "nats-object:"
)

// EventType is the type of a server event: com.brightpattern.chat.event.<name>.v1.
func EventType(name string) string { return typePrefix + eventPrefix + name + typeVersion }

// SessionType is the type of a session message: com.brightpattern.chat.session.<name>.v1.
func SessionType(name string) string { return typePrefix + sessionPrefix + name + typeVersion }

// ResultType is the type of an outcome: com.brightpattern.<noun>.result.<verb>.v1.
func ResultType(noun, verb string) string {
	return typePrefix + noun + ".result." + verb + typeVersion
}

// CommandType is the type recommended for a command: com.brightpattern.<noun>.command.<verb>.v1.
func CommandType(noun, verb string) string {
	return typePrefix + noun + ".command." + verb + typeVersion
}

// IsOwnType tells the types of the connector's own CloudEvents, of any version:
// events and session messages of chats, and results of commands. No sender has
// a reason to give one to a command.
func IsOwnType(typ string) bool {
	name, ok := strings.CutPrefix(typ, typePrefix)
	parts := strings.Split(name, ".")
	if !ok || len(parts) != 4 {
		return false
	}
	switch noun, kind, verb := parts[0], parts[1], parts[2]; kind {
	case "event", "session":
		return noun == "chat"
	case "result":
		_, known := LookupCommand(noun + "." + verb)
		return known
	}
	return false
}

// EventSource is the source of a chat's events and session messages. The app id
// and the chat id are escaped as in a subject.
func EventSource(tenantHost, app, chat string) string {
	return "//" + tenantHost + "/" + app + "/chats/" + chat
}

// CommandsSource is the source of results. The app id is escaped as in a subject.
func CommandsSource(tenantHost, app string) string {
	return "//" + tenantHost + "/" + app + "/commands"
}

// DataSchema is the identifier of a payload's schema: <base>/v1/<parts, joined by dots>.json,
// as DataSchema(base, "result", "chat", "send").
func DataSchema(base string, parts ...string) string {
	return strings.TrimSuffix(base, "/") + "/v1/" + strings.Join(parts, ".") + ".json"
}

// EventDataSchema is the schema of a server event; every name that is not in
// [Events] has that of "unknown".
func EventDataSchema(base, name string) string {
	if _, known := eventInfo(name); !known {
		name = "unknown"
	}
	return DataSchema(base, "event", name)
}

// FormatSequence writes the attribute sequence: 10 digits, zero-padded, so that it sorts as text.
func FormatSequence(n uint64) string { return fmt.Sprintf("%010d", n) }

// Sequence reads the attribute sequence.
func Sequence(e event.Event) (uint64, error) {
	n, err := strconv.ParseUint(Extension(e, AttrSequence), 10, 64)
	if err != nil {
		return 0, &FieldError{AttrSequence, "must be a whole number"}
	}
	return n, nil
}

// Extension returns an extension attribute in its canonical text form, "" if it is not there.
func Extension(e event.Event, name string) string {
	value, ok := e.Extensions()[name]
	if !ok {
		return ""
	}
	s, err := types.Format(value)
	if err != nil {
		return ""
	}
	return s
}

// ExpiryTime reads the attribute expirytime; the zero time if it is not there.
func ExpiryTime(e event.Event) (time.Time, error) {
	s := Extension(e, AttrExpiryTime)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, &FieldError{AttrExpiryTime, "must be an RFC 3339 time"}
	}
	return t, nil
}

// NewDataRef is the dataref of data in an object store's bucket: nats-object:<bucket>/<object>.
func NewDataRef(bucket, object string) string { return dataRefScheme + bucket + "/" + object }

// DataRef says where the data of an event too large for the bus lies; ok is
// false if the event carries its data itself.
func DataRef(e event.Event) (bucket, object string, ok bool) {
	rest, ok := strings.CutPrefix(Extension(e, AttrDataRef), dataRefScheme)
	if !ok {
		return "", "", false
	}
	bucket, object, ok = strings.Cut(rest, "/")
	return bucket, object, ok && bucket != "" && object != ""
}
