package bpsim_test

import (
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

const hello = `{"event":"chat_session_message","msg_id":"CHAT:0","msg":"hello"}`

func TestStatusFault(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := start(t, bpsim.Options{})
		c := w.client("client")
		chat := c.chat()
		w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 503, Code: "5001", Message: "no",
			RetryAfter: 1500 * time.Millisecond, Times: 1, AfterEffect: after})
		got := c.send(chat, strings.ReplaceAll(hello, "CHAT", chat))
		got.expect(t, 503, "5001")
		if got.header.Get("Retry-After") != "2" {
			t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
		}
		if taken := len(w.record(chat).Client) == 1; taken != after {
			t.Errorf("after the effect: %v; taken: %v", after, taken)
		}
		if counted := w.sim.Calls()["sendEvents"] == 1; counted != after {
			t.Errorf("after the effect: %v; counted: %v", after, counted)
		}
		c.send(chat, `{"event":"chat_session_typing"}`).expect(t, 200, "")
	}
}

func TestStatusFaultBodies(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	w.inject(bpsim.Fault{Kind: "status", Status: 502, HTML: true, Message: "<gone>", Times: 1})
	if got := c.get("version"); got.status != 502 || got.header.Get("Content-Type") != "text/html" || !strings.Contains(string(got.body), "&lt;gone&gt;") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	w.inject(bpsim.Fault{Kind: "status", Times: 1})
	if got := c.get("version"); got.status != 500 || len(got.body) != 0 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}

func TestFaultsStrikeWhatTheyAreMeantFor(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Millisecond})
	one, two := w.client("one"), w.client("two")
	first, second := one.chat(), two.chat()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Chat: first, Kind: "status", Times: 2})
	two.poll(second).expect(t, 200, "")
	one.get("chats/"+first+"/history").expect(t, 200, "")
	one.poll(first).expect(t, 500, "")
	if left := w.sim.Faults(); len(left) != 1 || left[0].Times != 1 {
		t.Errorf("left: %+v", left)
	}
	one.poll(first).expect(t, 500, "")
	one.poll(first).expect(t, 200, "")
	if left := w.sim.Faults(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

// What follows a fault strikes the chat that it has struck, and no other; it goes by the same id.
func TestAFaultFollowsAnother(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Millisecond})
	one, two := w.client("one"), w.client("two")
	first, second := one.chat(), two.chat()
	fault := bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Times: 1, Then: &bpsim.Fault{Method: bpsim.GetHistory, Kind: "status"}}
	for range 2 {
		id, err := w.sim.Inject(fault)
		if err != nil {
			t.Fatal(err)
		}
		one.get("chats/"+first+"/history").expect(t, 200, "")
		one.poll(first).expect(t, 500, "")
		one.get("chats/"+first+"/history").expect(t, 500, "")
		two.get("chats/"+second+"/history").expect(t, 200, "")
		if left := w.sim.Faults(); len(left) != 1 || left[0].ID != id || left[0].Chat != first {
			t.Errorf("left: %+v", left)
		}
		w.sim.ClearFault(id)
		one.get("chats/"+first+"/history").expect(t, 200, "")
	}
	fault.Then.For = time.Millisecond
	w.inject(fault)
	one.poll(first).expect(t, 500, "")
	w.until("it has passed", func() bool { return len(w.sim.Faults()) == 0 })
}

func TestClearFaults(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	w.inject(bpsim.Fault{Kind: "status"})
	c.get("version").expect(t, 500, "")
	c.get("version").expect(t, 500, "")
	w.sim.ClearFaults()
	c.get("version").expect(t, 200, "")
}

func TestFaultsPass(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	w.inject(bpsim.Fault{Kind: "hang", For: 20 * time.Millisecond})
	c.get("version").expect(t, 200, "")
	w.until("the fault has passed", func() bool { return len(w.sim.Faults()) == 0 })
}

func TestHang(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, typing)
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang", Times: 1})
	held := c.pollAside(chat)
	w.until("it hangs", func() bool { return len(w.sim.Faults()) == 0 })
	if fate := w.record(chat).Server[0].Fate; fate != bpsim.Pending {
		t.Errorf("a hanging poll was given the event: %s", fate)
	}
	w.sim.ClearFaults()
	if got := names(held.wait(t).events(t)); got != "typing" {
		t.Errorf("got %q", got)
	}
}

func TestAClientMayLeaveAHangingCall(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, typing)
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "hang", Times: 1})
	left := c.pollAside(chat)
	w.until("it hangs", func() bool { return len(w.sim.Faults()) == 0 })
	left.cancel()
	<-left.result
	if got := names(c.poll(chat).events(t)); got != "typing" {
		t.Errorf("the next poll got %q", got)
	}
}

