package main

import (
	"encoding/json"
	"time"

	"cc-connector/schema"
)

// The examples tell of one chat, of Ada Lovelace with the agent Alice.
const (
	chat     = "7e4db988-08ec-4d48-88ee-e4552dca81fc"
	agent    = "e039ae1c-6a1d-4f2c-9d1b-3a0f5f3f2b11"
	client   = "0b8a4c1e-5f43-4a55-8a2e-0d9be3f1c7aa"
	clientOf = "1acb44d0c2f79f6e"
	photo    = "photo-5f2d1c0e9a84"
	hash     = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
)

var at = schema.NewTime(time.Date(2026, 3, 2, 20, 59, 8, 250e6, time.UTC))

// examples are values of the Go types, by the names of the documents.
func examples() map[string][]any {
	all := map[string][]any{"envelope": envelopeExamples(), "event.unknown": {unknownExample}, "chat": chatExamples}
	for name, data := range commandExamples {
		all["command."+name] = append(all["command."+name], data)
		all["result."+name] = resultExamples(name, data)
	}
	for _, e := range eventExamples {
		all["event."+e.Name()] = append(all["event."+e.Name()], e)
	}
	for _, s := range sessionExamples {
		all["session."+s.SessionName()] = append(all["session."+s.SessionName()], s)
	}
	return all
}

var commandExamples = map[string]any{
	schema.CommandServiceVersion:       &schema.ServiceVersion{},
	schema.CommandServiceAvailability:  &schema.ServiceAvailability{App: "main"},
	schema.CommandServiceParameters:    &schema.ServiceParameters{},
	schema.CommandServiceConfiguration: &schema.ServiceConfiguration{},
	schema.CommandServiceICEServers:    &schema.ServiceICEServers{},
	schema.CommandServiceSchemas:       &schema.ServiceSchemas{Name: "v1/chat.json"},
	schema.CommandChatRequest: &schema.ChatRequest{
		From: "Ada Lovelace", PhoneNumber: "+441632960123", Parameters: map[string]string{"topic": "delivery"},
		UserPlatform: json.RawMessage(`{"os":"iOS","version":"26.1"}`), ClientID: client,
	},
	schema.CommandChatActive:           &schema.ChatActive{ClientID: client},
	schema.CommandChatAttach:           &schema.ChatAttach{ChatID: chat, ClientID: client},
	schema.CommandChatDetach:           &schema.ChatDetach{ChatID: chat},
	schema.CommandChatHistory:          &schema.ChatHistory{ChatID: chat},
	schema.CommandChatSend:             &schema.ChatSend{ChatID: chat, Text: "Good morning! My parcel came with a broken cup."},
	schema.CommandChatDelivered:        &schema.ChatDelivered{ChatID: chat, MessageID: "3"},
	schema.CommandChatRead:             &schema.ChatRead{ChatID: chat, MessageID: "3"},
	schema.CommandChatTyping:           &schema.ChatTyping{ChatID: chat},
	schema.CommandChatNotTyping:        &schema.ChatNotTyping{ChatID: chat},
	schema.CommandChatDisconnect:       &schema.ChatDisconnect{ChatID: chat},
	schema.CommandChatEnd:              &schema.ChatEnd{ChatID: chat},
	schema.CommandChatForm:             &schema.ChatForm{ChatID: chat, FormRequestID: "17", FormName: "survey", Data: json.RawMessage(`{"rating":"5"}`)},
	schema.CommandChatSecureForm:       &schema.ChatSecureForm{ChatID: chat, FormRequestID: "18", FormName: "card", Data: json.RawMessage(`{"number":"4111"}`)},
	schema.CommandChatSecureFormCancel: &schema.ChatSecureFormCancel{ChatID: chat, FormRequestID: "18"},
	schema.CommandChatLocation:         &schema.ChatLocation{ChatID: chat, Latitude: degree(51.5237), Longitude: degree(-0.1585)},
	schema.CommandChatNavigation:       &schema.ChatNavigation{ChatID: chat, Page: "https://shop.example.com/returns", Title: "Returns"},
	schema.CommandChatSignal:           &schema.ChatSignal{ChatID: chat, PartyID: agent, Signal: json.RawMessage(`{"type":"REQUEST_CALL","offerVideo":false}`)},
	schema.CommandChatCobrowsing:       &schema.ChatCobrowsing{ChatID: chat, Action: "started", ProviderType: "surfly", URL: "https://cobrowse.example.com/s/1"},
	schema.CommandChatFile:             &schema.ChatFile{ChatID: chat, Object: "uploads/cup.jpg", FileName: "cup.jpg", FileType: "image"},
	schema.CommandChatPhoto:            &schema.ChatPhoto{ChatID: chat, PartyID: agent},
	schema.CommandCaseHistory:          &schema.CaseHistory{ChatID: chat},
	schema.CommandCaseClose:            &schema.CaseClose{ChatID: chat},
	schema.CommandPushAPNs:             &schema.PushAPNs{ChatID: chat, DeviceToken: "a1b2c3d4", AppBundleID: "com.example.shop"},
	schema.CommandPushFirebase:         &schema.PushFirebase{ChatID: chat, DeviceToken: "a1b2c3d4", Platform: "android"},
	schema.CommandPushCancel:           &schema.PushCancel{ChatID: chat},
	schema.CommandPushReceived:         &schema.PushReceived{ChatID: chat, ClientID: client},
}

