package main

import "time"

// plan is how much is measured.
type plan struct {
	rounds   int // of everything
	commands commandsPlan
}

type commandsPlan struct {
	callers []int
	span    time.Duration // of one load on one lane
}

var fullPlan = plan{rounds: 3, commands: commandsPlan{[]int{1, 16, 128, 256}, 3 * time.Second}}

var quickPlan = plan{rounds: 3, commands: commandsPlan{[]int{1, 16, 128, 256}, 500 * time.Millisecond}}

// section is a part of what is measured. It has a stand of its own.
type section struct {
	name string
	cost func(p plan, contenders int) time.Duration // about
	run  func(*bench) error
}

func sections() []section {
	return []section{
		{"commands", commandsCost, (*bench).commands},
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}
