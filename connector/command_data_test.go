package connector_test

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// What the table's data leave out.
func TestCommandsWithOtherData(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for name, c := range map[string]struct {
		command string
		data    fields
		want    fields
	}{
		"HTML":  {"chat.send", fields{"html": "<b>&"}, fields{"event": "chat_session_message", "msg": "<b>&"}},
		"place": {"chat.location", fields{"latitude": 0, "longitude": -180}, fields{"event": "chat_session_location", "latitude": "0", "longitude": "-180"}},
		"map":   {"chat.location", fields{"url": "https://map.example/"}, fields{"event": "chat_session_location", "url": "https://map.example/"}},
		"a form without a name": {
			"chat.form", fields{"formRequestId": "7", "data": fields{"text": "yes"}},
			fields{"event": "chat_session_form_data", "form_request_id": "7", "form_name": "", "data": fields{"text": "yes"}},
		},
		"a form of an empty name": {
			"chat.form", fields{"formRequestId": "7", "formName": "", "data": fields{}},
			fields{"event": "chat_session_form_data", "form_request_id": "7", "form_name": "", "data": fields{}},
		},
		"a secure form without a name": { // the simulator takes the data out of its account
			"chat.secureform", fields{"formRequestId": "7", "data": fields{"pin": secretData}},
			fields{"event": "chat_session_secure_form_data", "form_request_id": "7", "form_name": ""},
		},
		"rejected": {"chat.cobrowsing", fields{"action": "rejected"}, fields{"event": "chat_session_cobrowsing_rejected"}},
		"ended":    {"chat.cobrowsing", fields{"action": "ended"}, fields{"event": "chat_session_cobrowsing_ended"}},
		"the longest text": {
			"chat.send", fields{"text": strings.Repeat("\u00e9", 32<<10)},
			fields{"event": "chat_session_message", "msg": strings.Repeat("\u00e9", 32<<10), "msg_text": strings.Repeat("\u00e9", 32<<10)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := o.in(t)
			chat := o.openChat()
			c.data["chatId"] = chat
			if result := o.mustSend(c.command, c.data); result != nil {
				c.want["msg_id"] = result["messageId"]
			}
			said := o.record(chat).Client
			if len(said) != 1 || diff(o.object(said[0].Event), c.want) != "" {
				t.Errorf("the client said %.200v, want %.200v", said, c.want)
			}
		})
	}
}

// Nobody has to say who asks for a chat.
func TestChatIsRequestedWithoutAWord(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for name, data := range map[string]string{"nothing": ``, "no field": `{}`, "an empty name": `{"from":""}`} {
		r := o.request(&nats.Msg{Subject: "cc.chat.request", Data: []byte(data)})
		result, _ := r.data["result"].(fields)
		chat, _ := result["chatId"].(string)
		if chat == "" || result["isNewChat"] != true {
			t.Fatalf("%s: %v", name, r.data)
		}
		if request := o.object(o.record(chat).Request); diff(request, fields{"parameters": fields{}}) != "" {
			t.Errorf("%s: the contact center was asked %v", name, request)
		}
	}
}
