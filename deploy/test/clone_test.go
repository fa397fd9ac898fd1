//go:build docker

// Package deploytest brings the system of docker-compose.yml up and plays on
// it: with Docker at hand by "go test -tags docker ./deploy/test", elsewhere by
// run.sh.
package deploytest

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	patience = 5 * time.Minute // only what hangs ever takes as long
	version  = "1.2.3"
)

// clone is the repository as somebody has just got it, and the system that runs from there.
type clone struct {
	dir, project string
}

// freshClone copies what git knows, or would add.
func freshClone(t *testing.T) clone {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := clone{t.TempDir(), "deploytest"}
	list := exec.Command("git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	names, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	for name := range strings.SplitSeq(strings.Trim(string(names), "\x00"), "\x00") {
		copyFile(t, filepath.Join(root, name), filepath.Join(c.dir, name))
	}
	if err := os.Chmod(c.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.down)
	build.Do(func() { c.compose(t, "--profile", "demo", "build") })
	return c
}

var build sync.Once // the images, for all tests

// down may fail: where the settings are spoilt, nothing has come up.
func (c clone) down() {
	_, _ = c.docker("compose", "--profile", "*", "down", "--volumes", "--timeout", "5")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if os.IsNotExist(err) { // deleted, and git has not been told
		return
	}
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755)
	}
	if err == nil {
		err = os.WriteFile(to, content, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (c clone) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// command is a docker command in the clone.
func (c clone) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+c.project, "VERSION="+version, "COMPOSE_PARALLEL_LIMIT=1", "COMPOSE_PROGRESS=plain")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// docker runs a command to its end; what it printed is both of its outputs.
func (c clone) docker(args ...string) (printed string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := c.command(ctx, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

// compose fails the test if the command fails.
func (c clone) compose(t *testing.T, args ...string) string {
	t.Helper()
	return c.must(t, append([]string{"compose"}, args...)...)
}

func (c clone) must(t *testing.T, args ...string) string {
	t.Helper()
	started := time.Now()
	printed, err := c.docker(args...)
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, printed)
	}
	t.Logf("docker %s: %v", strings.Join(args, " "), time.Since(started).Round(100*time.Millisecond))
	return strings.TrimSpace(printed)
}

// logsOnFailure shows what the services said, if the test has failed.
func (c clone) logsOnFailure(t *testing.T) {
	t.Cleanup(func() {
		if t.Failed() {
			printed, _ := c.docker("compose", "--profile", "*", "logs", "--tail", "15")
			states, _ := c.docker("compose", "--profile", "*", "ps", "--all")
			t.Logf("%s\n%s", states, printed)
		}
	})
}
