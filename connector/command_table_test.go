package connector_test

import (
	"slices"
	"strings"

	"cc-connector/connector/brightpattern/bpsim"
)

// row says of one command what it is given, what it answers and what then
// reaches the contact center. What a row leaves out must not be there.
type row struct {
	prepare  func(o outsider, chat string)                     // what must have happened before
	foreign  bool                                              // the chat is made elsewhere
	given    func(chat string) fields                          // beside the chat's id
	result   func(chat string) fields                          // as the reply has it
	loose    func(result fields)                               // settles in the result what may vary
	silent   func(result fields)                               // takes away what the event may not have
	method   string                                            // of the contact center
	event    func(chat string) fields                          // what the client says
	recorded func(o outsider, chat string, r bpsim.Record) any // nil: as it should be
}

func always(f fields) func(string) fields { return func(string) fields { return f } }

// numbered is the result of the first message in a chat.
func numbered(chat string) fields { return fields{"messageId": chat + ":0"} }

func onlyChat(chat string) fields { return fields{"chatId": chat} }

// says is an event without fields of its own.
func says(event string) func(string) fields {
	return always(fields{"event": "chat_session_" + event})
}

func notifies(want string) func(outsider, string, bpsim.Record) any {
	return func(_ outsider, _ string, r bpsim.Record) any {
		if r.Notifications == want {
			return nil
		}
		return r.Notifications
	}
}

// without takes a value away that is one of those that may be there.
func without(name string, allowed ...any) func(fields) {
	return func(result fields) {
		if slices.Contains(allowed, result[name]) {
			delete(result, name)
		}
	}
}

var simulatedWait = without("estimatedWaitTime", 12.0)

// What nobody but agent and sender may see; the log is searched for it.
const (
	secretText  = "My card is 4929 <b>&"
	secretToken = "device-token-3c1f"
	secretData  = "pin-8812"
)

