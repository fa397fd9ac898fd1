package schema

import "encoding/json"

// The data of each command, named after it: ChatSend is that of chat.send.
// What they mean and which of them must be there is in [Commands].
type (
	ServiceVersion      struct{}
	ServiceAvailability struct {
		App string `json:"app,omitempty"`
	}
	ServiceParameters struct {
		App string `json:"app,omitempty"`
	}
	ServiceConfiguration struct {
		App string `json:"app,omitempty"`
	}
	ServiceICEServers struct {
		App string `json:"app,omitempty"`
	}
	ChatRequest struct {
		From         string            `json:"from,omitempty"`
		PhoneNumber  string            `json:"phoneNumber,omitempty"`
		Parameters   map[string]string `json:"parameters,omitempty"`
		UserPlatform json.RawMessage   `json:"userPlatform,omitempty"`
		ClientID     string            `json:"clientId,omitempty"`
		App          string            `json:"app,omitempty"`
	}
	ChatActive struct {
		ClientID string `json:"clientId"`
		App      string `json:"app,omitempty"`
	}
	ChatAttach struct {
		ChatID   string `json:"chatId"`
		ClientID string `json:"clientId"`
		App      string `json:"app,omitempty"`
	}
	ChatDetach struct {
		ChatID string `json:"chatId"`
	}
	ChatHistory struct {
		ChatID string `json:"chatId"`
	}
	ChatSend struct {
		ChatID  string `json:"chatId"`
		Text    string `json:"text,omitempty"`
		HTML    string `json:"html,omitempty"`
		Channel string `json:"channel,omitempty"`
	}
	ChatDelivered struct {
		ChatID    string `json:"chatId"`
		MessageID string `json:"messageId"`
	}
	ChatRead struct {
		ChatID    string `json:"chatId"`
		MessageID string `json:"messageId"`
	}
	ChatTyping struct {
		ChatID string `json:"chatId"`
	}
	ChatNotTyping struct {
		ChatID string `json:"chatId"`
	}
	ChatDisconnect struct {
		ChatID string `json:"chatId"`
	}
	ChatEnd struct {
		ChatID string `json:"chatId"`
	}
	ChatForm struct {
		ChatID        string          `json:"chatId"`
		FormRequestID string          `json:"formRequestId"`
		FormName      string          `json:"formName,omitempty"`
		Data          json.RawMessage `json:"data"`
	}
	ChatSecureForm struct {
		ChatID        string          `json:"chatId"`
		FormRequestID string          `json:"formRequestId"`
		FormName      string          `json:"formName,omitempty"`
		Data          json.RawMessage `json:"data"`
	}
	ChatSecureFormCancel struct {
		ChatID        string `json:"chatId"`
		FormRequestID string `json:"formRequestId"`
	}
	ChatLocation struct {
		ChatID    string   `json:"chatId"`
		Latitude  *float64 `json:"latitude,omitempty"`
		Longitude *float64 `json:"longitude,omitempty"` // there if Latitude is
		URL       string   `json:"url,omitempty"`
	}
	ChatNavigation struct {
		ChatID string `json:"chatId"`
		Page   string `json:"page"`
		Title  string `json:"title,omitempty"`
	}
	ChatSignal struct {
		ChatID  string          `json:"chatId"`
		PartyID string          `json:"partyId"`
		Signal  json.RawMessage `json:"signal"`
	}
	ChatCobrowsing struct {
		ChatID       string `json:"chatId"`
		Action       string `json:"action"`
		ProviderType string `json:"providerType,omitempty"`
		URL          string `json:"url,omitempty"`
	}
	ChatFile struct {
		ChatID   string `json:"chatId"`
		Object   string `json:"object,omitempty"`
		Content  []byte `json:"content,omitempty"`
		FileName string `json:"fileName"`
		FileType string `json:"fileType"`
	}
	ChatPhoto struct {
		ChatID  string `json:"chatId"`
		PartyID string `json:"partyId"`
	}
	CaseHistory struct {
		ChatID string `json:"chatId"`
	}
	CaseClose struct {
		ChatID string `json:"chatId"`
	}
	PushAPNs struct {
		ChatID      string `json:"chatId"`
		DeviceToken string `json:"deviceToken"`
		AppBundleID string `json:"appBundleId,omitempty"`
	}
	PushFirebase struct {
		ChatID      string `json:"chatId"`
		DeviceToken string `json:"deviceToken"`
		Platform    string `json:"platform,omitempty"`
	}
	PushCancel struct {
		ChatID string `json:"chatId"`
	}
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
