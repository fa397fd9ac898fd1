package schema

import "encoding/json"

// The results of each command on success, named after it.
type (
	// ServiceVersionResult is what runs there.
	ServiceVersionResult struct {
		ServerVersion string `json:"serverVersion"` // as the contact center writes it, "5.5.6.12345 (Stable)"
	}
	// ServiceAvailabilityResult says whether a chat can be had.
	ServiceAvailabilityResult struct {
		Chat              Availability `json:"chat"`                        // whether a chat can be had
		EstimatedWaitTime *float64     `json:"estimatedWaitTime,omitempty"` // until somebody answers, in seconds
	}
	// ServiceParametersResult lists what the scenario expects.
	ServiceParametersResult struct {
		Parameters List[Parameter] `json:"parameters"` // in the order of the contact center
	}
	// ServiceConfigurationResult is free in its form: the contact center may add to it.
	ServiceConfigurationResult struct {
		Configuration json.RawMessage `json:"configuration"` // as it came, any JSON
	}
	// ServiceICEServersResult is the servers, in the reply. In the result event
	// they are left out, for the credentials in them.
	ServiceICEServersResult struct {
		Servers []ICEServer `json:"servers,omitzero"` // in the reply alone
	}
	// ServiceSchemasResult is the list of all documents, or the one that the command names. In the
	// result event schemas and schema are left out: whoever wants them may ask.
	ServiceSchemasResult struct {
		Schemas []SchemaInfo    `json:"schemas,omitempty"` // all documents, in the order of their names; in the reply alone
		Name    string          `json:"name,omitempty"`    // of the document that was asked for
		SHA256  string          `json:"sha256,omitempty"`  // of the document's file, in lower-case hex
		Bytes   int             `json:"bytes,omitempty"`   // of the document's file
		Schema  json.RawMessage `json:"schema,omitempty"`  // the document itself, any JSON; in the reply alone
	}
	// ChatRequestResult is the chat. The clientId stands in the reply alone: with
	// the app it is all that the contact center asks of a customer. In the result
	// event clientRef stands for it.
	ChatRequestResult struct {
		ChatID            string   `json:"chatId"`
		State             string   `json:"state"`                       // the chat's state: queued, connecting, connected, ivr, or another, as it came
		EstimatedWaitTime *float64 `json:"estimatedWaitTime,omitempty"` // until somebody answers, in seconds
		IsNewChat         bool     `json:"isNewChat"`                   // whether this command has made the chat, over all its repeats; else the client had it already
		PhoneNumber       string   `json:"phoneNumber,omitempty"`       // as the contact center tells it
		ClientID          string   `json:"clientId,omitempty"`          // in the reply alone: whoever has it speaks as the customer
		ClientRef         string   `json:"clientRef"`                   // stands for the clientId: the same for the same client, and of no other use
	}
	// ChatActiveResult is the chat. The clientId stands in the reply alone, as in
	// that of chat.request.
	ChatActiveResult struct {
		ChatID            string   `json:"chatId"`
		State             string   `json:"state"`                       // the chat's state: queued, connecting, connected, ivr, or another, as it came
		EstimatedWaitTime *float64 `json:"estimatedWaitTime,omitempty"` // until somebody answers, in seconds
		PhoneNumber       string   `json:"phoneNumber,omitempty"`       // as the contact center tells it
		ClientID          string   `json:"clientId,omitempty"`          // in the reply alone: whoever has it speaks as the customer
		ClientRef         string   `json:"clientRef"`                   // stands for the clientId: the same for the same client, and of no other use
	}
	// ChatAttachResult names the chat that is followed.
	ChatAttachResult struct {
		ChatID string `json:"chatId"`
	}
	// ChatHistoryResult lists the events in time order.
	ChatHistoryResult struct {
		Events List[NamedEvent] `json:"events"` // each with its name before its fields
	}
	// ChatSendResult names the message that was sent.
	ChatSendResult struct {
		MessageID string `json:"messageId"` // <chatId>:<n>, n counting from 0; message_delivered and message_read refer to it
	}
	// ChatFileResult names the file that was sent.
	ChatFileResult struct {
		FileID    string `json:"fileId"`    // the contact center's
		MessageID string `json:"messageId"` // <chatId>:<n>, n counting from 0
	}
	// ChatPhotoResult says where in the connector's object store the photo lies.
	ChatPhotoResult struct {
		Object      string `json:"object"`      // the name of an object in the object store
		ContentType string `json:"contentType"` // its media type, "image/jpeg"
	}
	// CaseHistoryResult lists the case's sessions in time order.
	CaseHistoryResult struct {
		Sessions List[CaseSession] `json:"sessions"` // in time order
	}
)

// Results that are alike.
type (
	ChatLocationResult   = ChatSendResult
	ChatNavigationResult = ChatSendResult
	ChatSignalResult     = ChatSendResult
	PushReceivedResult   = ChatAttachResult
)

// Availability says whether chats can be had.
type Availability string

// The two availabilities.
const (
	Available   Availability = "available"   // a chat can be had
	Unavailable Availability = "unavailable" // not now
)

// Parameter is one that the scenario expects of a chat request.
type Parameter struct {
	Name string `json:"name"` // to be used in chat.request
	Type string `json:"type"` // its kind: PHONE, TEXT, EMAIL, FIRST_NAME, LAST_NAME, ACCOUNT, COMPANY, or another, as it came
}

// SchemaInfo is one document that describes what travels.
type SchemaInfo struct {
	Name   string `json:"name"`   // "v1/event.message.json": a CloudEvent's dataschema ends with it
	SHA256 string `json:"sha256"` // of the document's file, in lower-case hex: another one says that it has changed
	Bytes  int    `json:"bytes"`  // of the document's file
}

// Info is what a list tells of the document.
func (d Document) Info() SchemaInfo {
	return SchemaInfo{Name: d.Path, SHA256: d.SHA256, Bytes: len(d.Content)}
}

// ICEServer is a STUN or TURN server for WebRTC.
type ICEServer struct {
	URL        string `json:"url"`                  // its address, stun: or turn:
	Username   string `json:"username,omitempty"`   // of a TURN server
	Credential string `json:"credential,omitempty"` // of a TURN server
}

// CaseSession is one session of a case, its events in time order.
type CaseSession struct {
	ChatID      string           `json:"chatId"`
	CreatedTime *Time            `json:"createdTime,omitempty"` // when it began
	Events      List[NamedEvent] `json:"events"`                // each with its name before its fields
}