var rows = map[string]row{
	"service.version": {method: bpsim.GetVersion, result: always(fields{"serverVersion": "5.5.6.12345 (Stable)"})},
	"service.availability": {
		method: bpsim.CheckAvailability, given: always(fields{"app": "main"}),
		result: always(fields{"chat": "available"}), loose: simulatedWait,
	},
	"service.parameters": {
		method: bpsim.GetParameters,
		result: always(fields{"parameters": []any{
			fields{"name": "first_name", "type": "FIRST_NAME"}, fields{"name": "last_name", "type": "LAST_NAME"},
			fields{"name": "phone", "type": "PHONE"}, fields{"name": "email", "type": "EMAIL"},
			fields{"name": "account", "type": "ACCOUNT"}, fields{"name": "company", "type": "COMPANY"},
			fields{"name": "topic", "type": "TEXT"},
		}}),
	},
	"service.configuration": {
		method: bpsim.GetConfiguration,
		result: always(fields{"configuration": fields{"widgets": []any{fields{
			"name": "Support", "urls": []any{"https://www.example.com/help"},
			"definition": fields{"chatInitiation": fields{"type": "onDemand", "position": "bottom-right"}},
			"styles":     fields{"color": "#336699"},
		}}}}),
	},
	"service.iceservers": {
		method: bpsim.GetICEServers,
		result: always(fields{"servers": []any{
			fields{"url": "stun:stun.example.com:3478"},
			fields{"url": "turn:turn.example.com:3478", "username": "simulated", "credential": "simulated"},
		}}),
		silent: func(result fields) { delete(result, "servers") },
	},
	"service.schemas": {
		given: always(fields{"name": "v1/event.message.json"}), result: oneDocument,
		silent: func(result fields) { delete(result, "schema") },
	},
	"chat.request": {
		method: bpsim.RequestChat,
		given: always(fields{
			"from": "Ada", "phoneNumber": "+49 1", "parameters": fields{"last_name": "L\u00f6velace"},
			"userPlatform": fields{"os": "iOS", "n": 1},
		}),
		result: func(chat string) fields {
			return fields{"chatId": chat, "state": "queued", "isNewChat": true, "phoneNumber": "+49 1"}
		},
		loose:    func(result fields) { simulatedWait(result); delete(result, "clientId"); delete(result, "clientRef") },
		silent:   withoutClientID,
		recorded: requestedAsGiven,
	},
	"chat.active": {
		foreign: true, method: bpsim.GetActiveChat,
		result: func(chat string) fields {
			return fields{"chatId": chat, "state": "queued", "clientId": "client-of-" + chat}
		},
		loose:  func(result fields) { simulatedWait(result); delete(result, "clientRef") },
		silent: withoutClientID,
	},
	"chat.attach":  {foreign: true, method: bpsim.GetHistory, result: onlyChat},
	"chat.detach":  {},
	"chat.history": {prepare: agentSays, method: bpsim.GetHistory, result: shortHistory, loose: withoutRaw},
	"chat.send": {
		method: bpsim.SendEvents, given: always(fields{"text": secretText + "\n", "channel": "web"}), result: numbered,
		event: func(chat string) fields {
			return fields{
				"event": "chat_session_message", "msg_id": chat + ":0", "channel": "web",
				"msg": "My card is 4929 &lt;b&gt;&amp;<br>", "msg_text": secretText + "\n",
			}
		},
	},
	"chat.delivered": {
		method: bpsim.SendEvents, given: always(fields{"messageId": "m 1"}),
		event: always(fields{"event": "chat_session_message_delivered", "ref_msg_id": "m 1"}),
	},
	"chat.read": {
		method: bpsim.SendEvents, given: always(fields{"messageId": "m 1"}),
		event: always(fields{"event": "chat_session_message_read", "ref_msg_id": "m 1"}),
	},
	"chat.typing":     {method: bpsim.SendEvents, event: says("typing")},
	"chat.nottyping":  {method: bpsim.SendEvents, event: says("not_typing")},
	"chat.disconnect": {method: bpsim.SendEvents, event: says("disconnect")},
	"chat.end":        {method: bpsim.SendEvents, event: says("end")},
	"chat.form": {
		method: bpsim.SendEvents,
		given:  always(fields{"formRequestId": "7", "formName": "survey", "data": fields{"answer": secretData}}),
		event: always(fields{
			"event": "chat_session_form_data", "form_request_id": "7", "form_name": "survey", "data": fields{"answer": secretData},
		}),
	},
	"chat.secureform": { // the simulator takes the data out of its account
		method: bpsim.SendEvents,
		given:  always(fields{"formRequestId": "7", "formName": "card", "data": fields{"pin": secretData}}),
		event:  always(fields{"event": "chat_session_secure_form_data", "form_request_id": "7", "form_name": "card"}),
	},
	"chat.secureformcancel": {
		method: bpsim.SendEvents, given: always(fields{"formRequestId": "7"}),
		event: always(fields{"event": "chat_session_secure_form_cancel", "form_request_id": "7"}),
	},
	"chat.location": {
		method: bpsim.SendEvents, given: always(fields{"latitude": -0.5, "longitude": 179.25, "url": "https://map.example/"}), result: numbered,
		event: func(chat string) fields {
			return fields{
				"event": "chat_session_location", "msg_id": chat + ":0",
				"latitude": "-0.5", "longitude": "179.25", "url": "https://map.example/",
			}
		},
	},
	"chat.navigation": {
		method: bpsim.SendEvents, given: always(fields{"page": "https://shop.example/", "title": "Shop"}), result: numbered,
		event: func(chat string) fields {
			return fields{"event": "chat_session_navigation", "msg_id": chat + ":0", "page": "https://shop.example/", "title": "Shop"}
		},
	},
	"chat.signal": {
		method: bpsim.SendEvents,
		given:  always(fields{"partyId": "p1", "signal": fields{"type": "OFFER_CALL", "sdp": "v=0", "offerVideo": true}}), result: numbered,
		event: func(chat string) fields {
			return fields{
				"event": "chat_session_signaling", "msg_id": chat + ":0", "destination_party_id": "p1",
				"data": fields{"type": "OFFER_CALL", "sdp": "v=0", "offerVideo": true},
			}
		},
	},
	"chat.cobrowsing": {
		method: bpsim.SendEvents,
		given:  always(fields{"action": "started", "providerType": "surfly", "url": "https://co.example/1"}),
		event: always(fields{
			"event": "chat_session_cobrowsing_started", "provider_type": "surfly", "cobrowsing_url": "https://co.example/1",
		}),
	},
	"chat.file": {
		prepare: func(o outsider, _ string) { o.put("a file", []byte(secretText)) },
		method:  bpsim.SendEvents, given: always(fields{"object": "a file", "fileName": "map.pdf", "fileType": "attachment"}),
		result: numbered, loose: func(result fields) { delete(result, "fileId") },
		event: func(chat string) fields {
			return fields{"event": "chat_session_file", "msg_id": chat + ":0", "file_name": "map.pdf", "file_type": "attachment"}
		},
	},
	"chat.photo": {
		prepare: agentIn, method: bpsim.GetProfilePhoto, given: always(fields{"partyId": "p1"}),
		result: always(fields{"contentType": "image/png"}), loose: func(result fields) { delete(result, "object") },
	},
	"case.history": {
		prepare: caseOpens, method: bpsim.GetCaseHistory, loose: withoutRaw,
		result: func(chat string) fields {
			return fields{"sessions": []any{fields{"chatId": chat, "events": []any{
				fields{"name": "case_set", "chatId": chat, "caseId": "case of " + chat},
			}}}}
		},
	},
	"case.close": {prepare: caseOpens, method: bpsim.CloseCase},
	"push.apns": {
		method: bpsim.Subscribe, given: always(fields{"deviceToken": secretToken, "appBundleId": "org.example.app"}), recorded: notifies("apns"),
	},
	"push.firebase": {
		method: bpsim.Subscribe, given: always(fields{"deviceToken": secretToken, "platform": "android"}), recorded: notifies("firebase-android"),
	},
	"push.cancel": {
		prepare: func(o outsider, chat string) {
			o.mustSend("push.firebase", fields{"chatId": chat, "deviceToken": secretToken})
			if got := o.record(chat).Notifications; got != "firebase-ios" {
				o.Errorf("by default the subscription is %q", got)
			}
		},
		method: bpsim.Subscribe, recorded: notifies(""),
	},
	"push.received": {given: always(fields{"aps": fields{"alert": "news"}}), result: onlyChat},
}

