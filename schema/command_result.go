package schema

import "encoding/json"

// The results of each command on success, named after it.
type (
	ServiceVersionResult struct {
		ServerVersion string `json:"serverVersion"`
	}
	ServiceAvailabilityResult struct {
		Chat              Availability `json:"chat"`
		EstimatedWaitTime *float64     `json:"estimatedWaitTime,omitempty"` // seconds
	}
	ServiceParametersResult struct {
		Parameters List[Parameter] `json:"parameters"`
	}
	ServiceConfigurationResult struct {
		Configuration json.RawMessage `json:"configuration"` // as it came
	}
	// ServiceICEServersResult has servers in the reply; in the result event they
	// are left out (nil), for the credentials in them.
	ServiceICEServersResult struct {
		Servers []ICEServer `json:"servers,omitzero"`
	}
	// ChatRequestResult has the clientId in the reply alone: with the app it is
	// all that the contact center asks of a customer. In the result event it is
	// left out, and clientRef stands for it.
	ChatRequestResult struct {
		ChatID            string   `json:"chatId"`
		State             string   `json:"state"`
		EstimatedWaitTime *float64 `json:"estimatedWaitTime,omitempty"` // seconds
		IsNewChat         bool     `json:"isNewChat"`
		PhoneNumber       string   `json:"phoneNumber,omitempty"`
		ClientID          string   `json:"clientId,omitempty"`
		ClientRef         string   `json:"clientRef"` // the same for the same client
	}
	// ChatActiveResult has the clientId in the reply alone, too.
	ChatActiveResult struct {
		ChatID            string   `json:"chatId"`
		State             string   `json:"state"`
		EstimatedWaitTime *float64 `json:"estimatedWaitTime,omitempty"` // seconds
		PhoneNumber       string   `json:"phoneNumber,omitempty"`
		ClientID          string   `json:"clientId,omitempty"`
		ClientRef         string   `json:"clientRef"` // the same for the same client
	}
	ChatAttachResult struct {
		ChatID string `json:"chatId"`
	}
	// ChatHistoryResult lists the events in time order.
	ChatHistoryResult struct {
		Events List[NamedEvent] `json:"events"`
	}
	ChatSendResult struct {
		MessageID string `json:"messageId"` // <chatId>:<n>
	}
	ChatFileResult struct {
		FileID    string `json:"fileId"`
		MessageID string `json:"messageId"`
	}
	// ChatPhotoResult says where in the connector's object store the photo lies.
	ChatPhotoResult struct {
		Object      string `json:"object"`
		ContentType string `json:"contentType"`
	}
	// CaseHistoryResult lists the case's sessions in time order.
	CaseHistoryResult struct {
		Sessions List[CaseSession] `json:"sessions"`
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
	Available   Availability = "available"
	Unavailable Availability = "unavailable"
)

// Parameter is one that the scenario expects of a chat request.
type Parameter struct {
	Name string `json:"name"`
	Type string `json:"type"` // PHONE TEXT EMAIL FIRST_NAME LAST_NAME ACCOUNT COMPANY
}

// ICEServer is a STUN or TURN server for WebRTC.
type ICEServer struct {
	URL        string `json:"url"`
	Username   string `json:"username,omitempty"`
	Credential string `json:"credential,omitempty"`
}

// CaseSession is one session of a case, its events in time order.
type CaseSession struct {
	ChatID      string           `json:"chatId"`
	CreatedTime *Time            `json:"createdTime,omitempty"`
	Events      List[NamedEvent] `json:"events"`
}
