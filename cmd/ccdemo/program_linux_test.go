package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// program is the demonstration as a process of its own, which can be killed.
type program struct {
	*testing.T
	ctx   context.Context
	cmd   *exec.Cmd
	out   *screen
	ended chan struct{}
}

func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, _ := deadline(t)
	p := &program{T: t, ctx: ctx, out: &screen{}, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, os.Args[0], append([]string{wholeProgram, "--pace", "0", "--nats", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = p.cmd.Wait(); close(p.ended) }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); <-p.ended })
	return p
}

// shown waits for a text on its screen.
func (p *program) shown(text string) {
	p.Helper()
	there := make(chan struct{})
	p.out.when(text, func() { close(there) })
	_, _ = p.out.Write(nil) // it may stand there already
	select {
	case <-there:
	case <-p.ended:
		p.Fatalf("it ended without %q:\n%s", text, p.out)
	}
}

func (p *program) signal(s os.Signal) {
	p.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.Fatal(err)
	}
}

// connector is the process that it has started.
func (p *program) connector() int {
	p.Helper()
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if _, parent := processState(pid); parent == p.cmd.Process.Pid {
			return pid
		}
	}
	p.Fatal("the connector does not run")
	return 0
}

// processState is a process's state and parent; none: it is gone.
func processState(pid int) (state string, parent int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, _ = fmt.Sscan(string(text[bytes.LastIndexByte(text, ')')+1:]), &state, &parent)
	return state, parent
}

func (p *program) awaitGone(pid int) {
	p.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if state, _ := processState(pid); state == "" || state == "Z" {
			return
		}
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			p.Fatal("the connector outlives the demonstration")
		}
	}
}

// A folder belongs to one at a time. Who is killed, or has Ctrl-C pressed twice, leaves
// no connector and no lock, and what it had for itself goes with the next one.
func TestKilledLeavesNothing(t *testing.T) {
	inOwnTemp(t)
	dir := filepath.Join(t.TempDir(), "streams")
	first, other := startProgram(t, "--store", dir), startProgram(t)
	first.shown("Ctrl-C ends it")
	var out, errs bytes.Buffer
	code := run(first.ctx, []string{"--nats", "127.0.0.1:0", "--http", "127.0.0.1:0", "--store", dir}, &out, &errs)
	if code != exitFailed || !strings.Contains(errs.String(), "-store: another ccdemo runs on the folder "+dir) {
		t.Errorf("a second one on the folder: exit code %d, %s%s", code, &out, &errs)
	}
	other.shown("Ctrl-C ends it")
	kills := map[*program]func(child int){
		first: func(child int) {
			_ = syscall.Kill(child, syscall.SIGSTOP)
			first.signal(os.Interrupt)
			first.shown("ending …")
			first.signal(os.Interrupt)
			<-first.ended
			_ = syscall.Kill(child, syscall.SIGCONT)
		},
		other: func(int) { other.signal(syscall.SIGKILL); <-other.ended },
	}
	for p, kill := range kills {
		child := p.connector()
		kill(child)
		if code := p.cmd.ProcessState.ExitCode(); code != -1 {
			t.Errorf("it was to end at once, and left with %d", code)
		}
		p.awaitGone(child)
	}
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	if len(left) != 1 {
		t.Fatalf("left behind: %v", left)
	}
	long := time.Now().Add(-2 * justMade)
	if err := os.Chtimes(filepath.Join(left[0], lockOfGoing), long, long); err != nil {
		t.Error(err)
	}
	openBench(t, "--store", dir)
	if _, err := os.Stat(left[0]); err == nil {
		t.Error("what customers wrote is still in " + left[0])
	}
}

// Ctrl-C ends all, whatever goes wrong.
func TestInterruptedInTheWorstOfWeathers(t *testing.T) {
	inOwnTemp(t)
	p := startProgram(t)
	p.shown("Ctrl-C ends it")
	page := regexp.MustCompile(`http://\S+/console/`).FindString(p.out.String())
	nc, err := nats.Connect(regexp.MustCompile(`nats://\S+`).FindString(p.out.String()))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	b := &bench{T: t, ctx: p.ctx, page: page}
	b.weather("connector-kill", true)
	asked, err := nc.SubscribeSync("$JS.API.CONSUMER.CREATE.CC_EVENTS.>")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nc.RequestWithContext(p.ctx, "$JS.API.STREAM.DELETE.CC_EVENTS", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := asked.NextMsgWithContext(p.ctx); err != nil { // who reads for the screen has lost its consumer
		t.Fatal(err)
	}
	p.signal(os.Interrupt)
	p.shown("ending …")
	select {
	case <-p.ended:
	case <-p.ctx.Done():
		t.Fatal("it does not end")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.out)
	}
}
