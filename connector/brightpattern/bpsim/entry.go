package bpsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"time"
)

// entry is one event of a chat, of either side.
type entry struct {
	raw    json.RawMessage // as polls give it, or as the client sent it
	kind   string
	made   time.Time
	client bool
	// ownTime: the pusher gave the timestamp; else it is made, which is more
	// exact than its spelling may be.
	ownTime bool
	whole   fields // of an event of which polls do not tell all

	fate    Fate // of server events
	given   time.Time
	written bool
}

const (
	kindMessage         = "chat_session_message"
	kindFile            = "chat_session_file"
	kindStatus          = "chat_session_status"
	kindCaseSet         = "chat_session_case_set"
	kindJoined          = "chat_session_party_joined"
	kindLeft            = "chat_session_party_left"
	kindEnded           = "chat_session_ended"
	kindTimeout         = "chat_session_inactivity_timeout"
	kindTimeoutMisspelt = "chat_session_inactvity_timeout"
	kindWarning         = "chat_session_timeout_warning"
	kindSignaling       = "chat_session_signaling"
	kindFormData        = "chat_session_form_data"
	kindSecureFormData  = "chat_session_secure_form_data"
	kindDisconnect      = "chat_session_disconnect"
	kindEnd             = "chat_session_end"
)

var errNotEvent = errors.New("event: not a JSON object")

// parseEvent reads an event given to Push: json.RawMessage or what encodes to an object.
func parseEvent(event any) (fields, error) {
	raw, err := tryEncode(event)
	if err != nil {
		return nil, errNotEvent // the cause might quote the event
	}
	fs, err := parseFields(bytes.Clone(raw))
	if err != nil {
		return nil, errNotEvent
	}
	return fs, nil
}

// timestamped adds the time in the kind's spelling; a null takes it away.
func timestamped(fs fields, at time.Time) fields {
	given, there := fs.get("timestamp")
	switch {
	case !there:
		return fs.with("timestamp", spellingOf(fs.text("event")).spell(at))
	case string(given) == "null":
		return fs.without("timestamp")
	default:
		return fs
	}
}

func (e *entry) public() ServerEvent {
	return ServerEvent{Event: e.raw, Made: e.made, Fate: e.fate, Given: e.given, Written: e.written}
}

// publicClient drops the secrets of a secure form.
func (e *entry) publicClient() ClientEvent {
	raw := e.raw
	if e.kind == kindSecureFormData {
		raw = mustFields(raw).without("data").encode()
	}
	return ClientEvent{Event: raw, Received: e.made}
}

// mustFields is for what has been parsed before.
func mustFields(raw json.RawMessage) fields {
	fs, err := parseFields(raw)
	if err != nil {
		panic(err)
	}
	return fs
}
