package connector_test

import (
	"encoding/json"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

func TestChatFromRequestToEnd(t *testing.T) {
	r := newRig(t, bpsim.Options{})
	r.start()
	chat := r.openChat()
	opened := r.awaitStored(chat, ".session.opened", 1)
	if n, _ := schema.Sequence(opened[0].event); n != 1 {
		t.Errorf("session.opened has sequence %d, want 1", n)
	}

	r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p1", "msg_id": "1", "msg": "Hello &amp; welcome"})
	got := r.awaitStored(chat, ".event.message", 1)
	var message schema.Message
	r.check(json.Unmarshal(got[0].event.Data(), &message))
	if message.HTML != "Hello &amp; welcome" || message.PartyID != "p1" {
		t.Errorf("message is %+v", message)
	}

	var sent schema.ChatSendResult
	r.check(json.Unmarshal(r.must("chat.send", map[string]any{"chatId": chat, "text": "hi <there>"}), &sent))
	if sent.MessageID != chat+":0" {
		t.Errorf("messageId is %q, want %q", sent.MessageID, chat+":0")
	}
	r.must("chat.end", map[string]any{"chatId": chat})
	r.awaitStored(chat, ".session.closed", 1)
	r.checkSequence(chat)
}
