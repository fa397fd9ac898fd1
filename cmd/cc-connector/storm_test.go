package main

import (
	"testing"
	"time"
)

// One connector is killed, stopped and started again, and so is NATS, and
// answers are lost, while the chats go on: nothing is lost and nothing doubled.
func TestStormOverOneReplica(t *testing.T) {
	w := newWorld(t, worldOptions{})
	w.traffic.begin(load{chats: 24, agents: 4 * time.Millisecond, text: 20, customers: 3, durable: 2, lifetime: 20 * time.Second})
	killed := func(w *world) { w.killReplica(0); w.startReplica(0) }
	ended := func(w *world) { w.endReplica(0); w.startReplica(0) }
	w.storm(8, killed, ended, restartNATS, breakAnswers)
	w.check()
}

// Three connectors share the chats, while they die, freeze, leave and join.
func TestStormOverThreeReplicas(t *testing.T) {
	w := newWorld(t, worldOptions{replicas: 3})
	w.traffic.begin(load{chats: 45, agents: 4 * time.Millisecond, text: 20, customers: 5, durable: 3, lifetime: 20 * time.Second})
	w.storm(14, killOne, endOne, startOne, startOne, freezeBriefly, freezeLong, breakAnswers)
	w.check()
}
