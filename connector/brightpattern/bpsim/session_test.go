package bpsim_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

func TestAClientHasOneActiveChat(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	c.get("chats/active").expect(t, 404, "5005")
	first := c.post("chats", `{"parameters":{},"phone_number":"123"}`).object(t)
	again := c.post("chats", `{"parameters":{}}`).object(t)
	active := c.get("chats/active").object(t)
	if first["is_new_chat"] != true || again["is_new_chat"] != false {
		t.Errorf("is_new_chat: first %v, again %v", first["is_new_chat"], again["is_new_chat"])
	}
	if first["chat_id"] != again["chat_id"] || first["chat_id"] != active["chat_id"] {
		t.Errorf("chats %v, %v, %v", first["chat_id"], again["chat_id"], active["chat_id"])
	}
	if again["phone_number"] != "123" || first["state"] != "queued" {
		t.Errorf("got %v", again)
	}
	if other := w.client("other").chat(); other == first["chat_id"] {
		t.Error("two clients share a chat")
	}
}

func TestAnEndedChatIsNotActive(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	if err := w.sim.End(chat); err != nil {
		t.Fatal(err)
	}
	c.get("chats/active").expect(t, 404, "5005")
	if next := c.chat(); next == chat {
		t.Error("the ended chat was given again")
	}
}

func TestAChatOfAnotherClientIsUnknown(t *testing.T) {
	w := start(t, bpsim.Options{})
	chat := w.client("owner").chat()
	thief := w.client("thief")
	for _, path := range []string{"events", "history", "casehistory", "files/x", "profilephotos/x"} {
		thief.get("chats/"+chat+"/"+path).expect(t, 404, "5005")
	}
	thief.send(chat, `{"event":"chat_session_typing"}`).expect(t, 404, "5005")
	thief.get("chats/none/events").expect(t, 404, "5005")
	if got := len(w.record(chat).Client); got != 0 {
		t.Errorf("%d events of the thief were taken", got)
	}
}

func TestWaitIsSpelledInEveryWay(t *testing.T) {
	w := start(t, bpsim.Options{})
	seen := map[string]bool{}
	for i := range 4 {
		answer := w.client(fmt.Sprint(i)).post("chats", `{"parameters":{}}`).object(t)
		wait, there := answer["ewt"]
		seen[fmt.Sprintf("%T %v %v", wait, wait == "", there)] = true
	}
	if len(seen) != 4 {
		t.Errorf("spellings: %v", seen)
	}
}

func TestIDsMayHoldAnything(t *testing.T) {
	w := start(t, bpsim.Options{IDs: func() string { return "a/b..%2F ü?#" }})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_typing"}`)
	if got := names(c.poll(url.PathEscape(chat)).events(t)); got != "typing" {
		t.Errorf("got %q", got)
	}
}

func TestEndedSession(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_message","msg":"bye"}`)
	if err := w.sim.End(chat); err != nil {
		t.Fatal(err)
	}
	c.send(chat, `{"event":"chat_session_typing"}`).expect(t, 404, "5005")
	if got := names(c.poll(chat).events(t)); got != "message ended" {
		t.Errorf("the last poll gives %q", got)
	}
	c.poll(chat).expect(t, 404, "5005")
	if n := len(c.get("chats/" + chat + "/history").events(t)); n != 2 {
		t.Errorf("the history has %d events, want 2", n)
	}
	if err := w.sim.Push(chat, json.RawMessage(`{"event":"chat_session_typing"}`)); err != bpsim.ErrOver {
		t.Errorf("a push after the end: %v", err)
	}
	if err := w.sim.Forget(chat); err != nil {
		t.Fatal(err)
	}
	c.get("chats/"+chat+"/history").expect(t, 404, "5005")
	if r := w.record(chat); !r.Chat.Gone || len(r.Server) != 2 || r.Polls != 1 {
		t.Errorf("the record of the forgotten chat: %+v", r)
	}
}

