package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	heldChats = 200

	// What a chat may take whose poll is held.
	mostGoroutines = 3.1      // its own, and two that net/http has for a connection
	mostStack      = 17 << 10 // of them
	mostLive       = 17 << 10 // of the heap
)

// patient answers the first poll of each chat with an event, and holds the next.
type patient struct {
	chats, held atomic.Int64
	mu          sync.Mutex
	told        map[string]bool
}

func (p *patient) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/chats"):
		fmt.Fprintf(w, `{"chat_id":"00000000-0000-4000-8000-%012d","state":"queued","is_new_chat":true}`, p.chats.Add(1))
	case p.isFirst(r.URL.Path):
		_, _ = w.Write([]byte(`{"events":[{"event":"chat_session_message","party_id":"p","msg_id":"1","msg":"hello"}]}`))
	default:
		p.held.Add(1)
		<-r.Context().Done()
	}
}

func (p *patient) isFirst(path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	first := !p.told[path]
	p.told[path] = true
	return first
}

// A held poll takes little, whatever its chat has done before.
func TestHeldPollsTakeLittle(t *testing.T) {
	natsServer := startNATS(t, server.Options{JetStream: true, StoreDir: t.TempDir()})
	contact := &patient{told: map[string]bool{}}
	center := httptest.NewServer(contact)
	t.Cleanup(center.Close)
	p := start(t, map[string]string{
		"CC_NATS_URL": natsServer.ClientURL(), "CC_BASE_URL": center.URL, "CC_APP_ID": "app-1", "CC_SUBJECT_PREFIX": "acme.eu", "CC_HTTP_ADDR": "127.0.0.1:0",
		"CC_PPROF": "true", "CC_POLL_TIMEOUT": "1h", // so that each chat's second poll stays, however long the others take
		"GOGC": "10", // so that the next collection tells what is alive
	})
	p.waitReady(t, http.StatusOK)
	nc, err := nats.Connect(natsServer.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	hold := func(chats int64) map[string]float64 {
		for contact.chats.Load() < chats {
			if status := requestChat(t, nc, ""); status != "ok" {
				t.Fatalf("a chat is answered %q:\n%s", status, p.stderr)
			}
		}
		await(t, "every chat's second poll is held", func() bool { return contact.held.Load() == chats })
		p.collect(t)
		return p.metrics(t)
	}
	few := hold(heldChats / 10)
	many := hold(heldChats + heldChats/10)
	aChat := func(name string) float64 { return (many[name] - few[name]) / heldChats }
	stack := aChat("go_memstats_stack_inuse_bytes")
	live := (aChat("go_memstats_next_gc_bytes") - stack/10) / 1.1
	t.Logf("a held poll takes %.2f goroutines, %.1f KiB of stacks and %.1f KiB of the heap", aChat("go_goroutines"), stack/1024, live/1024)
	if aChat("go_goroutines") > mostGoroutines || stack > mostStack || live > mostLive {
		t.Errorf("that is more than %.1f goroutines, %d KiB and %d KiB", mostGoroutines, mostStack>>10, mostLive>>10)
	}
	p.kill(t)
}

// collect has the garbage collected.
func (p *process) collect(t *testing.T) {
	t.Helper()
	if status, _, err := get("http://" + loggedAddress(t, p.stderr) + profilesAt + "heap?gc=1"); status != http.StatusOK || err != nil {
		t.Fatal(status, err)
	}
}

var metricLine = regexp.MustCompile(`(?m)^(\w+) (\S+)$`)

// metrics are those that have no labels.
func (p *process) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	_, body, err := get("http://" + loggedAddress(t, p.stderr) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for _, found := range metricLine.FindAllStringSubmatch(body, -1) {
		all[found[1]], _ = strconv.ParseFloat(found[2], 64)
	}
	return all
}