func requestedAsGiven(o outsider, chat string, r bpsim.Record) any {
	request := o.object(r.Request)
	want := fields{
		"from": "Ada", "phone_number": "+49 1",
		"parameters": fields{"last_name": "L\u00f6velace", "user_platform": fields{"os": "iOS", "n": 1.0}},
	}
	if difference := diff(request, want); difference != "" || r.Chat.AppID != appID {
		return difference + " app " + r.Chat.AppID
	}
	return nil
}

// withoutClientID: the clientId is for who has asked.
func withoutClientID(result fields) { delete(result, "clientId") }

// agentSays puts two server events into the chat, the later one pushed first.
func agentSays(o outsider, chat string) {
	o.push(chat, fields{"event": "chat_session_typing", "party_id": "p1", "timestamp": 1700000002})
	o.push(chat, fields{"event": "chat_session_new_thing", "timestamp": "1700000001000"})
	o.awaitStored(chat, ".event.new_thing", 1)
}

func shortHistory(chat string) fields {
	return fields{"events": []any{
		fields{"name": "new_thing", "chatId": chat, "timestamp": "2023-11-14T22:13:21.000Z"},
		fields{"name": "typing", "chatId": chat, "partyId": "p1", "timestamp": "2023-11-14T22:13:22.000Z"},
	}}
}

func caseOpens(o outsider, chat string) {
	o.check(o.sim.SetCase(chat, "case of "+chat))
	o.awaitStored(chat, ".event.case_set", 1)
}

// withoutRaw takes away what the simulator spells as it likes: the wire
// events, which must be there, and the times of those that were given none.
func withoutRaw(result fields) {
	for _, event := range membersOf(result["events"]) {
		dropRaw(event, "chat_session_")
	}
	for _, session := range membersOf(result["sessions"]) {
		if created, _ := session["createdTime"].(string); strings.HasSuffix(created, "Z") {
			delete(session, "createdTime")
		}
		for _, event := range membersOf(session["events"]) {
			dropRaw(event, "chat_session_")
			delete(event, "timestamp")
		}
	}
}

func dropRaw(event fields, prefix string) {
	raw, _ := event["raw"].(fields)
	if raw["event"] == prefix+event["name"].(string) {
		delete(event, "raw")
	}
}

func membersOf(value any) (members []fields) {
	items, _ := value.([]any)
	for _, item := range items {
		members = append(members, item.(fields))
	}
	return members
}
