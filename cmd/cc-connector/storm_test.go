package main

import (
	"testing"
	"time"
)

// One connector is killed, stopped and started again, and so is NATS; the
// chats go on. Nothing is lost, nothing doubled.
func TestStorm(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.traffic.begin(load{chats: 24, agents: 4 * time.Millisecond, text: 20, customers: 3, durable: 2, lifetime: 20 * time.Second})
	for range 2 {
		w.moreEvents(300)
		w.killReplica(0)
		w.startReplica(0)
		w.moreEvents(300)
		w.restartServer(w.bus.servers[0], func() {})
	}
	w.moreEvents(300)
	w.endReplica(0)
	w.startReplica(0)
	w.moreEvents(300)
	w.check()
}
