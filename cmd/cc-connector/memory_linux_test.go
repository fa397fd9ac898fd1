package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	largeAnswers    = 20
	largeAnswer     = 15 << 20
	memoryMost      = 500 << 20
	largeEventParts = `{"events":[{"event":"vendor_novelty","novelty":"`
)

// crowd answers the first poll of each chat when all of them have come, each
// with as much as an answer may have.
type crowd struct {
	chats, polls atomic.Int64
	all          chan struct{}
	mu           sync.Mutex
	answered     map[string]bool
	body         []byte
}

func newCrowd() *crowd {
	body := append([]byte(largeEventParts), bytes.Repeat([]byte("x"), largeAnswer-len(largeEventParts)-4)...)
	return &crowd{all: make(chan struct{}), answered: map[string]bool{}, body: append(body, `"}]}`...)}
}

func (c *crowd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/chats"):
		fmt.Fprintf(w, `{"chat_id":"c%d","state":"queued","is_new_chat":true}`, c.chats.Add(1))
	case strings.HasSuffix(r.URL.Path, "/events"):
		c.poll(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (c *crowd) poll(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	again := c.answered[r.URL.Path]
	c.answered[r.URL.Path] = true
	c.mu.Unlock()
	if again {
		<-r.Context().Done()
		return
	}
	if c.polls.Add(1) == largeAnswers {
		close(c.all)
	}
	select {
	case <-c.all:
		_, _ = w.Write(c.body)
	case <-r.Context().Done():
	}
}

// However large the answers are that come at once, they share one budget.
func TestMemoryOfLargeAnswers(t *testing.T) {
	natsServer := startNATS(t, server.Options{JetStream: true, StoreDir: t.TempDir()})
	crowd := newCrowd()
	contact := httptest.NewServer(crowd)
	t.Cleanup(contact.Close)
	p := start(t, map[string]string{
		"CC_NATS_URL": natsServer.ClientURL(), "CC_BASE_URL": contact.URL, "CC_APP_ID": "app-1", "CC_SUBJECT_PREFIX": "acme.eu", "CC_HTTP_ADDR": "127.0.0.1:0",
	})
	p.waitReady(t, http.StatusOK)
	nc, err := nats.Connect(natsServer.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	for range largeAnswers {
		if status := requestChat(t, nc, ""); status != "ok" {
			t.Fatalf("a chat is answered %q:\n%s", status, p.stderr)
		}
	}
	await(t, "every answer's event is stored", func() bool { return storedEvents(t, js) == largeAnswers })
	if peak := p.peakMemory(t); peak > memoryMost {
		t.Errorf("%d answers of %d MiB took %d MiB at most", largeAnswers, largeAnswer>>20, peak>>20)
	} else {
		t.Logf("at most %d MiB", peak>>20)
	}
	p.kill(t)
}

func storedEvents(t *testing.T, js jetstream.JetStream) (count uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), requestPatience)
	defer cancel()
	stream, err := js.Stream(ctx, "ACME_EU_EVENTS")
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter("acme.eu.chat.*.event.>"))
	if err != nil {
		return 0
	}
	for _, n := range info.State.Subjects {
		count += n
	}
	return count
}

// peakMemory is the most that the process has had, as the kernel counts it.
func (p *process) peakMemory(t *testing.T) (bytes int64) {
	t.Helper()
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.Process.Pid), "status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if kib, found := strings.CutPrefix(line, "VmHWM:"); found {
			n, err := strconv.ParseInt(strings.Fields(kib)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n << 10
		}
	}
	t.Fatal("the kernel does not say how much memory the process has had")
	return 0
}
