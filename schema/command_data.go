package schema

import "encoding/json"

// The data of each command, named after it: ChatSend is that of chat.send, and
// what stands above it says what the command does. What the fields mean, and
// which of them must be there, is in [Commands].
type (
	// ServiceVersion asks for the version of the contact center.
	ServiceVersion struct{}
	// ServiceAvailability asks whether a chat can be had now.
	ServiceAvailability struct {
		App string `json:"app,omitempty"`
	}
	// ServiceParameters asks what the scenario expects of a chat request.
	ServiceParameters struct {
		App string `json:"app,omitempty"`
	}
	// ServiceConfiguration asks for the configuration of the chat widget.
	ServiceConfiguration struct {
		App string `json:"app,omitempty"`
	}
	// ServiceICEServers asks for STUN and TURN servers, for a WebRTC call.
	ServiceICEServers struct {
		App string `json:"app,omitempty"`
	}
	// ServiceSchemas asks the connector for the documents that describe what travels, or for one of
	// them. The contact center is not asked.
	ServiceSchemas struct {
		Name string `json:"name,omitempty"`
	}
	// ChatRequest asks for a chat. The same clientId gets the same chat again, as long as it is open.
	ChatRequest struct {
		From         string            `json:"from,omitempty"`
		PhoneNumber  string            `json:"phoneNumber,omitempty"`
		Parameters   map[string]string `json:"parameters,omitempty"`
		UserPlatform json.RawMessage   `json:"userPlatform,omitempty"`
		ClientID     string            `json:"clientId,omitempty"`
		App          string            `json:"app,omitempty"`
	}
	// ChatActive finds the chat that a client has, and follows it: its events are published from now
	// on.
	ChatActive struct {
		ClientID string `json:"clientId"`
		App      string `json:"app,omitempty"`
	}
	// ChatAttach follows a chat that was made elsewhere: its history is published, then what is new.
	ChatAttach struct {
		ChatID   string `json:"chatId"`
		ClientID string `json:"clientId"`
		App      string `json:"app,omitempty"`
	}
	// ChatDetach stops following a chat, and leaves it open. No events come until it is attached
	// again.
	ChatDetach struct {
		ChatID string `json:"chatId"`
	}
	// ChatHistory reads all events of a chat, those of the customer's side, too.
	ChatHistory struct {
		ChatID string `json:"chatId"`
	}
	// ChatSend sends a message to the agent: text, or html.
	ChatSend struct {
		ChatID  string `json:"chatId"`
		Text    string `json:"text,omitempty"`
		HTML    string `json:"html,omitempty"`
		Channel string `json:"channel,omitempty"`
	}
	// ChatDelivered says that a message of the agent has reached the customer.
	ChatDelivered struct {
		ChatID    string `json:"chatId"`
		MessageID string `json:"messageId"`
	}
	// ChatRead says that the customer has read a message of the agent.
	ChatRead struct {
		ChatID    string `json:"chatId"`
		MessageID string `json:"messageId"`
	}
	// ChatTyping says that the customer types.
	ChatTyping struct {
		ChatID string `json:"chatId"`
	}
	// ChatNotTyping says that the customer has stopped typing.
	ChatNotTyping struct {
		ChatID string `json:"chatId"`
	}
	// ChatDisconnect ends the conversation. The session goes on: a survey may come.
	ChatDisconnect struct {
		ChatID string `json:"chatId"`
	}
	// ChatEnd ends the session.
	ChatEnd struct {
		ChatID string `json:"chatId"`
	}
	// ChatForm sends a form that the customer has filled in. A form without a name is a question: its
	// data are {"text":"the answer"}.
	ChatForm struct {
		ChatID        string          `json:"chatId"`
		FormRequestID string          `json:"formRequestId"`
		FormName      string          `json:"formName,omitempty"`
		Data          json.RawMessage `json:"data"`
	}
	// ChatSecureForm sends a secure form that the customer has filled in. Its data are never logged,
	// stored or published.
	ChatSecureForm struct {
		ChatID        string          `json:"chatId"`
		FormRequestID string          `json:"formRequestId"`
		FormName      string          `json:"formName,omitempty"`
		Data          json.RawMessage `json:"data"`
	}
	// ChatSecureFormCancel says that the customer does not fill in a secure form.
	ChatSecureFormCancel struct {
		ChatID        string `json:"chatId"`
		FormRequestID string `json:"formRequestId"`
	}
	// ChatLocation shares a place: latitude and longitude, the url of a map, or all three.
	ChatLocation struct {
		ChatID    string   `json:"chatId"`
		Latitude  *float64 `json:"latitude,omitempty"`
		Longitude *float64 `json:"longitude,omitempty"` // there if Latitude is
		URL       string   `json:"url,omitempty"`
	}
	// ChatNavigation says which page the customer looks at.
	ChatNavigation struct {
		ChatID string `json:"chatId"`
		Page   string `json:"page"`
		Title  string `json:"title,omitempty"`
	}
	// ChatSignal sends one step of a WebRTC call to a party of the chat.
	ChatSignal struct {
		ChatID  string          `json:"chatId"`
		PartyID string          `json:"partyId"`
		Signal  json.RawMessage `json:"signal"`
	}
	// ChatCobrowsing says that the customer has started, rejected or ended co-browsing.
	ChatCobrowsing struct {
		ChatID       string `json:"chatId"`
		Action       string `json:"action"`
		ProviderType string `json:"providerType,omitempty"`
		URL          string `json:"url,omitempty"`
	}
	// ChatFile sends a file: an object of the object store, or, if it is small, its content.
	ChatFile struct {
		ChatID   string `json:"chatId"`
		Object   string `json:"object,omitempty"`
		Content  []byte `json:"content,omitempty"`
		FileName string `json:"fileName"`
		FileType string `json:"fileType"`
	}
	// ChatPhoto fetches an agent's photo into the object store.
	ChatPhoto struct {
		ChatID  string `json:"chatId"`
		PartyID string `json:"partyId"`
	}
	// CaseHistory reads all sessions of the chat's case.
	CaseHistory struct {
		ChatID string `json:"chatId"`
	}
	// CaseClose closes the chat's case.
	CaseClose struct {
		ChatID string `json:"chatId"`
	}
	// PushAPNs has the contact center notify a device by APNs.
	PushAPNs struct {
		ChatID      string `json:"chatId"`
		DeviceToken string `json:"deviceToken"`
		AppBundleID string `json:"appBundleId,omitempty"`
	}
	// PushFirebase has the contact center notify a device by Firebase.
	PushFirebase struct {
		ChatID      string `json:"chatId"`
		DeviceToken string `json:"deviceToken"`
		Platform    string `json:"platform,omitempty"`
	}
	// PushCancel ends the notifications.
	PushCancel struct {
		ChatID string `json:"chatId"`
	}
	// PushReceived says that a push notification has come. The data are its payload, as the app got
	// it, whatever else is in it. The chat is followed again if it was not; one that the connector
	// does not know needs a clientId.
	PushReceived struct {
		ChatID   string `json:"chatID"`
		ClientID string `json:"clientId,omitempty"`
	}
)

// UnmarshalJSON takes exactly the names of the fields, and chatId for chatID:
// encoding/json would also take other fields of the payload whose names differ in case.
func (p *PushReceived) UnmarshalJSON(b []byte) (err error) {
	into := map[string]*string{"chatID": &p.ChatID, "chatId": &p.ChatID, "clientId": &p.ClientID}
	isObject := eachMember(b, func(m member) bool {
		if field := into[m.name]; field != nil && json.Unmarshal(m.value, field) != nil {
			err = &FieldError{m.name, "must be a string"}
		}
		return err == nil
	})
	if !isObject {
		return errNotObject
	}
	return err
}
