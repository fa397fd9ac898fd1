package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

var earlierFlag = flag.String("storm.earlier", "", "program of an earlier version, which half of a storm's connectors are: a rolling upgrade, and back")

var seedFlag = flag.Uint64("storm.seed", 0, "repeat the choices of a storm; 0: new ones")

// world is everything around the connectors, with the connectors: all of it
// real processes, but for the contact center, which lives here behind real HTTP.
type world struct {
	*testing.T
	sim      *bpsim.Server
	witness  *witness
	bus      *bus
	nc       *nats.Conn
	js       jetstream.JetStream
	env      map[string]string
	replicas []*replica
	recorder *recorder
	dice     *rand.Rand // of the test's own goroutine
	later    bool       // the program under test has been started

	traffic *traffic
	mu      sync.Mutex
	chats   []*talk
	clients []string // who the customers are
	sent    []*sentCommand
	chaos   map[string]int
}

// replica is one connector, which may be started again in its place.
type replica struct {
	*process
	logs []*output // of all its lives
	up   bool
}

type worldOptions struct {
	sim      bpsim.Options
	servers  int // of NATS; 1
	replicas int // connectors; 1
	env      map[string]string
}

func newWorld(t *testing.T, o worldOptions) *world {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	o.sim.Hold, o.sim.InactivityTimeout = time.Second, -1
	// The socket of a killed process stays open for a while, and takes events with it.
	o.sim.StalePoll = 200 * time.Millisecond
	w := &world{T: t, sim: bpsim.New(o.sim), dice: rand.New(rand.NewPCG(seed, 1)), chaos: make(map[string]int)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d (-storm.seed); logs in %s", seed, w.keepLogs())
		}
	})
	w.witness = newWitness(w.sim)
	web := httptest.NewServer(w.witness)
	t.Cleanup(func() { w.sim.Close(); web.Close() })
	w.bus = startBus(t, max(1, o.servers))
	w.nc, w.js = w.bus.connect(t)
	w.env = map[string]string{
		"CC_NATS_URL": w.bus.urls(), "CC_BASE_URL": web.URL, "CC_TENANT_URL": "acme.example", "CC_APP_ID": "app",
		"CC_HTTP_ADDR": "127.0.0.1:0", "CC_FAILOVER_AFTER": "2s", "CC_HTTP_TIMEOUT": "10s", "CC_LOG_LEVEL": "debug",
	}
	maps.Copy(w.env, signInEnv(t, subjects.DefaultPrefix))
	maps.Copy(w.env, o.env)
	w.recorder = record(t, w.js)
	for i := range max(1, o.replicas) {
		w.replicas = append(w.replicas, &replica{})
		w.startReplica(i)
	}
	w.traffic = newTraffic(w, seed)
	return w
}

func (w *world) startReplica(i int) {
	w.Helper()
	r := w.replicas[i]
	program, env := w.program()
	r.process = startProgram(w.T, program, env)
	r.logs, r.up = append(r.logs, r.stderr), true
	r.waitReady(w.T, http.StatusOK)
}

// program is the one under test, or an earlier version of it. An earlier one
// must take the streams as a later one has made them: it cannot take back what
// that has allowed.
func (w *world) program() (path string, env map[string]string) {
	if *earlierFlag == "" || w.dice.IntN(2) == 0 {
		w.later = true
		return binary, w.env
	}
	w.chaos["start of the earlier version"]++
	env = maps.Clone(w.env)
	env["CC_PROVISION"] = strconv.FormatBool(!w.later)
	return *earlierFlag, env
}

func (w *world) killReplica(i int) {
	w.Helper()
	w.chaos["kill -9"]++
	w.witness.sends("kill -9")
	w.replicas[i].kill(w.T)
	w.replicas[i].up = false
}

// endReplica stops it in an orderly way.
func (w *world) endReplica(i int) {
	w.Helper()
	w.chaos["SIGTERM"]++
	w.witness.sends("SIGTERM")
	w.replicas[i].signal(w.T, syscall.SIGTERM)
	w.replicas[i].checkExit(w.T, 0)
	w.replicas[i].up = false
}

