package schema

import "encoding/json"

// Status tells the chat's state: queued, connecting, connected, ivr, failed,
// completed, or one that is not in the reference, as it came.
type Status struct {
	EventHeader
	State             string   `json:"state,omitempty"`
	EstimatedWaitTime *float64 `json:"estimatedWaitTime,omitempty"` // seconds
}

// CaseSet names the chat's case. An empty CaseID clears it; nil: the event had none.
type CaseSet struct {
	EventHeader
	CaseID *string `json:"caseId,omitempty"`
}

// PartyJoined introduces a party.
type PartyJoined struct {
	EventHeader
	PartyID     string `json:"partyId,omitempty"`
	FirstName   string `json:"firstName,omitempty"`
	LastName    string `json:"lastName,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	PartyType   string `json:"partyType,omitempty"` // scenario, external or internal
}

// PartyLeft says that a party left.
type PartyLeft struct {
	EventHeader
	PartyID   string `json:"partyId,omitempty"`
	PartyType string `json:"partyType,omitempty"`
}

// Info is not in the reference, but seen in the field.
type Info struct {
	EventHeader
	ServiceName string `json:"serviceName,omitempty"`
}

// Message is a message of any party; the client's own have the chat id as PartyID.
type Message struct {
	EventHeader
	MessageID string `json:"messageId,omitempty"` // unique at best within one party of one chat
	PartyID   string `json:"partyId,omitempty"`
	Text      string `json:"text,omitempty"` // plain text, if the sender gave it
	HTML      string `json:"html,omitempty"`
	Channel   string `json:"channel,omitempty"`
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
	URL       string   `json:"url,omitempty"`
	Latitude  *float64 `json:"latitude,omitempty"`
	Longitude *float64 `json:"longitude,omitempty"`
}

// File is a file that a party sent. Its bytes are under Object in the
// connector's object store, unless Error says why they could not be had.
type File struct {
	EventHeader
	MessageID   string    `json:"messageId,omitempty"`
	PartyID     string    `json:"partyId,omitempty"`
	FileID      string    `json:"fileId,omitempty"`
	FileName    string    `json:"fileName,omitempty"`
	FileType    string    `json:"fileType,omitempty"` // image or attachment
	Object      string    `json:"object,omitempty"`
	ContentType string    `json:"contentType,omitempty"`
	Size        *int64    `json:"size,omitempty"`   // bytes
	SHA256      string    `json:"sha256,omitempty"` // lower case hex
	Error       ErrorCode `json:"error,omitempty"`
}

// FormShow asks the client to show a form.
type FormShow struct {
	EventHeader
	FormRequestID string   `json:"formRequestId,omitempty"`
	FormName      string   `json:"formName,omitempty"`
	FormTimeout   *float64 `json:"formTimeout,omitempty"`
	Channel       string   `json:"channel,omitempty"`
}

// SecureFormShow asks the client to show a secure form.
type SecureFormShow struct {
	EventHeader
	FormRequestID string `json:"formRequestId,omitempty"`
	FormID        string `json:"formId,omitempty"`
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
	Message string `json:"message,omitempty"`
}

// InactivityTimeout ends the session.
type InactivityTimeout struct {
	EventHeader
	Message string `json:"message,omitempty"`
}

// Ended ends the session.
type Ended struct{ EventHeader }

// Signaling is one step of a WebRTC call.
type Signaling struct {
	EventHeader
	MessageID string          `json:"messageId,omitempty"`
	PartyID   string          `json:"partyId,omitempty"`
	Signal    json.RawMessage `json:"signal,omitempty"` // {"type":"OFFER_CALL",…}
}

// CobrowsingRequested asks the client for co-browsing.
type CobrowsingRequested struct {
	EventHeader
	MessageID string `json:"messageId,omitempty"`
}
