package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// program is what a process is started from.
type program struct {
	name      string // as errors call it
	path      string
	args      []string
	env       []string
	announces *regexp.Regexp // what it writes when it serves; the group is its address
}

// process is a part of the benchmark that runs by itself. One that ends
// unasked ends the benchmark, with the last lines that it wrote.
type process struct {
	name    string
	cmd     *exec.Cmd
	log     *tail
	unasked atomic.Bool
	ended   chan struct{}
}

const startTime = 20 * time.Second

// start returns when the process has told its address.
func start(ctx context.Context, fail context.CancelCauseFunc, from program) (*process, string, error) {
	p := &process{name: from.name, cmd: exec.Command(from.path, from.args...), log: newTail(from.announces), ended: make(chan struct{})}
	p.cmd.Env = append(environment(), from.env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = asPart()
	p.unasked.Store(true)
	if err := p.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("%s: %w", from.name, err)
	}
	go p.watch(fail)
	select {
	case address := <-p.log.found:
		return p, address, nil
	case <-p.ended:
	case <-time.After(startTime):
		defer p.kill()
		return nil, "", fmt.Errorf("%s does not serve within %v%s", p.name, startTime, p.log)
	case <-ctx.Done():
		p.kill()
	}
	return nil, "", context.Cause(ctx)
}

func (p *process) watch(fail context.CancelCauseFunc) {
	defer close(p.ended)
	err := p.cmd.Wait()
	if p.unasked.Load() {
		fail(fmt.Errorf("%s ended by itself: %s%s", p.name, orEnded(err), p.log))
	}
}

func orEnded(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// signal sends what makes the process end.
func (p *process) signal(s syscall.Signal) {
	p.unasked.Store(false)
	_ = p.cmd.Process.Signal(s) // it may have ended
}

func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

func (p *process) pid() int { return p.cmd.Process.Pid }

// environment leaves out the settings of other connectors.
func environment() []string {
	var kept []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "CC_") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// tail is the end of what a process writes, and finds one thing in it.
type tail struct {
	find  *regexp.Regexp
	found chan string // holds one

	mu     sync.Mutex
	last   []string
	rest   []byte // of a line that has not ended
	isDone bool   // it was found
}

const (
	tailLines = 12
	lineMost  = 4 << 10
)

func newTail(find *regexp.Regexp) *tail { return &tail{find: find, found: make(chan string, 1)} }

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = append(t.rest, b...)
	for {
		line, rest, isWhole := bytes.Cut(t.rest, []byte("\n"))
		if !isWhole {
			return len(b), nil
		}
		t.note(string(line[:min(len(line), lineMost)]))
		t.rest = bytes.Clone(rest)
	}
}

func (t *tail) note(line string) {
	t.last = append(t.last, line)
	t.last = t.last[max(0, len(t.last)-tailLines):]
	if match := t.find.FindStringSubmatch(line); match != nil && !t.isDone {
		t.isDone = true
		t.found <- match[1]
	}
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.last) == 0 {
		return "; it wrote nothing"
	}
	return "; it wrote last:\n  " + strings.Join(t.last, "\n  ")
}