// freezeReplica stops it without a word, and lets it go on when thawed.
func (w *world) freezeReplica(i int, meanwhile func()) {
	w.Helper()
	w.chaos["SIGSTOP"]++
	began := time.Now()
	w.witness.sends("SIGSTOP")
	w.replicas[i].signal(w.T, syscall.SIGSTOP)
	meanwhile()
	w.replicas[i].signal(w.T, syscall.SIGCONT)
	w.witness.outage(began)
}

// restartServer kills a nats-server and starts it again.
func (w *world) restartServer(s *busServer, meanwhile func()) {
	w.Helper()
	w.chaos["NATS kill -9"]++
	began := time.Now()
	s.kill(w.T)
	meanwhile()
	s.start(w.T)
	await(w.T, "JetStream answers again", func() bool { return isThere(w.js) })
	w.witness.outage(began)
}

// isUp fails the test if a replica has ended that nobody has told to.
func (w *world) checkUp() {
	w.Helper()
	for i, r := range w.replicas {
		select {
		case <-r.ended:
			if r.up {
				w.Fatalf("replica %d has ended by itself:\n%s", i, lastLines(r.stderr.String(), 20))
			}
		default:
		}
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// moreEvents waits until the stream has so many messages more, wherever they come from.
func (w *world) moreEvents(n int) {
	w.Helper()
	w.more(n, func(storedMessage) bool { return true })
}

// morePolled waits until polls have given so many events more: things go their usual way again.
func (w *world) morePolled(n int) {
	w.Helper()
	w.more(n, func(m storedMessage) bool { return m.origin == schema.OriginPoll })
}

func (w *world) more(n int, counts func(storedMessage) bool) {
	w.Helper()
	deadline := time.After(3 * patience)
	stored, more := w.recorder.all()
	for next := len(stored); n > 0; {
		select {
		case <-more:
		case <-deadline:
			w.checkUp()
			w.Fatalf("%d messages are still waited for", n)
		}
		for stored, more = w.recorder.all(); next < len(stored); next++ {
			if counts(stored[next]) {
				n--
			}
		}
	}
}

// keepLogs writes what every process has logged to where it can be read after the test.
func (w *world) keepLogs() (dir string) {
	dir, err := os.MkdirTemp("", "cc-storm-")
	if err != nil {
		return err.Error()
	}
	write := func(name, text string) { _ = os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) }
	write("ledger.txt", w.ledgerText())
	for i, r := range w.replicas {
		for life, log := range r.logs {
			write(logName("replica", i, life), log.String())
		}
	}
	for i, s := range w.bus.servers {
		write(logName("nats", i, 0), s.stderr.String())
	}
	return dir
}

// ledgerText puts side by side what the contact center made of each chat and what was told of it.
func (w *world) ledgerText() string {
	var s strings.Builder
	stored, _ := w.recorder.all()
	for _, chat := range w.sim.Chats() {
		record, err := w.sim.Record(chat.ID)
		if err != nil {
			continue
		}
		fmt.Fprintf(&s, "chat %s\n", chat.ID)
		for i, e := range record.Server {
			fmt.Fprintf(&s, "  made %d at %s, %s at %s: %s\n", i, clock(e.Made), e.Fate, clock(e.Given), e.Event)
		}
		for _, m := range stored {
			if m.chat == chat.ID {
				fmt.Fprintf(&s, "  told %s\n", m)
			}
		}
	}
	return s.String()
}

func (m storedMessage) String() string {
	switch {
	case m.event != nil:
		return fmt.Sprintf("%d %s from %s: %s", m.sequence, clock(m.at), m.origin, m.event.Raw)
	case m.session != nil:
		data, _ := json.Marshal(m.session)
		return fmt.Sprintf("%d %s %s: %s", m.sequence, clock(m.at), m.session.SessionName(), data)
	}
	return fmt.Sprintf("result %s of %s: %s", m.result.Command, m.cause, gist(*m.result))
}

func logName(what string, i, life int) string {
	return what + "-" + string(rune('a'+i)) + "-" + string([]byte{byte('0' + life/10%10), byte('0' + life%10)}) + ".log"
}

// ledger is what the witnesses say now.
func (w *world) ledger() *ledger {
	stored, _ := w.recorder.all()
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &ledger{center: make(map[string]bpsim.Record), stored: stored, troubles: w.witness.allTroubles(), storm: true}
	for _, chat := range w.sim.Chats() {
		record, err := w.sim.Record(chat.ID)
		if err != nil {
			w.Fatal(err)
		}
		l.center[chat.ID] = record
	}
	l.sent = append(l.sent, w.sent...)
	w.recorder.mu.Lock()
	defer w.recorder.mu.Unlock()
	l.missed = append(l.missed, w.recorder.missed...)
	return l
}

// settle heals everything, ends the traffic, and waits until the world has
// come to rest. First everything that was given away must have arrived, while
// the chats go on; only then do they end.
func (w *world) settle() {
	w.Helper()
	w.sim.ClearFaults()
	w.traffic.end()
	for i, r := range w.replicas {
		if !r.up {
			w.startReplica(i)
		}
	}
	for range 2 { // what is found missing after one poll is there before the next but one
		for _, chat := range w.openChats() {
			chat.push(map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": chat.nextID(), "msg": agentText + "to the end"})
		}
		w.awaitAccount("everything is told", eventLost, eventInvented)
	}
	w.awaitAccount("every command has its result", resultMissing)
	for _, chat := range w.sim.Chats() { // also one that was opened for nobody who still waits
		if err := w.sim.End(chat.ID); err != nil && !errors.Is(err, bpsim.ErrOver) {
			w.Error(err)
		}
	}
	await(w.T, "every chat is closed", func() bool {
		w.checkUp()
		return !slices.ContainsFunc(w.sim.Chats(), func(c bpsim.ChatInfo) bool { return w.isPolled(c.ID) })
	})
	w.awaitAccount("everything is told to the end", eventLost)
}

// awaitAccount waits until there are no differences of these kinds. When they
// do not go away the account will tell of them.
func (w *world) awaitAccount(what string, kinds ...difference) {
	w.Helper()
	tick, deadline := time.NewTicker(250*time.Millisecond), time.After(2*patience)
	defer tick.Stop()
	for {
		a := audit(w.ledger())
		left := 0
		for _, kind := range kinds {
			left += len(a.wrong[kind])
		}
		if left == 0 && !w.anyPending() {
			return
		}
		select {
		case <-tick.C:
			w.checkUp()
		case <-deadline:
			w.Errorf("it does not come about that %s: %v", what, a)
			return
		}
	}
}

// anyPending: the contact center has events that it could not give away yet.
func (w *world) anyPending() bool {
	for _, chat := range w.sim.Chats() {
		if chat.Pending > 0 && !chat.Gone && w.isPolled(chat.ID) {
			return true
		}
	}
	return false
}

// isPolled tells whether the connector knows the chat and has not closed it.
func (w *world) isPolled(chat string) bool {
	known, closed := false, false
	for _, m := range w.recorder.of(chat) {
		known = known || m.result == nil
		if m.session != nil {
			_, closed = m.session.(*schema.SessionClosed)
		}
	}
	return known && !closed
}

// check is the end of a storm: the account must be clean.
func (w *world) check() *account {
	w.Helper()
	w.settle()
	a := audit(w.ledger())
	w.Logf("%v; chaos %v, calls %v", a, w.chaos, w.sim.Calls())
	if len(a.wrong) > 0 {
		w.Errorf("the account does not balance: %v", a)
	}
	if len(a.wrong[resultMissing]) > 0 {
		w.tellWaitingCommands()
	}
	var logs []string
	for _, r := range w.replicas {
		for _, log := range r.logs {
			checkPermitted(w.T, log.String())
			logs = append(logs, log.String())
		}
	}
	w.checkDiscreet(logs)
	return a
}
