package bpsim_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

const typing = `{"event":"chat_session_typing","party_id":"p"}`

func TestAHeldPollIsAnsweredByAnEvent(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour})
	c := w.staying("client")
	chat := c.chat()
	held := c.pollAside(chat)
	defer held.cancel()
	w.untilHeld(chat)
	w.push(chat, typing)
	if got := names(held.wait(t).events(t)); got != "typing" {
		t.Errorf("got %q", got)
	}
	w.until("the answer is known to be written", func() bool { return w.record(chat).Server[0].Written })
	if r := w.record(chat); r.Polls != 1 || r.MostPolls != 1 || r.Held != 0 || r.Server[0].Fate != bpsim.GivenByPoll {
		t.Errorf("record: %+v", r)
	}
}

func TestAnEventIsGivenOnceAsItIs(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Millisecond})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"z":1e2,"event":"new_one","timestamp":"x","a":{"b" : [1.0]},"msg":"<&>"}`)
	if got, want := string(c.poll(chat).body), `{"events":[{"z":1e2,"event":"new_one","timestamp":"x","a":{"b" : [1.0]},"msg":"<&>"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := c.poll(chat).events(t); len(got) != 0 {
		t.Errorf("given again: %v", got)
	}
}

func TestTimestampsAreAddedUnlessRefused(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	w.push(chat, `{"event":"chat_session_typing","timestamp":null}`)
	if err := w.sim.Push(chat, map[string]any{"event": "chat_session_typing"}); err != nil {
		t.Fatal(err)
	}
	events := c.poll(chat).events(t)
	if _, there := events[0]["timestamp"]; there {
		t.Error("a timestamp was added in spite of null")
	}
	if _, there := events[1]["timestamp"]; !there {
		t.Error("no timestamp was added")
	}
}

func TestTimestampsAreSpelledInEveryWay(t *testing.T) {
	w := start(t, bpsim.Options{})
	c := w.client("client")
	chat := c.chat()
	for _, kind := range []string{"message", "status", "party_joined", "party_left"} {
		w.push(chat, fmt.Sprintf(`{"event":"chat_session_%s"}`, kind))
	}
	seen := map[string]bool{}
	for _, e := range c.poll(chat).events(t) {
		seen[fmt.Sprintf("%T %d", e["timestamp"], len(fmt.Sprint(e["timestamp"])))] = true
	}
	if len(seen) != 4 {
		t.Errorf("spellings: %v", seen)
	}
}

func TestIdlePollsAreAnsweredInTurn(t *testing.T) {
	c := start(t, bpsim.Options{Hold: time.Millisecond}).client("client")
	chat := c.chat()
	for range 2 {
		if got := c.poll(chat); got.status != 200 || string(got.body) != `{"events":[]}` {
			t.Errorf("first: %d %s", got.status, got.body)
		}
		if got := c.poll(chat); got.status != 200 || len(got.body) != 0 || got.header.Get("Content-Type") != "" {
			t.Errorf("second: %d %s", got.status, got.body)
		}
		if got := c.poll(chat); got.status == 200 || got.code() != "5511" {
			t.Errorf("third: %d %s", got.status, got.body)
		}
	}
	if n := c.sim.Calls()["pollEvents"]; n != 6 {
		t.Errorf("%d polls counted, want 6", n)
	}
}

func TestASecondPollIsRefused(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour})
	c := w.client("client")
	chat := c.chat()
	held := c.pollAside(chat)
	w.untilHeld(chat)
	c.poll(chat).expect(t, 429, "5509")
	c.poll(chat).expect(t, 400, "5509")
	if r := w.record(chat); r.Polls != 3 || r.Refused != 2 || r.MostPolls != 2 || r.Held != 1 {
		t.Errorf("record: %+v", r)
	}
	w.push(chat, typing)
	if got := names(held.wait(t).events(t)); got != "typing" {
		t.Errorf("the held poll got %q", got)
	}
}

