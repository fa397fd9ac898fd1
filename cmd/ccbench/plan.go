package main

import (
	"slices"
	"time"
)

// plan is how much is measured.
type plan struct {
	form     string
	rounds   int // of everything
	commands commandsPlan
	chats    chatsPlan
	recovery recoveryPlan
	growth   growthPlan
}

// mostChats that are open at once on one contact center.
func (p plan) mostChats() int {
	return max(slices.Max(p.chats.counts), slices.Max(p.recovery.counts), 2*p.growth.chats)
}

type commandsPlan struct {
	callers []int
	span    time.Duration // of one load on one lane
}

type chatsPlan struct {
	counts    []int
	perSecond float64 // events
	span      time.Duration
	idle      time.Duration // as long as a poll is held: each chat is polled once
}

type recoveryPlan struct {
	counts   []int         // of chats
	failover time.Duration // CC_FAILOVER_AFTER
}

type growthPlan struct {
	chats     int // twice as many in the other stand
	callers   int
	span      time.Duration // of commands
	perSecond float64       // events; twice as many in the other turn
	flow      time.Duration // of events
	idle      time.Duration // 0: that is not measured, as counts of chats are compared elsewhere
	stored    int           // events of the past; 0: that is not measured
}

var wholePlan = plan{
	form:     "whole",
	rounds:   3,
	commands: commandsPlan{callers: []int{1, 16, 128, 256}, span: 2 * time.Second},
	chats:    chatsPlan{counts: []int{1000, 5000, 10_000}, perSecond: 1000, span: 5 * time.Second, idle: hold},
	recovery: recoveryPlan{counts: []int{2500, 5000}, failover: 10 * time.Second},
	growth:   growthPlan{chats: 2500, callers: 16, span: 2 * time.Second, perSecond: 1000, flow: 3 * time.Second, idle: hold, stored: 1_000_000},
}

var quickPlan = plan{
	form:     "quick",
	rounds:   3,
	commands: commandsPlan{callers: []int{1, 16, 128, 256}, span: 350 * time.Millisecond},
	chats:    chatsPlan{counts: []int{500, 1000}, perSecond: 1000, span: 1200 * time.Millisecond, idle: hold},
	recovery: recoveryPlan{counts: []int{500}, failover: 2 * time.Second},
	growth:   growthPlan{chats: 250, callers: 16, span: 400 * time.Millisecond, perSecond: 500, flow: time.Second},
}

// sectionNames are the parts of what is measured. Each has a stand of its own.
var sectionNames = []string{"commands", "chats", "recovery", "growth"}