// broughtExamples are what the commands bring that bring anything.
var broughtExamples = map[string]any{
	schema.CommandServiceVersion:       &schema.ServiceVersionResult{ServerVersion: "5.5.6.12345 (Stable)"},
	schema.CommandServiceAvailability:  &schema.ServiceAvailabilityResult{Chat: schema.Available, EstimatedWaitTime: degree(30)},
	schema.CommandServiceParameters:    &schema.ServiceParametersResult{Parameters: []schema.Parameter{{Name: "first_name", Type: "FIRST_NAME"}}},
	schema.CommandServiceConfiguration: &schema.ServiceConfigurationResult{Configuration: json.RawMessage(`{"widgets":[{"name":"main"}]}`)},
	schema.CommandServiceICEServers:    &schema.ServiceICEServersResult{Servers: []schema.ICEServer{{URL: "turn:turn.example.com", Username: "u", Credential: "c"}}},
	schema.CommandServiceSchemas: &schema.ServiceSchemasResult{
		Name: "v1/chat.json", SHA256: hash, Bytes: 4096, Schema: json.RawMessage(`{"title":"Chat","type":"object"}`),
	},
	schema.CommandChatRequest:    &schema.ChatRequestResult{ChatID: chat, State: "queued", EstimatedWaitTime: degree(30), IsNewChat: true, ClientRef: clientOf},
	schema.CommandChatActive:     &schema.ChatActiveResult{ChatID: chat, State: "connected", ClientID: client, ClientRef: clientOf},
	schema.CommandChatAttach:     &schema.ChatAttachResult{ChatID: chat},
	schema.CommandChatHistory:    &schema.ChatHistoryResult{Events: history},
	schema.CommandChatSend:       &schema.ChatSendResult{MessageID: chat + ":0"},
	schema.CommandChatLocation:   &schema.ChatLocationResult{MessageID: chat + ":1"},
	schema.CommandChatNavigation: &schema.ChatNavigationResult{MessageID: chat + ":2"},
	schema.CommandChatSignal:     &schema.ChatSignalResult{MessageID: chat + ":3"},
	schema.CommandChatFile:       &schema.ChatFileResult{FileID: "f-1", MessageID: chat + ":4"},
	schema.CommandChatPhoto:      &schema.ChatPhotoResult{Object: photo, ContentType: "image/jpeg"},
	schema.CommandCaseHistory:    &schema.CaseHistoryResult{Sessions: []schema.CaseSession{{ChatID: chat, CreatedTime: at, Events: history}}},
	schema.CommandPushReceived:   &schema.PushReceivedResult{ChatID: chat},
}

