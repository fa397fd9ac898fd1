package schema

import "encoding/json"

// Status tells the chat's state, its estimated waiting time, or both.
type Status struct {
	EventHeader
	State             string   `json:"state,omitempty"`             // the chat's: queued, connecting, connected, ivr, failed, completed, or another, as it came
	EstimatedWaitTime *float64 `json:"estimatedWaitTime,omitempty"` // until somebody answers, in seconds
}

// CaseSet tells the chat's case. An empty CaseID clears it; without one nothing is said of it.
type CaseSet struct {
	EventHeader
	CaseID *string `json:"caseId,omitempty"` // empty: the chat has no case any more
}

// PartyJoined introduces a party.
type PartyJoined struct {
	EventHeader
	PartyID     string `json:"partyId,omitempty"`
	FirstName   string `json:"firstName,omitempty"`   // the party's
	LastName    string `json:"lastName,omitempty"`    // the party's
	DisplayName string `json:"displayName,omitempty"` // what the customer may be shown
	PartyType   string `json:"partyType,omitempty"`   // what the party is: internal (an agent), scenario (the scenario, such as a bot), external (somebody outside), or another, as it came
}

// PartyLeft says that a party left.
type PartyLeft struct {
	EventHeader
	PartyID   string `json:"partyId,omitempty"`
	PartyType string `json:"partyType,omitempty"` // as in party_joined, if it is told
}

// Info is not in the reference, but seen in the field.
type Info struct {
	EventHeader
	ServiceName string `json:"serviceName,omitempty"` // the service that handles the chat
}

// Message is a message of any party. The customer's own have the chat id as PartyID.
// Whether a party is an agent or a bot stands in the party_joined that has the same
// PartyID.
type Message struct {
	EventHeader
	MessageID string `json:"messageId,omitempty"`
	PartyID   string `json:"partyId,omitempty"` // who speaks: party_joined says who that is; the customer's own have the chat id
	Text      string `json:"text,omitempty"`    // plain text, if the sender gave it
	HTML      string `json:"html,omitempty"`    // the message; foreign, so to be sanitised before it is shown
	Channel   string `json:"channel,omitempty"` // the channel that the message came by
}

// MessageDelivered says that a message reached the other side.
type MessageDelivered struct {
	EventHeader
	RefMessageID string `json:"refMessageId,omitempty"`
	PartyID      string `json:"partyId,omitempty"`
}

// MessageRead says that a message was read on the other side.
type MessageRead struct {
	EventHeader
	RefMessageID string `json:"refMessageId,omitempty"`
	PartyID      string `json:"partyId,omitempty"`
}

// Typing says that a party began to type.
type Typing struct {
	EventHeader
	PartyID string `json:"partyId,omitempty"`
}

// NotTyping says that a party stopped typing.
type NotTyping struct {
	EventHeader
	PartyID string `json:"partyId,omitempty"`
}

// Location is a place that a party shared, in degrees.
type Location struct {
	EventHeader
	MessageID string   `json:"messageId,omitempty"`
	PartyID   string   `json:"partyId,omitempty"`
	URL       string   `json:"url,omitempty"`       // a map of the place
	Latitude  *float64 `json:"latitude,omitempty"`  // degrees, north is positive
	Longitude *float64 `json:"longitude,omitempty"` // degrees, east is positive
}

// File is a file that a party sent. Its bytes are an object of the connector's
// object store, or error says why they could not be had. The event waits for them
// no longer than CC_FILE_TIMEOUT, and no second event tells of them later. One that
// has neither is listed by chat.history or case.history, or is of a connector that did not fetch files.
type File struct {
	EventHeader
	MessageID   string    `json:"messageId,omitempty"`
	PartyID     string    `json:"partyId,omitempty"`
	FileID      string    `json:"fileId,omitempty"`      // the contact center's
	FileName    string    `json:"fileName,omitempty"`    // as the sender gave it: never a path to write to
	FileType    string    `json:"fileType,omitempty"`    // how it is to be shown: image, attachment, or another, as it came
	Object      string    `json:"object,omitempty"`      // the name of the object in the object store that holds the bytes
	ContentType string    `json:"contentType,omitempty"` // the media type that the contact center gave
	Size        *int64    `json:"size,omitempty"`        // of the object, in bytes
	SHA256      string    `json:"sha256,omitempty"`      // of the object's bytes, in lower case hex
	Error       ErrorCode `json:"error,omitempty"`       // why the bytes could not be had
}

// FormShow asks the client to show a form.
type FormShow struct {
	EventHeader
	FormRequestID string   `json:"formRequestId,omitempty"`
	FormName      string   `json:"formName,omitempty"`
	FormTimeout   *float64 `json:"formTimeout,omitempty"` // seconds
	Channel       string   `json:"channel,omitempty"`
}

// SecureFormShow asks the client to show a secure form.
type SecureFormShow struct {
	EventHeader
	FormRequestID string `json:"formRequestId,omitempty"`
	FormID        string `json:"formId,omitempty"` // the form's, in the contact center
}

// SecureFormCancel takes a secure form back.
type SecureFormCancel struct {
	EventHeader
	FormRequestID string `json:"formRequestId,omitempty"`
	PartyID       string `json:"partyId,omitempty"`
}

// TimeoutWarning announces an inactivity timeout.
type TimeoutWarning struct {
	EventHeader
	Message string `json:"message,omitempty"` // for the customer
}

// InactivityTimeout ends the session.
type InactivityTimeout struct {
	EventHeader
	Message string `json:"message,omitempty"` // for the customer
}

// Ended ends the session.
type Ended struct{ EventHeader }

// Signaling is one step of a WebRTC call.
type Signaling struct {
	EventHeader
	MessageID string          `json:"messageId,omitempty"`
	PartyID   string          `json:"partyId,omitempty"`
	Signal    json.RawMessage `json:"signal,omitempty"` // the step, as the contact center gives it: {"type":"OFFER_CALL",…}
}

// CobrowsingRequested asks the client for co-browsing.
type CobrowsingRequested struct {
	EventHeader
	MessageID string `json:"messageId,omitempty"`
}