func TestHangEndsWithTheServer(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.inject(bpsim.Fault{Kind: "hang", Times: 1})
	held := c.pollAside(chat)
	w.until("it hangs", func() bool { return len(w.sim.Faults()) == 0 })
	w.sim.Close()
	held.wait(t).expect(t, 503, "5001")
}

func TestDelay(t *testing.T) {
	for _, after := range []bool{false, true} {
		w := start(t, bpsim.Options{})
		c := w.client("client")
		chat := c.chat()
		w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "delay", Delay: time.Millisecond, Times: 1, AfterEffect: after})
		c.send(chat, `{"event":"chat_session_typing"}`).expect(t, 200, "")
		if n := len(w.record(chat).Client); n != 1 {
			t.Errorf("%d events taken, want 1", n)
		}
	}
}

// A delayed request whose client has left is carried out all the same.
func TestDelayedEffect(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "delay", Delay: time.Second, Times: 1})
	left := c.sendAside(chat, `{"event":"chat_session_typing"}`)
	w.until("the send is delayed", func() bool { return len(w.sim.Faults()) == 0 })
	left.cancel()
	if got := <-left.result; got.err == nil {
		t.Error("the client did not leave")
	}
	w.until("the event is taken", func() bool { return len(w.record(chat).Client) == 1 })
}

// A delayed poll whose client has left is given nothing.
func TestDelayedPoll(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, typing)
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "delay", Delay: 100 * time.Millisecond, Times: 1})
	left := c.pollAside(chat)
	w.until("the poll is delayed", func() bool { return len(w.sim.Faults()) == 0 })
	left.cancel()
	<-left.result
	w.until("the poll is over", func() bool { r := w.record(chat); return r.Polls == 1 && r.Held == 0 })
	if fate := w.record(chat).Server[0].Fate; fate != bpsim.Pending {
		t.Errorf("the event has the fate %s", fate)
	}
}

// A send that its client gave up while it hung takes no effect.
func TestAHangingSendGivenUp(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "hang", Times: 1})
	left := c.sendAside(chat, `{"event":"chat_session_typing"}`)
	w.until("it hangs", func() bool { return len(w.sim.Faults()) == 0 })
	left.cancel()
	if got := <-left.result; got.err == nil {
		t.Error("the call did not hang")
	}
	w.sim.Close() // waits for the call
	if n := len(w.record(chat).Client); n != 0 {
		t.Errorf("%d events were taken", n)
	}
}

func TestCutSends(t *testing.T) {
	for kind, taken := range map[string]int{"cut_before": 0, "cut_after": 1, "truncate": 1} {
		w := start(t, bpsim.Options{})
		c := w.client("client")
		chat := c.chat()
		w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: kind, Times: 1})
		_, err := c.try("POST", "chats/"+chat+"/events", `{"events":[{"event":"chat_session_typing"}]}`)
		if !isCut(err) {
			t.Errorf("%s: %v", kind, err)
		}
		if n := len(w.record(chat).Client); n != taken {
			t.Errorf("%s: %d events taken, want %d", kind, n, taken)
		}
	}
}

func TestGarbage(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	w.inject(bpsim.Fault{Method: bpsim.RequestChat, Kind: "garbage", Times: 1})
	got := c.post("chats", `{"parameters":{}}`)
	if got.status != 200 || strings.HasSuffix(string(got.body), "}") {
		t.Errorf("got %d %s", got.status, got.body)
	}
	if n := len(w.sim.Chats()); n != 1 {
		t.Errorf("%d chats, want 1", n)
	}
}

// Whatever destroys the answer of a held poll takes its events away for good;
// they are in the history.
func TestLostAnswers(t *testing.T) {
	for _, f := range []bpsim.Fault{
		{Kind: "lose"}, {Kind: "cut_after"}, {Kind: "truncate"}, {Kind: "garbage"}, {Kind: "status", AfterEffect: true},
	} {
		t.Run(f.Kind, func(t *testing.T) {
			w := start(t, bpsim.Options{Hold: time.Hour})
			c := w.client("client")
			chat := c.chat()
			held := c.pollAside(chat)
			w.untilHeld(chat)
			f.Method, f.Times = bpsim.PollEvents, 1
			w.inject(f)
			w.push(chat, typing)
			got := <-held.result
			wantCut := f.Kind != "garbage" && f.Kind != "status"
			if isCut(got.err) != wantCut {
				t.Errorf("got %v", got.err)
			}
			if r := w.record(chat); r.Server[0].Fate != bpsim.LostByFault || r.Server[0].Written {
				t.Errorf("record: %+v", r.Server[0])
			}
			w.push(chat, `{"event":"chat_session_ended"}`)
			if next := names(c.poll(chat).events(t)); next != "ended" {
				t.Errorf("the next poll gives %q", next)
			}
			if n := len(c.get("chats/" + chat + "/history").events(t)); n != 2 {
				t.Errorf("%d events in the history, want 2", n)
			}
		})
	}
}