var history = []schema.NamedEvent{
	{Event: &schema.PartyJoined{EventHeader: header("party_joined"), PartyID: agent, DisplayName: "Alice", PartyType: "internal"}},
	{Event: &schema.Message{EventHeader: header("message"), MessageID: "3", PartyID: agent, HTML: "Hello, this is Alice."}},
	{Event: &schema.Unknown{EventHeader: header("mood_changed"), EventName: "mood_changed"}},
}

// resultExamples are the outcome of a command's example, and that of a failure.
func resultExamples(name string, data any) []any {
	c, _ := schema.LookupCommand(name)
	text, _ := schema.JSON(data)
	request := c.Request(text, func(string) string { return clientOf })
	done := &schema.Result{Command: name, Status: schema.StatusOK, Request: request}
	failed := &schema.Result{Command: name, Status: schema.StatusError, Request: request, Error: unavailable}
	if brought, any := broughtExamples[name]; any {
		done.Result, _ = schema.JSON(brought)
	}
	if c.NamesChat() {
		done.ChatID, failed.ChatID, failed.Error = chat, chat, gone
	}
	if name == schema.CommandChatRequest || name == schema.CommandChatActive {
		done.ChatID = chat
	}
	return []any{done, failed}
}

var (
	unavailable = &schema.Error{Code: schema.CodeUnavailable, Message: "the contact center cannot be reached", Retryable: true, Outcome: schema.OutcomeNotDone}
	gone        = &schema.Error{Code: schema.CodeNotFound, Message: "the contact center knows no such chat, or it has ended", WireCode: "5005", HTTPStatus: 404, Outcome: schema.OutcomeNotDone}
)

// header is that of an event of the name, raw shortened.
func header(name string) schema.EventHeader {
	return schema.EventHeader{ChatID: chat, Timestamp: at, Raw: json.RawMessage(`{"event":"chat_session_` + name + `","timestamp":"1772485148250"}`)}
}

func degree(f float64) *float64 { return &f }

var (
	unknownExample = &schema.Unknown{EventHeader: header("mood_changed")}
	messageExample = &schema.Message{EventHeader: header("message"), MessageID: "3", PartyID: agent, Text: "How can I help you?", HTML: "How can I help you?", Channel: "web"}
)

