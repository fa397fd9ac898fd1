package bpsim

import (
	"encoding/json"
	"strconv"
	"strings"
)

// clientEvents are the events that a client may send, with their fields beyond
// event and timestamp. Required is what an event means nothing without.
var clientEvents = map[string][]rule{
	kindMessage: {
		must("msg_id", aFilledString), must("msg", aString),
		may("msg_text", aString), may("channel", aString),
	},
	"chat_session_message_delivered": {must("ref_msg_id", aFilledString), may("msg_id", aFilledString)},
	"chat_session_message_read":      {must("ref_msg_id", aFilledString), may("msg_id", aFilledString)},
	"chat_session_typing":            {},
	"chat_session_not_typing":        {},
	kindLocation: {
		must("msg_id", aFilledString), may("latitude", aStringOrNumber), may("longitude", aStringOrNumber),
		may("url", aString), may("party_id", aString),
	},
	"chat_session_file": {
		must("file_id", aFilledString), must("file_name", aFilledString),
		must("file_type", oneOf("image", "attachment")), may("msg_id", aFilledString),
	},
	kindFormData:                      formData,
	kindSecureFormData:                formData,
	"chat_session_secure_form_cancel": {must("form_request_id", aStringOrNumber)},
	kindSignaling: {
		must("msg_id", aFilledString), must("destination_party_id", aFilledString), must("data", aSignal),
		may("party_id", aString),
	},
	"chat_session_cobrowsing_rejected": {},
	"chat_session_cobrowsing_ended":    {},
	"chat_session_cobrowsing_started":  {may("provider_type", aString), may("cobrowsing_url", aString)},
	"chat_session_navigation": {
		must("msg_id", aFilledString), must("page", aString), may("title", aString),
	},
	kindDisconnect: {},
	kindEnd:        {},
}

var formData = []rule{
	must("form_request_id", aStringOrNumber), must("form_name", aString), must("data", anObject),
}

// everyEvent are the fields that any event may have.
var everyEvent = []rule{must("event", aFilledString), may("timestamp", aStringOrNumber)}

// hasOwnID: a msg_id in this kind is made by the client; in receipts it is
// somebody else's.
func hasOwnID(kind string) bool {
	return !strings.HasPrefix(kind, kindMessage+"_")
}

var (
	aSignal     = check{"must be signaling data, as an object or as a string holding JSON", isSignal}
	aSignalType = oneOf("REQUEST_CALL", "CALL_REJECTED", "OFFER_CALL", "ANSWER_CALL", "ICE_CANDIDATE", "END_CALL")
)

func isSignal(raw json.RawMessage) bool {
	if text, quoted := stringOf(raw); quoted {
		raw = json.RawMessage(text)
	}
	fs, err := parseFields(raw)
	kind, _ := fs.get("type")
	return err == nil && aSignalType.holds(kind)
}

// checkClientEvent returns what is wrong with an event of this chat, or "".
func checkClientEvent(fs fields, chat string) string {
	kind := fs.text("event")
	rules, known := clientEvents[kind]
	switch {
	case kind == "":
		return "event is missing"
	case !known:
		return "event is not one that a client may send"
	}
	if wrong := breach(fs, append(everyEvent[:len(everyEvent):len(everyEvent)], rules...)); wrong != "" {
		return kind + ": " + wrong
	}
	if wrong := misplaced(fs); kind == kindLocation && wrong != "" {
		return kind + ": " + wrong
	}
	if hasOwnID(kind) && !isOwnID(fs, chat) {
		return kind + ": msg_id must be <chat id>:<n>"
	}
	return ""
}

const kindLocation = "chat_session_location"

// misplaced says what a location lacks, or is "": it is a place, a map of one, or both.
func misplaced(fs fields) string {
	_, latitude := fs.get("latitude")
	_, longitude := fs.get("longitude")
	switch {
	case latitude && !longitude:
		return "longitude is missing"
	case longitude && !latitude, !latitude && fs.text("url") == "":
		return "latitude is missing"
	}
	return ""
}

// isOwnID: the ordinal may skip numbers and repeat one (a client that sends
// again does), so only the form is judged.
func isOwnID(fs fields, chat string) bool {
	if _, there := fs.get("msg_id"); !there {
		return true
	}
	digits, ours := strings.CutPrefix(fs.text("msg_id"), chat+":")
	n, err := strconv.ParseUint(digits, 10, 63)
	return ours && err == nil && strconv.FormatUint(n, 10) == digits
}