func TestLoseWaitsForAnAnswerWithEvents(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Millisecond})
	c := w.client("client")
	chat := c.chat()
	w.inject(bpsim.Fault{Kind: "lose", Times: 1})
	c.poll(chat).expect(t, 200, "")
	w.push(chat, typing)
	if _, err := c.try("GET", "chats/"+chat+"/events", ""); err == nil && w.record(chat).Server[0].Fate != bpsim.LostByFault {
		t.Error("the answer with the event was not lost")
	}
}

func TestInjectNamesTheWrongField(t *testing.T) {
	w := start(t, bpsim.Options{})
	for _, test := range []struct {
		fault bpsim.Fault
		names string
	}{
		{bpsim.Fault{}, "kind"},
		{bpsim.Fault{Kind: "hang", Method: "pol"}, "method"},
		{bpsim.Fault{Kind: "hang", AfterEffect: true}, "afterEffect"},
		{bpsim.Fault{Kind: "status", Status: 200}, "status"},
		{bpsim.Fault{Kind: "delay"}, "delay"},
		{bpsim.Fault{Kind: "hang", Delay: 1}, "delay"},
		{bpsim.Fault{Kind: "slow"}, "delay"},
		{bpsim.Fault{Kind: "endless", Delay: 1}, "delay"},
		{bpsim.Fault{Kind: "hang", Times: -1}, "times"},
		{bpsim.Fault{Kind: "hang", For: -1}, "for"},
		{bpsim.Fault{Kind: "status", RetryAfter: -1}, "retryAfter"},
	} {
		if _, err := w.sim.Inject(test.fault); err == nil || !strings.HasPrefix(err.Error(), test.names+": ") {
			t.Errorf("%+v: %v, want %s", test.fault, err, test.names)
		}
	}
}

// What stands before a contact center answers in its place.
func TestFaultsOfAProxy(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Millisecond})
	c := w.client("client")
	chat, fine := c.chat(), w.client("other")
	w.inject(bpsim.Fault{Kind: "page", Reads: true})
	for _, read := range []string{"version", "chats/" + chat + "/events", "chats/" + chat + "/history"} {
		if got := c.get(read); got.status != 200 || got.header.Get("Content-Type") != "text/html" || !strings.Contains(string(got.body), "<h1>") {
			t.Errorf("%s: %d %s", read, got.status, got.body)
		}
	}
	c.send(chat, `{"event":"chat_session_typing"}`).expect(t, 200, "")
	w.sim.ClearFaults()

	w.inject(bpsim.Fault{Kind: "status", Status: 403, HTML: true, Body: "<script>"})
	c.send(chat, `{"event":"chat_session_message","msg_id":"`+chat+`:0","msg":"<script>"}`).expect(t, 403, "")
	c.send(chat, strings.ReplaceAll(hello, "CHAT", chat)).expect(t, 200, "")
	w.sim.ClearFaults()

	w.inject(bpsim.Fault{Kind: "status", Status: 301, Location: "https://login.example/", Times: 1})
	if got := c.get("version"); got.status != 301 || got.header.Get("Location") != "https://login.example/" {
		t.Errorf("%d to %q", got.status, got.header.Get("Location"))
	}
	w.inject(bpsim.Fault{Kind: "status", Status: 404, Chat: chat})
	c.poll(chat).expect(t, 404, "")
	fine.poll(fine.chat()).expect(t, 200, "")
}

// A page can also take the place of an answer that gives events away.
func TestPageAfterTheEffect(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, typing)
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "page", AfterEffect: true, Times: 1})
	c.poll(chat).expect(t, 200, "")
	if fate := w.record(chat).Server[0].Fate; fate != bpsim.LostByFault {
		t.Errorf("the event is %s", fate)
	}
}

func TestOnlyRedirectsHaveALocation(t *testing.T) {
	w := start(t, bpsim.Options{})
	for _, f := range []bpsim.Fault{{Kind: "status", Status: 404, Location: "/"}, {Kind: "page", Location: "/"}, {Kind: "status", Location: "/"}} {
		if _, err := w.sim.Inject(f); err == nil || !strings.HasPrefix(err.Error(), "location: ") {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