func TestAClientThatLeavesFreesItsPoll(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour})
	c := w.client("client")
	chat := c.chat()
	left := c.pollAside(chat)
	w.untilHeld(chat)
	left.cancel()
	<-left.result
	w.until("the poll is over", func() bool { return w.record(chat).Held == 0 })
	w.push(chat, typing)
	if r := w.record(chat); r.Server[0].Fate != bpsim.Pending {
		t.Errorf("an event went to a client that had left: %+v", r.Server[0])
	}
	if got := names(c.poll(chat).events(t)); got != "typing" {
		t.Errorf("the next poll got %q", got)
	}
}

func TestAStalePollTakesEventsWithIt(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour, StalePoll: time.Hour})
	c := w.client("client")
	chat := c.chat()
	left := c.pollAside(chat)
	w.untilHeld(chat)
	left.cancel()
	<-left.result
	w.until("the client has left", func() bool { return w.record(chat).Held == 0 })
	c.poll(chat).expect(t, 429, "5509")
	if r := w.record(chat); r.MostPolls != 1 {
		t.Errorf("a poll without a client was counted: %d at once", r.MostPolls)
	}
	w.push(chat, typing)
	w.until("the event is given away", func() bool { return w.record(chat).Server[0].Fate == bpsim.GivenByPoll })
	next := c.pollAside(chat)
	w.untilHeld(chat)
	w.push(chat, `{"event":"chat_session_ended"}`)
	if got := names(next.wait(t).events(t)); got != "ended" {
		t.Errorf("the next poll got %q", got)
	}
	if r := w.record(chat); r.Server[0].Written {
		t.Error("an answer to a client that had left is said to be written")
	}
}

func TestAStalePollEnds(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour, StalePoll: time.Millisecond})
	c := w.client("client")
	chat := c.chat()
	left := c.pollAside(chat)
	w.untilHeld(chat)
	left.cancel()
	<-left.result
	w.until("the place is free", func() bool { return c.pollAsideAndSee(chat) })
}

// pollAsideAndSee reports whether a poll is let in.
func (c *client) pollAsideAndSee(chat string) bool {
	before := c.record(chat)
	probe := c.pollAside(chat)
	c.until("the probe has begun", func() bool { return c.record(chat).Polls > before.Polls })
	probe.cancel()
	<-probe.result
	return c.record(chat).Refused == before.Refused
}

func TestForgettingEndsTheHeldPoll(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour})
	c := w.client("client")
	chat := c.chat()
	held := c.pollAside(chat)
	w.untilHeld(chat)
	if err := w.sim.Forget(chat); err != nil {
		t.Fatal(err)
	}
	held.wait(t).expect(t, 404, "5005")
	if isNew := c.post("chats", `{"parameters":{}}`).object(t)["is_new_chat"]; isNew != true {
		t.Error("the forgotten chat was given again")
	}
}

func TestCloseEndsHeldPollsAndRefusesCalls(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour})
	c := w.client("client")
	chat := c.chat()
	held := c.pollAside(chat)
	w.untilHeld(chat)
	w.sim.Close()
	held.wait(t).expect(t, 503, "5001")
	c.poll(chat).expect(t, 503, "5001")
	if err := w.sim.Push(chat, json.RawMessage(typing)); err != nil {
		t.Errorf("the account is closed too: %v", err)
	}
}

func TestOlderServersAnswerSendsWithEvents(t *testing.T) {
	w := start(t, bpsim.Options{AnswerSends: true, Hold: time.Millisecond})
	c := w.client("client")
	chat := c.chat()
	if got := c.send(chat, `{"event":"chat_session_typing"}`); got.status != 200 || len(got.body) != 0 {
		t.Errorf("with nothing pending: %d %s", got.status, got.body)
	}
	w.push(chat, typing)
	if got := names(c.send(chat, `{"event":"chat_session_typing"}`).events(t)); got != "typing" {
		t.Errorf("got %q", got)
	}
	if got := c.poll(chat).events(t); len(got) != 0 {
		t.Errorf("given again: %v", got)
	}
	if fate := w.record(chat).Server[0].Fate; fate != bpsim.GivenBySend {
		t.Errorf("fate %s", fate)
	}
}
