package brightpattern

import "encoding/json"

// ClientEvent is an event that a client may send: one of the types below.
type ClientEvent interface {
	// wire gives the event as it is sent, or an error that names the field
	// which cannot be.
	wire() (fields, error)
}

// Message says something. Set one of Text and HTML; if both are set, HTML is sent.
type Message struct {
	ID      MessageID
	Text    string // plain; sent as HTML with the plain text beside it
	HTML    string // sent as it is, alone
	Channel string // optional
}

// Delivered confirms that the client has the message Ref.
type Delivered struct{ Ref MessageID }

// Read confirms that the customer has seen the message Ref.
type Read struct{ Ref MessageID }

// Typing and NotTyping tell the agent what the customer's hands do.
type (
	Typing    struct{}
	NotTyping struct{}
)

// Location shares a place, a map of it, or both.
type Location struct {
	ID    MessageID
	Place *Place // optional, if there is a URL
	URL   string // of a map; optional, if there is a Place
}

// Place is a point on earth, in degrees.
type Place struct{ Latitude, Longitude float64 }

// SharedFile shows an uploaded file to the agent.
type SharedFile struct {
	ID       MessageID
	FileID   FileID
	FileName string
	FileType string // image or attachment
}

// FormData answers a form. Data is a JSON object; nil is an empty one.
type FormData struct {
	FormRequestID FormRequestID
	FormName      string
	Data          json.RawMessage
}

// SecureFormData answers a secure form. Data is a JSON object full of secrets.
type SecureFormData struct {
	FormRequestID FormRequestID
	FormName      string
	Data          json.RawMessage
}

// SecureFormCancel refuses to fill in a secure form.
type SecureFormCancel struct{ FormRequestID FormRequestID }

// Signal is a step of a WebRTC call. Data is a JSON object with a "type".
type Signal struct {
	ID          MessageID
	Destination PartyID
	Data        json.RawMessage
}

// CobrowsingStarted tells where the agent can join.
type CobrowsingStarted struct{ ProviderType, URL string }

// CobrowsingRejected and CobrowsingEnded answer a request for co-browsing.
type (
	CobrowsingRejected struct{}
	CobrowsingEnded    struct{}
)

// Navigation tells which page the customer looks at.
type Navigation struct {
	ID          MessageID
	Title, Page string
}

// Disconnect ends the conversation and keeps the session: a survey may follow.
type Disconnect struct{}

// End ends the session.
type End struct{}
