package schema

// Commands lists every command. Where the reference has no method's name, Method
// is made like one of what it calls the request.
var Commands = []Command{
	{
		Name: "service.version", Method: "getVersion", Read: true, GET: true,
		data: func() any { return &ServiceVersion{} }, result: func() any { return &ServiceVersionResult{} },
	},
	{
		Name: "service.availability", Method: "checkAvailability", Read: true, GET: true, Fields: []Field{appField},
		data: func() any { return &ServiceAvailability{} }, result: func() any { return &ServiceAvailabilityResult{} },
	},
	{
		Name: "service.parameters", Method: "getExpectedParameters", Read: true, GET: true, Fields: []Field{appField},
		data: func() any { return &ServiceParameters{} }, result: func() any { return &ServiceParametersResult{} },
	},
	{
		Name: "service.configuration", Method: "getWidgetConfiguration", Read: true, GET: true, Fields: []Field{appField},
		data: func() any { return &ServiceConfiguration{} }, result: func() any { return &ServiceConfigurationResult{} },
	},
	{
		Name: "service.iceservers", Method: "getICEServers", Read: true, GET: true, Fields: []Field{appField},
		data: func() any { return &ServiceICEServers{} }, result: func() any { return &ServiceICEServersResult{} },
	},
	{
		Name: "service.schemas", Method: "getSchemas", Read: true, GET: true, Local: true,
		Fields: []Field{stringField("name", "one document of the list, as v1/event.message.json; default the list")},
		data:   func() any { return &ServiceSchemas{} }, result: func() any { return &ServiceSchemasResult{} },
	},
	{
		Name: "chat.request", Method: "requestChat", Durable: true, Repeatable: true,
		Fields: []Field{
			stringField("from", "who asks for the chat"),
			stringField("phoneNumber", "the customer's phone number"),
			{Name: "parameters", Kind: KindStringMap, Max: MaxParameter, Doc: "for the scenario"},
			objectField("userPlatform", "the customer's device and application"),
			clientID, appField,
		},
		data: func() any { return &ChatRequest{} }, result: func() any { return &ChatRequestResult{} },
	},
	{
		Name: "chat.active", Method: "getActiveChat", Durable: true, Read: true, GET: true,
		Fields: []Field{clientID.required(), appField},
		data:   func() any { return &ChatActive{} }, result: func() any { return &ChatActiveResult{} },
	},
	{
		Name: "chat.attach", Method: "getNewChatEvents", Durable: true, GET: true,
		Fields: []Field{chatID, clientID.required(), appField},
		data:   func() any { return &ChatAttach{} }, result: func() any { return &ChatAttachResult{} },
	},
	{
		Name: "chat.detach", Method: "detachChat", Durable: true, Repeatable: true, Fields: []Field{chatID},
		data: func() any { return &ChatDetach{} },
	},
	{
		Name: "chat.history", Method: "getChatHistory", Read: true, GET: true, Fields: []Field{chatID},
		data: func() any { return &ChatHistory{} }, result: func() any { return &ChatHistoryResult{} },
	},
	{
		Name: "chat.send", Method: "sendChatMessage", Durable: true, MessageID: true,
		Fields: []Field{
			chatID,
			textField("text", "the message as plain text"),
			textField("html", "the message as HTML"),
			stringField("channel", "the channel that the message came by"),
		},
		OneOf: [][]string{{"text", "html"}},
		data:  func() any { return &ChatSend{} }, result: func() any { return &ChatSendResult{} },
	},
	{
		Name: "chat.delivered", Method: "chatMessageDelivered", Durable: true, Repeatable: true,
		Fields: []Field{chatID, idField("messageId", "the message that was delivered").required()},
		data:   func() any { return &ChatDelivered{} },
	},
	{
		Name: "chat.read", Method: "chatMessageRead", Durable: true, Repeatable: true,
		Fields: []Field{chatID, idField("messageId", "the message that was read").required()},
		data:   func() any { return &ChatRead{} },
	},
	{
		Name: "chat.typing", Method: "chatTyping", Durable: true, Repeatable: true, Fields: []Field{chatID},
		data: func() any { return &ChatTyping{} },
	},
	{
		Name: "chat.nottyping", Method: "chatNotTyping", Durable: true, Repeatable: true, Fields: []Field{chatID},
		data: func() any { return &ChatNotTyping{} },
	},
	{
		Name: "chat.disconnect", Method: "disconnectChat", Durable: true, Repeatable: true, Fields: []Field{chatID},
		data: func() any { return &ChatDisconnect{} },
	},
	{
		Name: "chat.end", Method: "endChat", Durable: true, Repeatable: true, Fields: []Field{chatID},
		data: func() any { return &ChatEnd{} },
	},
	{
		Name: "chat.form", Method: "sendFormData", Durable: true,
		Fields: formFields(objectField("data", "what was filled in")),
		data:   func() any { return &ChatForm{} },
	},
	{
		Name: "chat.secureform", Method: "sendSecureFormData",
		Fields: formFields(objectField("data", "what was filled in; never logged, stored or published").withheld()),
		data:   func() any { return &ChatSecureForm{} },
	},
	{
		Name: "chat.secureformcancel", Method: "cancelSecureForm", Durable: true, Fields: []Field{chatID, formID},
		data: func() any { return &ChatSecureFormCancel{} },
	},
	{
		Name: "chat.location", Method: "sendLocation", Durable: true, MessageID: true,
		Fields: []Field{
			chatID,
			{Name: "latitude", Kind: KindLatitude, Doc: "degrees, north is positive"},
			{Name: "longitude", Kind: KindLongitude, Doc: "degrees, east is positive"},
			stringField("url", "a map of the place"),
		},
		AnyOf: [][]string{{"latitude", "url"}}, Together: [][]string{{"latitude", "longitude"}},
		data: func() any { return &ChatLocation{} }, result: func() any { return &ChatLocationResult{} },
	},
	{
		Name: "chat.navigation", Method: "sendNavigation", Durable: true, MessageID: true,
		Fields: []Field{chatID, stringField("page", "the page's address").required(), stringField("title", "the page's title")},
		data:   func() any { return &ChatNavigation{} }, result: func() any { return &ChatNavigationResult{} },
	},
	{
		Name: "chat.signal", Method: "sendSignaling", MessageID: true,
		Fields: []Field{
			chatID, partyID,
			{Name: "signal", Kind: KindObject, Required: true, Withheld: true, Max: MaxText, Member: "type", Doc: "one step of a WebRTC call"},
		},
		data: func() any { return &ChatSignal{} }, result: func() any { return &ChatSignalResult{} },
	},
	{
		Name: "chat.cobrowsing", Method: "sendCobrowsing", Durable: true,
		Fields: []Field{
			chatID,
			enumField("action", "what the client did", "started", "rejected", "ended").required(),
			stringField("providerType", "the co-browsing product, when started"),
			stringField("url", "where the agent joins, when started"),
		},
		data: func() any { return &ChatCobrowsing{} },
	},
	{
		Name: "chat.file", Method: "uploadFile", Durable: true, MessageID: true,
		Fields: []Field{
			chatID,
			stringField("object", "the file's name in the connector's object store"),
			{Name: "content", Kind: KindBase64, Withheld: true, Max: MaxContent, Doc: "the file itself"},
			stringField("fileName", "the name that the agent sees").required(),
			enumField("fileType", "how the agent sees it", "image", "attachment").required(),
		},
		OneOf: [][]string{{"object", "content"}},
		data:  func() any { return &ChatFile{} }, result: func() any { return &ChatFileResult{} },
	},
	{
		Name: "chat.photo", Method: "getAgentProfilePhoto", Read: true, GET: true, Fields: []Field{chatID, partyID},
		data: func() any { return &ChatPhoto{} }, result: func() any { return &ChatPhotoResult{} },
	},
	{
		Name: "case.history", Method: "getCaseHistory", Read: true, GET: true, Fields: []Field{chatID},
		data: func() any { return &CaseHistory{} }, result: func() any { return &CaseHistoryResult{} },
	},
	{
		Name: "case.close", Method: "closeCase", Durable: true, Repeatable: true, Fields: []Field{chatID},
		data: func() any { return &CaseClose{} },
	},
	{
		Name: "push.apns", Method: "subscribeForRemoteNotificationsAPNs", Durable: true, Repeatable: true,
		Fields: []Field{chatID, token, stringField("appBundleId", "the app's bundle id; default the configured one")},
		data:   func() any { return &PushAPNs{} },
	},
	{
		Name: "push.firebase", Method: "subscribeForRemoteNotificationsFirebase", Durable: true, Repeatable: true,
		Fields: []Field{chatID, token, enumField("platform", "the device's; default ios", "ios", "android")},
		data:   func() any { return &PushFirebase{} },
	},
	{
		Name: "push.cancel", Method: "cancelRemoteNotifications", Durable: true, Repeatable: true, Fields: []Field{chatID},
		data: func() any { return &PushCancel{} },
	},
	{
		Name: "push.received", Method: "appDidReceiveMessage", Durable: true, GET: true, Open: true,
		Fields: []Field{
			{Name: "chatID", Alias: "chatId", Kind: KindID, Required: true, Max: MaxID, Doc: "the chat, as the push payload spells it"},
			clientID,
		},
		data: func() any { return &PushReceived{} }, result: func() any { return &PushReceivedResult{} },
	},
}

// formFields: a form without a name is a question, and its data are the answer, {"text":…}.
func formFields(data Field) []Field {
	return []Field{chatID, formID, stringField("formName", "of the event that asked for the form; it may have none"), data.required()}
}
