//go:build docker

package deploytest

import (
	"bufio"
	"context"
	"os/exec"
	"strings"
	"testing"
)

// demo is a conversation that is being played.
type demo struct {
	cmd   *exec.Cmd
	lines *bufio.Scanner
	shown strings.Builder
}

func (c clone) startDemo(t *testing.T) *demo {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	d := &demo{cmd: c.command(ctx, "compose", "run", "--rm", "--no-TTY", "demo")}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = d.cmd.Stdout
	d.lines = bufio.NewScanner(out)
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return d
}

func (c clone) startDemos(t *testing.T, n int) []*demo {
	t.Helper()
	demos := make([]*demo, n)
	for i := range demos {
		demos[i] = c.startDemo(t)
	}
	return demos
}

// until waits for a line with the text.
func (d *demo) until(t *testing.T, text string) {
	t.Helper()
	for d.lines.Scan() {
		d.shown.WriteString(d.lines.Text() + "\n")
		if strings.Contains(d.lines.Text(), text) {
			return
		}
	}
	t.Fatalf("the demonstration ended before %q:\n%s", text, &d.shown)
}

// end waits for the end of a conversation, which must be whole, and returns what was shown.
func (d *demo) end(t *testing.T) string {
	t.Helper()
	for d.lines.Scan() {
		d.shown.WriteString(d.lines.Text() + "\n")
	}
	if err := d.cmd.Wait(); err != nil {
		t.Fatalf("the demonstration: %v\n%s", err, &d.shown)
	}
	return d.shown.String()
}