var eventExamples = []schema.Event{
	&schema.Status{EventHeader: header("status"), State: "queued", EstimatedWaitTime: degree(12)},
	&schema.CaseSet{EventHeader: header("case_set"), CaseID: text("case-4711")},
	&schema.CaseSet{EventHeader: header("case_set"), CaseID: text("")},
	&schema.PartyJoined{EventHeader: header("party_joined"), PartyID: agent, FirstName: "Alice", LastName: "Adams", DisplayName: "Alice", PartyType: "internal"},
	&schema.PartyLeft{EventHeader: header("party_left"), PartyID: agent, PartyType: "internal"},
	&schema.Info{EventHeader: header("info"), ServiceName: "Support"},
	messageExample,
	&schema.MessageDelivered{EventHeader: header("message_delivered"), RefMessageID: chat + ":0", PartyID: agent},
	&schema.MessageRead{EventHeader: header("message_read"), RefMessageID: chat + ":0", PartyID: agent},
	&schema.Typing{EventHeader: header("typing"), PartyID: agent},
	&schema.NotTyping{EventHeader: header("not_typing"), PartyID: agent},
	&schema.Location{EventHeader: header("location"), MessageID: "4", PartyID: agent, URL: "https://maps.example.com/?q=1", Latitude: degree(51.5237), Longitude: degree(-0.1585)},
	&schema.File{
		EventHeader: header("file"), MessageID: "5", PartyID: agent, FileID: "f-1", FileName: "label.pdf", FileType: "attachment",
		Object: "7e4db988-08ec-4d48-88ee-e4552dca81fc/5b1f6f0e-3b0f-4a53-9a57-0d4b8c3f5c11", ContentType: "application/pdf", Size: size(48213), SHA256: hash,
	},
	&schema.File{EventHeader: header("file"), MessageID: "6", PartyID: agent, FileID: "f-2", FileName: "cup.png", FileType: "image", Error: schema.CodeFileNotFound},
	&schema.FormShow{EventHeader: header("form_show"), FormRequestID: "17", FormName: "survey", FormTimeout: degree(300), Channel: "web"},
	&schema.FormData{EventHeader: header("form_data"), PartyID: chat, FormRequestID: "17", FormName: "survey", Data: json.RawMessage(`{"rating":"5"}`)},
	&schema.SecureFormShow{EventHeader: header("secure_form_show"), FormRequestID: "18", FormID: "card"},
	&schema.SecureFormData{EventHeader: header("secure_form_data"), PartyID: chat, FormRequestID: "18", FormName: "card"},
	&schema.SecureFormCancel{EventHeader: header("secure_form_cancel"), FormRequestID: "18", PartyID: agent},
	&schema.TimeoutWarning{EventHeader: header("timeout_warning"), Message: "Are you still there?"},
	&schema.InactivityTimeout{EventHeader: header("inactivity_timeout"), Message: "The chat was closed."},
	&schema.Ended{EventHeader: header("ended")},
	&schema.Signaling{EventHeader: header("signaling"), MessageID: "7", PartyID: agent, Signal: json.RawMessage(`{"type":"OFFER_CALL","sdp":"v=0"}`)},
	&schema.CobrowsingRequested{EventHeader: header("cobrowsing_requested"), MessageID: "8"},
	&schema.CobrowsingRejected{EventHeader: header("cobrowsing_rejected"), PartyID: chat},
	&schema.CobrowsingStarted{EventHeader: header("cobrowsing_started"), PartyID: chat, ProviderType: "surfly", URL: "https://cobrowse.example.com/s/1"},
	&schema.CobrowsingEnded{EventHeader: header("cobrowsing_ended"), PartyID: chat},
	&schema.Navigation{EventHeader: header("navigation"), MessageID: chat + ":2", PartyID: chat, Title: "Returns", Page: "https://shop.example.com/returns"},
	&schema.Disconnect{EventHeader: header("disconnect"), PartyID: chat},
	&schema.End{EventHeader: header("end"), PartyID: chat},
}

func text(s string) *string { return &s }
func size(n int64) *int64   { return &n }

var sessionExamples = []schema.Session{
	&schema.SessionOpened{ChatID: chat, ClientRef: clientOf, App: "main", IsNewChat: true, State: "queued"},
	&schema.SessionRecovered{ChatID: chat, Events: 2, From: at, To: at},
	&schema.SessionGap{ChatID: chat, From: at, To: at, Reason: schema.GapSignaling},
	&schema.SessionClosed{ChatID: chat, Reason: schema.ClosedEnded},
}

var chatExamples = []any{
	&schema.Chat{
		ChatID: chat, ClientRef: clientOf, App: "main", AppID: "launch-point-1", State: "connected", CaseID: "case-4711",
		Parties:  []schema.Party{{PartyID: agent, DisplayName: "Alice", PartyType: "internal"}},
		Sequence: 12, StreamSequence: 345, OpenedAt: *at,
	},
	&schema.Chat{
		ChatID: chat, ClientRef: clientOf, App: "main", AppID: "launch-point-1", State: "connected",
		Sequence: 25, StreamSequence: 391, OpenedAt: *at, ClosedAt: at, ClosedReason: schema.ClosedEnded,
	},
}