func TestEveryEndEndsTheSession(t *testing.T) {
	for _, event := range []string{
		`{"event":"chat_session_ended"}`,
		`{"event":"chat_session_inactivity_timeout"}`,
		`{"event":"chat_session_inactvity_timeout"}`,
		`{"event":"chat_session_status","state":"failed"}`,
		`{"event":"chat_session_status","state":"completed"}`,
	} {
		w := start(t, bpsim.Options{})
		c := w.client("client")
		chat := c.chat()
		w.push(chat, event)
		c.poll(chat).expect(t, 200, "")
		c.poll(chat).expect(t, 404, "5005")
	}
}

func TestAnEndedSessionIsForgottenInTime(t *testing.T) {
	w := start(t, bpsim.Options{KeepEnded: time.Millisecond})
	c := w.client("client")
	chat := c.chat()
	if err := w.sim.End(chat); err != nil {
		t.Fatal(err)
	}
	w.until("the chat is forgotten", func() bool { return w.record(chat).Chat.Gone })
	c.get("chats/"+chat+"/history").expect(t, 404, "5005")
}

func TestASilentCustomerIsWarnedAndLeft(t *testing.T) {
	w := start(t, bpsim.Options{InactivityTimeout: 40 * time.Millisecond})
	c := w.client("client")
	chat := c.chat()
	w.until("the session is over", func() bool { return !w.record(chat).Chat.Ended.IsZero() })
	if got := names(c.poll(chat).events(t)); got != "timeout_warning inactivity_timeout" {
		t.Errorf("got %q", got)
	}
	c.poll(chat).expect(t, 404, "5005")
}

func TestActivityPutsTheTimeoutOff(t *testing.T) {
	t.Parallel()
	w := start(t, bpsim.Options{InactivityTimeout: 4 * time.Second})
	c := w.client("client")
	chat := c.chat()
	for n := range 2 {
		w.until("the customer is warned", func() bool { return len(w.record(chat).Server) > n })
		c.send(chat, `{"event":"chat_session_typing"}`).expect(t, 200, "")
	}
	if got := names(c.poll(chat).events(t)); got != "timeout_warning timeout_warning" {
		t.Errorf("got %q", got)
	}
}

func TestDisconnectLeavesTheSession(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_party_joined","party_id":"robot","type":"scenario"}`)
	w.push(chat, `{"event":"chat_session_party_joined","party_id":"alice","type":"internal"}`)
	w.push(chat, `{"event":"chat_session_party_joined","party_id":"bob","type":"internal"}`)
	w.push(chat, `{"event":"chat_session_party_left","party_id":"bob"}`)
	c.poll(chat).expect(t, 200, "")
	c.send(chat, `{"event":"chat_session_disconnect"}`).expect(t, 200, "")
	events := c.poll(chat).events(t)
	if names(events) != "party_left" || events[0]["party_id"] != "alice" {
		t.Errorf("got %v", events)
	}
	c.send(chat, `{"event":"chat_session_typing"}`).expect(t, 200, "")
}

func TestEndGivesTheHeldPollItsAnswer(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	held := c.pollAside(chat)
	w.untilHeld(chat)
	c.send(chat, `{"event":"chat_session_end"}`).expect(t, 200, "")
	if got := names(held.wait(t).events(t)); got != "ended" {
		t.Errorf("got %q", got)
	}
}

func TestNothingIsSaidAfterTheEnd(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_party_joined","party_id":"alice","type":"internal"}`)
	c.send(chat, `{"event":"chat_session_end"},{"event":"chat_session_end"},{"event":"chat_session_disconnect"}`).expect(t, 200, "")
	if got := names(c.poll(chat).events(t)); got != "party_joined ended" {
		t.Errorf("got %q", got)
	}
}

// A session whose end was announced goes on for a while, and then is over
// without a word.
func TestALingeringSession(t *testing.T) {
	w := start(t, bpsim.Options{Linger: 300 * time.Millisecond})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_status","state":"completed"}`)
	c.poll(chat).expect(t, 200, "")
	w.push(chat, `{"event":"chat_session_form_show","form_request_id":"1"}`)
	c.poll(chat).expect(t, 200, "")
	c.send(chat, `{"event":"chat_session_form_data","form_request_id":"1","form_name":"","data":{}}`).expect(t, 200, "")
	c.poll(chat).expect(t, 404, "5005")
	if got := names(c.get("chats/" + chat + "/history").events(t)); strings.Contains(got, "ended") {
		t.Errorf("the history has %s", got)
	}
}
