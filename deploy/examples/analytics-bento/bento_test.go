package main

import (
	"bytes"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
)

const asBento = "RUN_AS_BENTO"

// The tests' program is the example's, too: so it can be killed.
func TestMain(m *testing.M) {
	if os.Getenv(asBento) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// bento is the example in a process of its own.
type bento struct {
	*system
	cmd   *exec.Cmd
	log   bytes.Buffer // to be read when it has ended
	ended func()       // waits
}

// startBento starts it as the README does.
func (s *system) startBento(database string) *bento {
	s.Helper()
	input, url := "jetstream.yaml", s.nats.ClientURL()
	if s.users {
		input, url = "delivered.yaml", "nats://"+s.reader+":"+password+"@"+s.nats.Addr().String()
	}
	b := &bento{system: s, cmd: exec.Command(os.Args[0], "-r", input, "-c", "analytics.yaml")}
	b.cmd.Env = append(os.Environ(), asBento+"=yes", "NATS_URL="+url, "READER="+s.reader, "DATABASE="+database, "HTTP=127.0.0.1:0")
	b.cmd.Stdout, b.cmd.Stderr = &b.log, &b.log
	s.check(b.cmd.Start())
	b.ended = sync.OnceFunc(func() { _ = b.cmd.Wait() })
	s.Cleanup(func() {
		b.end(syscall.SIGKILL)
		if s.Failed() {
			s.Logf("Bento said:\n%s", &b.log)
		}
	})
	return b
}

func (b *bento) end(by os.Signal) {
	_ = b.cmd.Process.Signal(by) // it may have ended
	b.ended()
}
