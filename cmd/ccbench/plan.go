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
	return max(slices.Max(p.chats.counts), p.recovery.chats, 2*p.growth.chats)
}

type commandsPlan struct {
	callers []int
	span    time.Duration // of one load on one lane
}

var wholePlan = plan{
	form:     "whole",
	rounds:   3,
	commands: commandsPlan{callers: []int{1, 16, 128, 256}, span: 2 * time.Second},
	chats:    chatsPlan{counts: []int{1000, 5000, 10_000}, perSecond: 1000, span: 5 * time.Second, idle: hold},
	recovery: recoveryPlan{chats: 5000, failover: 10 * time.Second},
	growth:   growthPlan{chats: 2500, callers: 16, span: 2 * time.Second, perSecond: 1000, flow: 3 * time.Second, stored: 1_000_000},
}

var quickPlan = plan{
	form:     "quick",
	rounds:   3,
	commands: commandsPlan{callers: []int{1, 16, 128, 256}, span: 400 * time.Millisecond},
	chats:    chatsPlan{counts: []int{250, 1000}, perSecond: 1000, span: 2 * time.Second, idle: hold},
	recovery: recoveryPlan{chats: 500, failover: 2 * time.Second},
	growth:   growthPlan{chats: 250, callers: 16, span: 500 * time.Millisecond, perSecond: 500, flow: time.Second},
}

// section is a part of what is measured. It has a stand of its own.
type section struct {
	name string
	cost func(p plan, contenders int) time.Duration // about
	run  func(*bench) error
}

func sections() []section {
	return []section{
		{"commands", commandsCost, (*bench).commands},
		{"chats", chatsCost, (*bench).chats},
		{"recovery", recoveryCost, (*bench).recovery},
		{"growth", growthCost, (*bench).growth},
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}
