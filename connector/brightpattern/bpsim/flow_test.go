package bpsim_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// A flow reaches the open chats in turn, and each event says when it was due.
func TestAFlowReachesAllChatsInTurn(t *testing.T) {
	w := start(t, bpsim.Options{})
	chats := []string{w.client("one").chat(), w.client("two").chat()}
	over := w.client("three")
	over.control("POST", "chats/"+over.chat()+"/end", "").expect(t, 200, "")
	before := time.Now()
	if told := w.client("one").control("POST", "flow", `{"perSecond":1000,"for":"10ms"}`).object(t)["pushed"]; told.(interface{ String() string }).String() != "10" {
		t.Errorf("pushed %v", told)
	}
	var first int64
	for i, client := range []string{"one", "two"} {
		events := w.client(client).poll(chats[i]).events(t)
		if len(events) != 5 {
			t.Fatalf("chat %d has %d events", i, len(events))
		}
		for n, e := range events {
			nanos, err := strconv.ParseInt(e[bpsim.PushedAt].(string), 10, 64)
			if i == 0 && n == 0 {
				first = nanos
			}
			want := first + (time.Duration(2*n+i) * time.Millisecond).Nanoseconds()
			if err != nil || nanos != want || nanos < before.UnixNano() {
				t.Errorf("event %d of chat %d was due at %d, want %d; %v", n, i, nanos, want, err)
			}
		}
	}
}

// A flow that is too short for all chats is followed by the others' turn.
func TestAFlowGoesOnWhereTheLastOneEnded(t *testing.T) {
	w := start(t, bpsim.Options{})
	chats := []string{w.client("one").chat(), w.client("two").chat(), w.client("three").chat()}
	for range 2 {
		w.client("one").control("POST", "flow", `{"perSecond":1000,"for":"3ms"}`).expect(t, 200, "")
		w.client("one").control("POST", "flow", `{"perSecond":1000,"for":"1ms"}`).expect(t, 200, "")
	}
	for i, want := range []int{3, 3, 2} {
		if got := len(w.record(chats[i]).Server); got != want {
			t.Errorf("chat %d has %d events, want %d", i, got, want)
		}
	}
}

func TestAFlowEndsWithItsCaller(t *testing.T) {
	w := start(t, bpsim.Options{})
	w.client("client").chat()
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if pushed, err := w.sim.Flow(ctx, bpsim.Flow{PerSecond: 1, For: time.Hour}); err != nil || pushed > 1 {
		t.Errorf("pushed %d, %v", pushed, err)
	}
}

// A poll counts anew when another client has come, and not while its client is gone.
func TestPollingTellsWhoIsPolledAnew(t *testing.T) {
	w := start(t, bpsim.Options{Hold: time.Hour})
	c := w.staying("client")
	chat := c.chat()
	w.client("unpolled").chat()
	held := c.pollAside(chat)
	w.untilHeld(chat)
	if got := w.sim.Polling(time.Time{}); got != (bpsim.Polling{Open: 2, Held: 1, Since: 1}) {
		t.Errorf("while it is polled: %+v", got)
	}
	left := time.Now()
	held.cancel()
	w.until("the poll is left", func() bool { return w.sim.Polling(time.Time{}) == bpsim.Polling{Open: 2} })
	again := c.pollAside(chat)
	defer again.cancel()
	w.untilHeld(chat)
	if got := w.sim.Polling(left); got != (bpsim.Polling{Open: 2, Held: 1, Since: 1}) {
		t.Errorf("when it is polled again: %+v", got)
	}
	if got := w.sim.Polling(time.Now()); got.Since != 0 {
		t.Errorf("since now: %+v", got)
	}
}
