package chats

import (
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
)

var typed = []brightpattern.Event{brightpattern.ParseEvent(json.RawMessage(`{"event":"chat_session_typing","party_id":"p"}`))}

// holders are two replicas, of which one holds the chat.
type holders struct {
	now       atomic.Value // replicas.ID
	published chan replicas.ID
}

// hold has a replica answer as a holder does; before it publishes, the chat moves on, if it is to.
func (hs *holders) hold(r *rig, c *Chats, moveTo replicas.ID) {
	r.Helper()
	r.listen(c, func(a Asked) {
		holds := hs.now.Load() == c.Self
		switch request := a.Request().(type) {
		case WhereIs:
			if holds {
				a.Reply(Reply{Holder: c.Self})
			}
		case Publish:
			if !a.ToUs || len(request.Events) != 1 || string(request.Events[0].Raw) != string(typed[0].Raw) {
				r.Errorf("asked of %s, for it: %v: %+v", c.Self, a.ToUs, request)
			}
			if moveTo != "" {
				hs.now.Store(moveTo)
				a.Reply(Reply{Moved: true})
				return
			}
			hs.published <- c.Self
			a.Reply(Reply{Holder: c.Self})
		}
	})
}

// Nobody has a holder publish where only the connector may.
func TestHolderAnswersWhereOthersMay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	asked := make(chan string, 10)
	r.listen(c, func(a Asked) { asked <- a.msg.Reply })
	for _, reply := range []string{"$JS.API.STREAM.PURGE.CC_EVENTS", "cc.chat.C.event.message", "_INBOX.x"} {
		r.Check(r.NC.PublishRequest(c.holderSubject("C"), reply, []byte(`{"where":true}`)))
	}
	if reply := <-asked; reply != "_INBOX.x" {
		t.Errorf("the answer would go to %s", reply)
	}
}

// The events of an answer are published by whoever holds the chat, once, and
// by no other replica.
func TestDeliverFollowsTheChat(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key := r.open(c)
	if c.AreCallsAnswered() {
		t.Error("no call has been answered with events")
	}
	hs := &holders{published: make(chan replicas.ID, 10)}
	hs.now.Store(replicas.ID("one"))
	hs.hold(r, r.replica("one"), "two")
	hs.hold(r, r.replica("two"), "")
	c.Deliver(r.Ctx, key, typed, time.Now())
	if by := natstest.Receive(r.Rig, hs.published); by != "two" || len(hs.published) > 0 || !c.AreCallsAnswered() {
		t.Errorf("published by %s, and %d times more; calls are answered: %v", by, len(hs.published), c.AreCallsAnswered())
	}
	if active := c.Outbox.Active(); len(active) != 0 {
		t.Errorf("what was delivered seems to be lost: %v", active)
	}
}

// What one replica is meant to do is heard by no other.
func TestRequestIsHeardByWhomItIsMeantFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, key := r.replica("self"), r.key("chat")
	heard := map[replicas.ID]chan Request{"one": make(chan Request, 10), "two": make(chan Request, 10)}
	for self, requests := range heard {
		r.listen(r.replica(self), func(a Asked) {
			requests <- a.Request()
			a.Reply(Reply{Holder: self})
		})
	}
	reply, err := c.ask(r.Ctx, key, Publish{}, "one", time.Minute)
	if err != nil || reply.Holder != "one" {
		t.Errorf("the reply is %+v, %v", reply, err)
	}
	_, err = c.ask(r.Ctx, key, WhereIs{}, "", time.Minute)
	r.Check(err)
	if _, is := natstest.Receive(r.Rig, heard["one"]).(Publish); !is {
		t.Error("who is meant did not hear it")
	}
	for self, requests := range heard {
		if first, is := natstest.Receive(r.Rig, requests).(WhereIs); !is {
			t.Errorf("%s has heard %+v", self, first)
		}
	}
}

// What was asked of a holder that does not say whether it has done it is not
// asked again, but looked for.
func TestUndeliveredEventsAreLookedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, holder := r.replica("self"), r.replica("holder")
	key := r.open(c)
	asked := make(chan Request, 10)
	r.listen(holder, func(a Asked) {
		asked <- a.Request()
		switch a.Request().(type) {
		case Publish:
			a.Reply(Reply{Error: "it is not known whether they are stored"})
		default:
			a.Reply(Reply{Holder: "holder"})
		}
	})
	c.Deliver(r.Ctx, key, typed, time.Now().Add(-time.Hour)) // when the call was begun that they came with
	var kinds []string
	for range 3 {
		switch request := natstest.Receive(r.Rig, asked).(type) {
		case WhereIs:
			kinds = append(kinds, "where")
		case Publish:
			kinds = append(kinds, "publish")
		case LookForLosses:
			kinds = append(kinds, "look")
			if request.Poll || request.Ago < 0 || request.Ago > time.Minute || request.Since < time.Hour {
				t.Errorf("looked for is %+v", request)
			}
		}
	}
	if len(kinds) != 3 || kinds[0] != "where" || kinds[1] != "publish" || kinds[2] != "look" {
		t.Errorf("asked is %q", kinds)
	}
}

// Nobody follows a chat that has neither a token nor an open entry.
func TestNothingIsDeliveredToNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	r.listen(r.replica("another"), func(a Asked) { t.Errorf("asked is %+v", a.Request()) })
	key := r.open(c)
	r.close(c, key)
	for _, nobodys := range []Key{key, r.key("unknown")} {
		c.Deliver(r.Ctx, nobodys, typed, time.Now())
		c.ReportLost(nobodys, time.Now(), time.Now())
	}
	r.Eventually("it is all settled", func() bool { return len(c.Outbox.Active()) == 0 })
	keys, err := r.streams.State.Keys(r.Ctx, "owed.")
	r.Check(err)
	for _, k := range keys {
		r.Eventually("nothing is owed", func() bool {
			found, err := r.streams.State.Get(r.Ctx, k)
			r.Check(err)
			return found.Revision == 0
		})
	}
}
