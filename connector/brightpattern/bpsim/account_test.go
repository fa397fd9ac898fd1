package bpsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// Chats, pushes, polls, sends, faults and leaving clients all at once: in the
// end every event has one fate, and the clients hold exactly what the record
// says was given and written.
func TestEveryEventHasOneFate(t *testing.T) {
	const chats, events = 8, 60
	w := start(t, bpsim.Options{AnswerSends: true, Hold: 5 * time.Millisecond})
	for _, kind := range []string{"lose", "garbage", "truncate", "cut_before"} {
		w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: kind, Times: 5})
	}
	var all sync.WaitGroup
	for i := range chats {
		c := w.client(strconv.Itoa(i))
		chat := c.chat()
		all.Go(func() {
			received := c.liveThrough(chat, events)
			checkAccount(t, w.record(chat), received, events)
		})
	}
	all.Wait()
}

// liveThrough pushes, polls and sends at once until the session has drained.
func (c *client) liveThrough(chat string, events int) map[string]int {
	received := map[string]int{}
	var mu sync.Mutex
	take := func(r reply) {
		var body struct{ Events []struct{ N json.Number } }
		if json.Unmarshal(r.body, &body) != nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, e := range body.Events {
			received[e.N.String()]++
		}
	}
	var both sync.WaitGroup
	both.Go(func() {
		for n := range events {
			if err := c.sim.Push(chat, json.RawMessage(fmt.Sprintf(`{"event":"chat_session_typing","n":%d}`, n))); err != nil {
				c.t.Error(err)
			}
			if n%10 == 9 {
				if r, err := c.try("POST", "chats/"+chat+"/events", `{"events":[{"event":"chat_session_typing"}]}`); err == nil {
					take(r)
				}
			}
		}
		if err := c.sim.Push(chat, json.RawMessage(`{"event":"chat_session_ended","n":-1}`)); err != nil {
			c.t.Error(err)
		}
	})
	both.Go(func() {
		for {
			r, err := c.try("GET", "chats/"+chat+"/events", "")
			if err == nil && r.code() == "5005" {
				return
			}
			if err == nil && r.status == 200 {
				take(r)
			}
		}
	})
	both.Wait()
	return received
}

func checkAccount(t *testing.T, r bpsim.Record, received map[string]int, events int) {
	if len(r.Server) != events+1 || r.Chat.Pending != 0 || r.MostPolls != 1 {
		t.Errorf("%d events, %d pending, %d polls at once", len(r.Server), r.Chat.Pending, r.MostPolls)
	}
	for _, e := range r.Server {
		var body struct{ N json.Number }
		if err := json.Unmarshal(e.Event, &body); err != nil {
			t.Fatal(err)
		}
		got := received[body.N.String()]
		switch e.Fate {
		case bpsim.GivenByPoll, bpsim.GivenBySend:
			if got != 1 {
				t.Errorf("event %s is said to be given by %s, and was received %d times", body.N, e.Fate, got)
			}
		case bpsim.LostByFault:
			if got != 0 || e.Written {
				t.Errorf("event %s is said to be lost, and was received", body.N)
			}
		default:
			t.Errorf("event %s has the fate %q", body.N, e.Fate)
		}
	}
}

func TestManyPollsAtOnce(t *testing.T) {
	const chats = 300
	w := start(t, bpsim.Options{Hold: time.Hour})
	var held []pending
	var ids []string
	for i := range chats {
		c := w.client(strconv.Itoa(i))
		chat := c.chat()
		ids, held = append(ids, chat), append(held, c.pollAside(chat))
	}
	for _, chat := range ids {
		w.untilHeld(chat)
		w.push(chat, typing)
	}
	for _, p := range held {
		if got := names(p.wait(t).events(t)); got != "typing" {
			t.Errorf("got %q", got)
		}
	}
}

func TestWaitForEndsWithItsContext(t *testing.T) {
	w := start(t, bpsim.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.sim.WaitFor(ctx, func() bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := w.sim.WaitFor(ctx, func() bool { return true }); err != nil {
		t.Errorf("the condition holds: %v", err)
	}
}

func TestControlMethodsOnUnknownChats(t *testing.T) {
	w := start(t, bpsim.Options{})
	_, recordErr := w.sim.Record("x")
	for name, err := range map[string]error{
		"push": w.sim.Push("x", json.RawMessage(typing)), "end": w.sim.End("x"), "case": w.sim.SetCase("x", "y"),
		"forget": w.sim.Forget("x"), "record": recordErr,
	} {
		if err != bpsim.ErrUnknownChat {
			t.Errorf("%s: %v", name, err)
		}
	}
	chat := w.client("client").chat()
	for _, event := range []any{json.RawMessage(`{`), json.RawMessage(`[]`), 5, nil, func() {}} {
		if err := w.sim.Push(chat, event); err == nil {
			t.Errorf("%v was taken", event)
		}
	}
}
