package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"cc-connector/connector/console"
)

// process is the connector as a process of its own.
type process struct {
	program string
	job     job

	change sync.Mutex // one starts or ends it at a time

	mu      sync.Mutex
	life    *life // nil: it does not run
	last    word
	since   time.Time // it does not run
	why     string
	changed chan struct{} // closed when any of this changes
}

// life is one run of the process.
type life struct {
	cmd   *exec.Cmd
	stdin io.Closer
	words strings.Builder // its last, on standard error
	ended chan struct{}
}

const leaveMost = 25 * time.Second // longer than the connector takes

func newProcess(j job) (*process, error) {
	program, err := os.Executable()
	return &process{program: program, job: j, since: time.Now(), why: "it was not started", changed: make(chan struct{})}, err
}

// start is for one that does not run.
func (p *process) start() error {
	p.change.Lock()
	defer p.change.Unlock()
	if p.running() != nil {
		return nil
	}
	l := &life{cmd: exec.Command(p.program, connectorArgument), ended: make(chan struct{})}
	l.cmd.Stderr = &l.words
	stdin, errIn := l.cmd.StdinPipe()
	stdout, errOut := l.cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut); err != nil {
		return err
	}
	l.stdin = stdin
	if err := l.cmd.Start(); err != nil {
		return fmt.Errorf("the connector's process: %w", err)
	}
	p.note(func() { p.life, p.last = l, word{} })
	go p.follow(l, stdout)
	return json.NewEncoder(stdin).Encode(p.job)
}

// follow hears the process until it ends.
func (p *process) follow(l *life, stdout io.Reader) {
	for read := json.NewDecoder(stdout); ; {
		var w word
		if read.Decode(&w) != nil {
			break
		}
		p.note(func() { p.last = w })
	}
	err := l.cmd.Wait()
	why := strings.TrimSpace(l.words.String())
	if why == "" && err != nil {
		why = err.Error()
	}
	p.note(func() { p.life, p.since, p.why = nil, time.Now(), "the connector does not run: "+why })
	close(l.ended)
}

func (p *process) note(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *process) running() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// kill leaves it no time for anything.
func (p *process) kill() {
	p.change.Lock()
	defer p.change.Unlock()
	if l := p.running(); l != nil {
		_ = l.cmd.Process.Kill()
		<-l.ended
		_ = l.stdin.Close()
	}
}

// stop has it leave in order.
func (p *process) stop() {
	p.change.Lock()
	defer p.change.Unlock()
	l := p.running()
	if l == nil {
		return
	}
	_ = l.stdin.Close()
	select {
	case <-l.ended:
	case <-time.After(leaveMost):
		_ = l.cmd.Process.Kill()
		<-l.ended
	}
}

func (p *process) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life != nil && p.last.Status.Ready
}

// status is what it said last, or that it says nothing.
func (p *process) status() console.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.last.Status
	switch {
	case p.life == nil:
		s.Ready = false
		s.Problems = []console.Problem{{Message: p.why, Since: p.since}}
		s.EventsPerSecond, s.OpenChats, s.Replicas = 0, 0, nil
	case p.last.Replica == "":
		s.Problems = []console.Problem{{Message: "the connector starts", Since: time.Now()}}
	}
	return s
}

// awaitReady fails if the process ends before.
func (p *process) awaitReady(ctx context.Context) error {
	for {
		p.mu.Lock()
		running, ready, why, changed := p.life != nil, p.last.Status.Ready, p.why, p.changed
		p.mu.Unlock()
		switch {
		case ready && running:
			return nil
		case !running:
			return errors.New(why)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("the connector is not ready: %w", ctx.Err())
		}
	}
}
