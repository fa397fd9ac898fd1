package bpsim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// listen polls until an event of the kind has come, and returns all.
func (c *client) listen(chat, kind string) []map[string]any {
	c.t.Helper()
	var all []map[string]any
	for {
		got := c.poll(chat)
		if got.status != 200 && got.code() != "5511" {
			c.t.Fatalf("no %s: %d %s; so far %s", kind, got.status, got.body, names(all))
		}
		events := got.events(c.t)
		all = append(all, events...)
		if strings.Contains(" "+names(events)+" ", " "+kind+" ") {
			return all
		}
	}
}

func (c *client) say(chat string, n int) {
	c.t.Helper()
	c.send(chat, fmt.Sprintf(`{"event":"chat_session_message","msg_id":"%s:%d","msg":"a &amp; b","msg_text":"a & b"}`, chat, n)).expect(c.t, 200, "")
}

func (c *client) fill(chat string, form int) {
	c.t.Helper()
	c.send(chat, fmt.Sprintf(`{"event":"chat_session_form_data","form_request_id":%d,"form_name":"f","data":{}}`, form)).expect(c.t, 200, "")
}

func TestSupportScript(t *testing.T) {
	c := start(t, bpsim.Options{Script: "support", Hold: 50 * time.Millisecond}).client("client")
	chat := c.chat()
	expectNames(t, c.listen(chat, "message"),
		"status status party_joined party_joined status typing not_typing message")
	c.say(chat, 0)
	expectNames(t, c.listen(chat, "message"), "message_delivered message_read typing not_typing message")
	c.say(chat, 1)
	expectNames(t, c.listen(chat, "form_show"), "message_delivered message_read case_set message form_show")
	c.fill(chat, 1)
	last := c.listen(chat, "ended")
	expectNames(t, last, "file typing not_typing message ended")
	file := c.get("chats/" + chat + "/files/" + last[0]["file_id"].(string))
	if file.status != 200 || !strings.HasPrefix(string(file.body), "Return label") {
		t.Errorf("the file: %d %s", file.status, file.body)
	}
	c.poll(chat).expect(t, 404, "5005")
}

func expectNames(t *testing.T, events []map[string]any, want string) {
	t.Helper()
	if got := names(events); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSupportScriptAfterDisconnect(t *testing.T) {
	c := start(t, bpsim.Options{Script: "support", Hold: 50 * time.Millisecond}).client("client")
	chat := c.chat()
	c.listen(chat, "message")
	c.send(chat, `{"event":"chat_session_disconnect"}`).expect(t, 200, "")
	expectNames(t, c.listen(chat, "form_show"), "party_left form_show")
	c.fill(chat, 2)
	expectNames(t, c.listen(chat, "ended"), "ended")
}

func TestEchoScript(t *testing.T) {
	c := start(t, bpsim.Options{Script: "echo", Hold: 50 * time.Millisecond}).client("client")
	chat := c.chat()
	expectNames(t, c.listen(chat, "status"), "party_joined status")
	for n := range 3 {
		c.say(chat, n)
		events := c.listen(chat, "message")
		expectNames(t, events, "message_delivered message_read message")
		own := fmt.Sprintf("%s:%d", chat, n)
		if events[0]["ref_msg_id"] != own || events[1]["msg_id"] != own {
			t.Errorf("receipts of something else: %v", events)
		}
		if events[2]["msg"] != "a &amp; b" || events[2]["msg_text"] != "a & b" {
			t.Errorf("echo: %v", events[2])
		}
	}
	c.send(chat, `{"event":"chat_session_disconnect"}`).expect(t, 200, "")
	expectNames(t, c.listen(chat, "party_left"), "party_left")
}

func TestScriptsEndWithTheServer(t *testing.T) {
	w := start(t, bpsim.Options{Script: "support", Pace: 1000})
	chat := w.client("client").chat()
	w.until("the script has begun", func() bool { return len(w.record(chat).Server) == 1 })
	w.sim.Close() // goleak sees whether it is over
}

// A session that ends in a pause of its script hears nothing more of it, while
// that of a later one gets further.
func TestScriptsEndWithTheSession(t *testing.T) {
	w := start(t, bpsim.Options{Script: "support", Pace: 0.01})
	ended, later := w.client("ended").chat(), w.client("later").chat()
	if err := w.sim.End(ended); err != nil {
		t.Fatal(err)
	}
	w.until("the later script has come to its greeting", func() bool { return len(w.record(later).Server) == 8 })
	events := w.record(ended).Server
	if last := string(events[len(events)-1].Event); !strings.Contains(last, "chat_session_ended") {
		t.Errorf("the last of %d events is %s", len(events), last)
	}
}

func TestAnUnknownScriptIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New took it")
		}
	}()
	bpsim.New(bpsim.Options{Script: "suport"})
}

// A request may name the script of its chat, and one is begun in a chat that has none.
func TestScriptOfAChat(t *testing.T) {
	w := start(t, bpsim.Options{ScriptParameter: "script", Hold: 50 * time.Millisecond})
	named := w.client("named")
	chat := named.post("chats", `{"parameters":{"script":"echo"}}`).object(t)["chat_id"].(string)
	expectNames(t, named.listen(chat, "status"), "party_joined status")
	if err := w.sim.Play(chat, "support"); err == nil {
		t.Error("two scripts are played in one chat")
	}
	for id, request := range map[string]string{"unknown": `{"parameters":{"script":"nothing of the kind"}}`, "none": `{"parameters":{}}`} {
		c := w.client(id)
		chat := c.post("chats", request).object(t)["chat_id"].(string)
		if record, err := w.sim.Record(chat); err != nil || len(record.Server) > 0 {
			t.Errorf("%s: got %v, %v", id, record.Server, err)
		}
		if err := w.sim.Play(chat, "echo"); err != nil {
			t.Error(err)
		}
		expectNames(t, c.listen(chat, "status"), "party_joined status")
	}
	for _, name := range []string{"", "none", "nothing of the kind"} {
		if err := w.sim.Play(chat, name); err == nil {
			t.Errorf("the script %q is played", name)
		}
	}
	if err := w.sim.Play("no chat", "echo"); !errors.Is(err, bpsim.ErrUnknownChat) {
		t.Errorf("got %v", err)
	}
	if err := w.sim.End(chat); err != nil {
		t.Fatal(err)
	}
	if err := w.sim.Play(chat, "echo"); !errors.Is(err, bpsim.ErrOver) {
		t.Errorf("got %v", err)
	}
}

// One fault of several is taken away.
func TestOneFaultIsCleared(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	var ids []string
	for _, code := range []string{"5001", "5003"} {
		id, err := w.sim.Inject(bpsim.Fault{Kind: "status", Status: 500, Code: code})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	c.post("chats", `{"parameters":{}}`).expect(t, 500, "5001")
	w.sim.ClearFault(ids[0])
	w.sim.ClearFault("none")
	c.post("chats", `{"parameters":{}}`).expect(t, 500, "5003")
	w.sim.ClearFault(ids[1])
	c.chat()
}
