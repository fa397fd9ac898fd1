package main

import (
	"context"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// One connector is killed, stopped and started again, and so is NATS, and
// answers are lost, while the chats go on: nothing is lost and nothing doubled.
func TestStormOverOneReplica(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{})
	w.traffic.begin(load{chats: 24, agents: 4 * time.Millisecond, text: 20, customers: 3, durable: 2, lifetime: 20 * time.Second})
	killed := func(w *world) { w.killReplica(0); w.startReplica(0) }
	ended := func(w *world) { w.endReplica(0); w.startReplica(0) }
	w.storm(8, killed, ended, restartNATS, breakAnswers)
	w.check()
}

// Three connectors share the chats, while they die, freeze, leave and join.
func TestStormOverThreeReplicas(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{replicas: 3})
	w.traffic.begin(load{chats: 45, agents: 4 * time.Millisecond, text: 20, customers: 5, durable: 3, lifetime: 20 * time.Second})
	w.storm(14, killOne, endOne, startOne, startOne, freezeBriefly, freezeLong, breakAnswers)
	w.check()
}

// A session that has ended is forgotten by the contact center, history and
// all, while nobody polls it. What that loses is in a gap; nothing else is.
func TestHistoryGoneAfterEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{sim: bpsim.Options{KeepEnded: 300 * time.Millisecond}})
	w.traffic.begin(load{chats: 24, agents: 4 * time.Millisecond, text: 20, customers: 2, durable: 1, lifetime: 10 * time.Second})
	for range 2 {
		w.morePolled(200)
		w.killReplica(0)
		for i, chat := range w.openChats() {
			chat.push(map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": chat.nextID(), "msg": agentText + "to a dead poll"})
			if i%2 == 0 {
				chat.end()
			}
		}
		w.untilGone()
		w.startReplica(0)
		w.traffic.refill()
	}
	if a := w.check(); a.excused == 0 {
		t.Error("nothing was lost with a history: this has shown nothing")
	}
}

func (w *world) untilGone() {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	if err := w.sim.WaitFor(ctx, func() bool {
		for _, chat := range w.sim.Chats() {
			if !chat.Ended.IsZero() && !chat.Gone {
				return false
			}
		}
		return true
	}); err != nil {
		w.Fatal(err)
	}
}
