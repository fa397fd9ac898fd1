package main

import (
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// Answers to sends carry events, too, and the replica that gets them is seldom the one that polls the chat.
func TestAnswersCarryEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, worldOptions{replicas: 3, sim: bpsim.Options{AnswerSends: true}})
	w.traffic.begin(load{chats: 30, agents: 4 * time.Millisecond, text: 20, customers: 10, durable: 3, lifetime: 20 * time.Second})
	w.storm(10, killOne, startOne, endOne, startOne, freezeBriefly, breakAnswers)
	w.check()
}
