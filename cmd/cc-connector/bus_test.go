package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

// natsBinary builds the server that tests can kill, once, beside the command itself.
var natsBinary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(filepath.Dir(binary), "nats-server")
	out, err := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// bus is one nats-server, or a cluster of several, as processes that keep
// their ports and their stores when they are killed and started again.
type bus struct {
	servers []*busServer
}

type busServer struct {
	*process
	name, url string
	args      []string
}

func startBus(t *testing.T, size int) *bus {
	t.Helper()
	b := &bus{}
	var routes []string
	users := writeUsers(t, subjects.DefaultPrefix)
	for range size {
		routes = append(routes, "nats://"+keepableAddress(t))
	}
	for i := range size {
		address := keepableAddress(t)
		host, port, _ := strings.Cut(address, ":")
		s := &busServer{name: fmt.Sprint("n", i+1), url: "nats://" + address}
		s.args = []string{"-a", host, "-p", port, "-n", s.name, "-js", "-sd", t.TempDir(), "-c", users}
		if size > 1 {
			s.args = append(s.args, "--cluster_name", "storm", "--cluster", routes[i], "--routes", strings.Join(routes, ","))
		}
		b.servers = append(b.servers, s)
		s.start(t)
	}
	return b
}

// keepableAddress has a port that no outgoing connection is given while its server is down.
func keepableAddress(t *testing.T) string {
	t.Helper()
	for range 1000 {
		if l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 10_000+rand.N(20_000))); err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("there is no port to be had")
	return ""
}

func (s *busServer) start(t *testing.T) {
	t.Helper()
	path, err := natsBinary()
	if err != nil {
		t.Fatal(err)
	}
	s.process = &process{exec.Command(path, s.args...), newOutput(), make(chan struct{})}
	s.run(t, nil)
}

// kill is kill -9.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.ended
}

func (b *bus) urls() string {
	var all []string
	for _, s := range b.servers {
		all = append(all, s.url)
	}
	return strings.Join(all, ",")
}

func (b *bus) named(name string) *busServer {
	for _, s := range b.servers {
		if s.name == name {
			return s
		}
	}
	return nil
}

// connect waits for JetStream to answer.
func (b *bus) connect(t *testing.T) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect(b.urls(), nats.UserInfo(administrator, natsPassword), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "JetStream answers", func() bool { return isThere(js) })
	return nc, js
}

func isThere(js jetstream.JetStream) bool {
	ctx, cancel := context.WithTimeout(context.Background(), requestPatience)
	defer cancel()
	_, err := js.AccountInfo(ctx)
	return err == nil
}

// await looks again and again at what nothing announces.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick, deadline := time.NewTicker(20*time.Millisecond), time.After(3*patience)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("it did not come about that %s", what)
		}
	}
}
