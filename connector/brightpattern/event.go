package brightpattern

import (
	"encoding/json"
	"time"
)

// EventName is an event's name on the wire.
type EventName string

// The events of the protocol. Who sends them is said where it is one side only.
const (
	EventStatus              EventName = "chat_session_status"       // server
	EventCaseSet             EventName = "chat_session_case_set"     // server
	EventPartyJoined         EventName = "chat_session_party_joined" // server
	EventPartyLeft           EventName = "chat_session_party_left"   // server
	EventInfo                EventName = "chat_session_info"         // server; seen in the field, in no reference
	EventMessage             EventName = "chat_session_message"
	EventMessageDelivered    EventName = "chat_session_message_delivered"
	EventMessageRead         EventName = "chat_session_message_read"
	EventTyping              EventName = "chat_session_typing"
	EventNotTyping           EventName = "chat_session_not_typing"
	EventLocation            EventName = "chat_session_location"
	EventFile                EventName = "chat_session_file"
	EventFormShow            EventName = "chat_session_form_show"        // server
	EventFormData            EventName = "chat_session_form_data"        // client
	EventFormCancel          EventName = "chat_form_data_cancel"         // client; of the vendor's web client, without "session"
	EventSecureFormShow      EventName = "chat_session_secure_form_show" // server
	EventSecureFormData      EventName = "chat_session_secure_form_data" // client
	EventSecureFormCancel    EventName = "chat_session_secure_form_cancel"
	EventTimeoutWarning      EventName = "chat_session_timeout_warning"    // server
	EventInactivityTimeout   EventName = "chat_session_inactivity_timeout" // server
	EventEnded               EventName = "chat_session_ended"              // server
	EventSignaling           EventName = "chat_session_signaling"
	EventCobrowsingRequested EventName = "chat_session_cobrowsing_requested" // server
	EventCobrowsingRejected  EventName = "chat_session_cobrowsing_rejected"  // client
	EventCobrowsingEnded     EventName = "chat_session_cobrowsing_ended"     // client
	EventCobrowsingStarted   EventName = "chat_session_cobrowsing_started"   // client
	EventNavigation          EventName = "chat_session_navigation"           // client
	EventDisconnect          EventName = "chat_session_disconnect"           // client
	EventEnd                 EventName = "chat_session_end"                  // client
)

// Event is a server or client event as read from the wire, leniently: what is
// absent or of an unusable type is the zero value, nil for pointers.
type Event struct {
	// Name is the wire name, the reference's misspelling
	// chat_session_inactvity_timeout corrected; "" if missing or not a string.
	Name EventName
	// Time is in UTC, to the millisecond; zero if absent or unreadable.
	Time time.Time

	PartyID     PartyID // of a file: party_id, else session_id
	PartyType   string  // of a party: scenario, external or internal
	FirstName   string
	LastName    string
	DisplayName string

	MessageID    MessageID
	RefMessageID MessageID // of delivered and read: ref_msg_id, else msg_id
	HTML         string    // msg
	Text         string    // msg_text
	Channel      string

	State         string
	EstimatedWait *float64 // seconds
	CaseID        *CaseID  // not nil and "": the case was cleared
	ServiceName   string

	Latitude, Longitude *float64
	URL                 string

	FileID   FileID
	FileName string
	FileType string // image or attachment

	FormRequestID FormRequestID
	FormName      string
	FormID        string
	FormTimeout   *float64 // seconds

	DestinationParty PartyID
	// Data is the form's data or the signal: always a JSON object (a string
	// holding one is unwrapped), or nil. A secure form's data are secrets.
	Data json.RawMessage

	ProviderType  string
	CobrowsingURL string
	Title         string
	Page          string

	// Raw is the event as it came, invalid UTF-8 and lone halves of surrogate
	// pairs in it replaced. It may be nested deeper than encoding/json reads.
	Raw json.RawMessage
}

// EndReason says how a session ended.
type EndReason string

// The ends of a session: the first two are told by an event, the others are
// announced by a state.
const (
	EndEnded             EndReason = "ended"
	EndInactivityTimeout EndReason = "inactivity_timeout"
	EndFailed            EndReason = "failed"
	EndCompleted         EndReason = "completed"
)

// onlyClientsSend are the events that, in a history, are the client's own
// whether or not they name a party.
var onlyClientsSend = map[EventName]bool{
	EventFormData:           true,
	EventFormCancel:         true,
	EventSecureFormData:     true,
	EventCobrowsingRejected: true,
	EventCobrowsingEnded:    true,
	EventCobrowsingStarted:  true,
	EventNavigation:         true,
	EventDisconnect:         true,
	EventEnd:                true,
}

// IsFromClient tells a client's own event, as a history lists it, from the
// server's: its party is the chat, or only clients send its kind, or it is a
// file that names no party, as only the client's own do.
func (e Event) IsFromClient(chat ChatID) bool {
	return onlyClientsSend[e.Name] || e.Name == EventFile && e.PartyID == "" || chat != "" && string(e.PartyID) == string(chat)
}

// Tells tells whether the event is the client's own message of that id in a
// history. A file's may have been sent without it, or be listed under another
// one: then the file tells, if no other message of the client's has it.
func (e Event) Tells(chat ChatID, id MessageID, file FileID) bool {
	if !e.IsFromClient(chat) {
		return false
	}
	_, isNumbered := ParseClientMessageID(chat, e.MessageID)
	return e.MessageID == id || e.Name == EventFile && e.FileID == file && file != "" && !isNumbered
}

// EndsSession says whether, after this event, there is nothing more to poll.
func (e Event) EndsSession() (EndReason, bool) {
	switch e.Name {
	case EventEnded:
		return EndEnded, true
	case EventInactivityTimeout:
		return EndInactivityTimeout, true
	}
	return "", false
}

// AnnouncedBy is how a session is about to end that has this state; "" if it is
// not. Something may come yet, such as a survey.
func AnnouncedBy(state string) EndReason {
	if reason := EndReason(state); reason == EndFailed || reason == EndCompleted {
		return reason
	}
	return ""
}
