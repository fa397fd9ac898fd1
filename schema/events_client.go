package schema

import "encoding/json"

// The events below are the client's own: they come back in histories only, with
// the chat id as PartyID.

// FormData is a form that the client filled in.
type FormData struct {
	EventHeader
	PartyID       string          `json:"partyId,omitempty"`
	FormRequestID string          `json:"formRequestId,omitempty"`
	FormName      string          `json:"formName,omitempty"`
	Data          json.RawMessage `json:"data,omitempty"` // what was filled in
}

// SecureFormData is a secure form that the client filled in: its data are
// withheld, and so is raw, which is never written.
type SecureFormData struct {
	EventHeader
	PartyID       string `json:"partyId,omitempty"`
	FormRequestID string `json:"formRequestId,omitempty"`
	FormName      string `json:"formName,omitempty"`
}

// MarshalJSON leaves out Raw, for the secrets in it.
func (e SecureFormData) MarshalJSON() ([]byte, error) {
	type plain SecureFormData
	e.Raw = nil
	return JSON(plain(e))
}

// CobrowsingStarted says where the client's co-browsing session is.
type CobrowsingStarted struct {
	EventHeader
	PartyID      string `json:"partyId,omitempty"`
	ProviderType string `json:"providerType,omitempty"` // the co-browsing product
	URL          string `json:"url,omitempty"`          // where the agent joins
}

// CobrowsingRejected refuses co-browsing.
type CobrowsingRejected struct {
	EventHeader
	PartyID string `json:"partyId,omitempty"`
}

// CobrowsingEnded ends co-browsing.
type CobrowsingEnded struct {
	EventHeader
	PartyID string `json:"partyId,omitempty"`
}

// Navigation says which page the client looks at.
type Navigation struct {
	EventHeader
	MessageID string `json:"messageId,omitempty"`
	PartyID   string `json:"partyId,omitempty"`
	Title     string `json:"title,omitempty"` // the page's
	Page      string `json:"page,omitempty"`  // the page's address
}

// Disconnect ends the conversation and keeps the session: a survey may follow.
type Disconnect struct {
	EventHeader
	PartyID string `json:"partyId,omitempty"`
}

// End ends the session.
type End struct {
	EventHeader
	PartyID string `json:"partyId,omitempty"`
}
