package bpsim_test

import (
	"strings"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
)

func TestClientEventsAreTaken(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	file := c.upload("file", "a.txt", "text/plain", []byte("text")).object(t)["file_id"].(string)
	for _, event := range []string{
		`{"event":"chat_session_message","msg_id":"CHAT:0","msg":"a"}`,
		`{"event":"chat_session_message","msg_id":"CHAT:12","msg":"a","msg_text":"a","channel":"web","timestamp":1}`,
		`{"event":"chat_session_message_delivered","ref_msg_id":"1"}`,
		`{"event":"chat_session_message_read","ref_msg_id":"1","timestamp":"1"}`,
		`{"event":"chat_session_typing"}`,
		`{"event":"chat_session_not_typing"}`,
		`{"event":"chat_session_location","msg_id":"CHAT:1","latitude":"1.5","longitude":-2,"url":"u"}`,
		`{"event":"chat_session_location","msg_id":"CHAT:1","url":"u"}`,
		`{"event":"chat_session_file","msg_id":"CHAT:2","file_id":"FILE","file_name":"a.txt","file_type":"attachment"}`,
		`{"event":"chat_session_file","file_id":"FILE","file_name":"a.png","file_type":"image"}`,
		`{"event":"chat_session_form_data","form_request_id":"1","form_name":"f","data":{"a":"b"}}`,
		`{"event":"chat_session_form_data","form_request_id":1,"form_name":"f","data":{}}`,
		`{"event":"chat_session_secure_form_data","form_request_id":1,"form_name":"f","data":{"pin":"1"}}`,
		`{"event":"chat_session_secure_form_cancel","form_request_id":1}`,
		`{"event":"chat_session_signaling","msg_id":"CHAT:3","destination_party_id":"p","data":{"type":"END_CALL"}}`,
		`{"event":"chat_session_signaling","msg_id":"CHAT:3","destination_party_id":"p","data":"{\"type\":\"ICE_CANDIDATE\"}"}`,
		`{"event":"chat_session_cobrowsing_rejected"}`,
		`{"event":"chat_session_cobrowsing_ended"}`,
		`{"event":"chat_session_cobrowsing_started","provider_type":"x","cobrowsing_url":"u"}`,
		`{"event":"chat_session_navigation","msg_id":"CHAT:4","page":"p","title":"t"}`,
	} {
		event = strings.NewReplacer("CHAT", chat, "FILE", file).Replace(event)
		got := c.send(chat, event)
		if got.status != 200 || len(got.body) != 0 {
			t.Errorf("%s: %d %s", event, got.status, got.body)
		}
	}
	if n := len(w.record(chat).Client); n != 20 {
		t.Errorf("%d events recorded, want 20", n)
	}
}

func TestClientEventsThatAreWrongAreRefused(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	for _, test := range []struct{ event, names string }{
		{`{}`, "event"},
		{`{"event":1}`, "event"},
		{`{"event":"chat_session_wink"}`, "event"},
		{`{"event":"chat_session_ended"}`, "event"},
		{`{"event":"chat_session_typing","extra":1}`, "a field that the API does not have"},
		{`{"event":"chat_session_typing","timestamp":null}`, "timestamp"},
		{`{"event":"chat_session_message","msg":"a"}`, "msg_id"},
		{`{"event":"chat_session_message","msg_id":0,"msg":"a"}`, "msg_id"},
		{`{"event":"chat_session_message","msg_id":"0","msg":"a"}`, "msg_id"},
		{`{"event":"chat_session_message","msg_id":"other:0","msg":"a"}`, "msg_id"},
		{`{"event":"chat_session_message","msg_id":"CHAT:","msg":"a"}`, "msg_id"},
		{`{"event":"chat_session_message","msg_id":"CHAT:01","msg":"a"}`, "msg_id"},
		{`{"event":"chat_session_message","msg_id":"CHAT:-1","msg":"a"}`, "msg_id"},
		{`{"event":"chat_session_message","msg_id":"CHAT:1","msg":1}`, "msg "},
		{`{"event":"chat_session_message","msg_id":"CHAT:1","msg_text":"a"}`, "msg "},
		{`{"event":"chat_session_message_read","msg_id":"1"}`, "ref_msg_id"},
		{`{"event":"chat_session_location","msg_id":"CHAT:1","latitude":true,"longitude":1}`, "latitude"},
		{`{"event":"chat_session_location","msg_id":"CHAT:1","latitude":1}`, "longitude"},
		{`{"event":"chat_session_location","msg_id":"CHAT:1","longitude":1,"url":"u"}`, "latitude"},
		{`{"event":"chat_session_location","msg_id":"CHAT:1","url":""}`, "latitude"},
		{`{"event":"chat_session_file","file_id":"x","file_name":"a","file_type":"video"}`, "file_type"},
		{`{"event":"chat_session_form_data","form_request_id":null,"form_name":"f","data":{}}`, "form_request_id"},
		{`{"event":"chat_session_form_data","form_request_id":1,"form_name":"f","data":[]}`, "data"},
		{`{"event":"chat_session_secure_form_data","form_request_id":1,"data":{}}`, "form_name"},
		{`{"event":"chat_session_signaling","msg_id":"CHAT:3","destination_party_id":"p","data":{"type":"HELLO"}}`, "data"},
		{`{"event":"chat_session_signaling","msg_id":"CHAT:3","destination_party_id":"p","data":"{"}`, "data"},
		{`{"event":"chat_session_signaling","msg_id":"CHAT:3","data":{"type":"END_CALL"}}`, "destination_party_id"},
		{`{"event":"chat_session_navigation","msg_id":"CHAT:4"}`, "page"},
	} {
		good := `{"event":"chat_session_typing"},`
		got := c.send(chat, good+strings.ReplaceAll(test.event, "CHAT", chat))
		got.expect(t, 400, "")
		if !strings.Contains(string(got.body), "events[1]: ") || !strings.Contains(string(got.body), test.names) {
			t.Errorf("%s: %s does not name %q", test.event, got.body, test.names)
		}
	}
	c.send(chat, `{"event":"chat_session_file","file_id":"x","file_name":"a","file_type":"image"}`).expect(t, 404, "5502")
	if n := len(w.record(chat).Client); n != 0 {
		t.Errorf("%d events of refused requests were taken", n)
	}
}

func TestRefusalsDoNotQuote(t *testing.T) {
	c := start(t, bpsim.Options{}).client("client")
	chat := c.chat()
	for _, body := range []string{
		`{"events":[{"event":"SECRET"}]}`, `{"events":[{"event":"chat_session_typing","SECRET":1}]}`, `SECRET`, `{"events":"SECRET"}`,
	} {
		if got := c.post("chats/"+chat+"/events", body); strings.Contains(string(got.body), "SECRET") {
			t.Errorf("%s is quoted: %s", body, got.body)
		}
	}
}
