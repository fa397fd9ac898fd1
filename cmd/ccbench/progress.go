package main

import (
	"fmt"
	"io"
	"time"
)

// progress tells what is being done, and how long the rest will take.
type progress struct {
	out     io.Writer
	section string
	later   time.Duration // what the sections after this one are thought to take
	cost    time.Duration // and this one
	begun   time.Time
}

func newProgress(out io.Writer) *progress { return &progress{out: out} }

func (p *progress) add(cost time.Duration) { p.later += cost }

func (p *progress) begin(section string, cost time.Duration) {
	p.section, p.cost, p.begun = section, cost, time.Now()
	p.later -= cost
}

func (p *progress) say(format string, a ...any) {
	what := fmt.Sprintf(format, a...)
	if p.section == "" {
		fmt.Fprintf(p.out, "ccbench: %s\n", what)
		return
	}
	left := p.later + max(0, p.cost-time.Since(p.begun))
	fmt.Fprintf(p.out, "ccbench: %s: %s (about %v left)\n", p.section, what, left.Round(time.Second))
}
