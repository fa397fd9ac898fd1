package connector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

const (
	floodSize = 1000
	floodData = 16 << 10 // bytes of each command's data: were they all kept, it would show
	maxCalls  = 16
)

// sends counts the requests that send events into a chat as they arrive:
// the simulator's own count leaves out those whose client went away.
type sends struct {
	http.Handler
	made  atomic.Int64
	under atomic.Int64
	most  atomic.Int64
}

func (s *sends) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/events") {
		s.made.Add(1)
		now := s.under.Add(1)
		defer s.under.Add(-1)
		for most := s.most.Load(); now > most && !s.most.CompareAndSwap(most, now); most = s.most.Load() {
		}
	}
	s.Handler.ServeHTTP(w, r)
}

// through puts a handler between the connector and the simulator.
func (r *rig) through(handler http.Handler) {
	front := httptest.NewServer(handler)
	r.Cleanup(front.Close)
	r.config.BaseURL, r.client.BaseURL = front.URL, front.URL
}

// A contact center that hangs makes the connector refuse what is too much;
// neither goroutines nor memory pile up, and no place is lost for good.
func TestOverload(t *testing.T) {
	wire := &sends{}
	r := newRig(t, bpsim.Options{}, func(r *rig) {
		wire.Handler = r.sim
		r.through(wire)
		r.config.MaxCalls = maxCalls
		r.config.FailoverAfter = patience
		r.client.Timeout = 6 * time.Second // much longer than a command may wait for its start
	})
	replica := r.start()
	chat := r.openChat()

	before := takeStock()
	peak := watchGoroutines()
	r.hang()
	tally := r.floodAnswered(chat, wire, before)
	if called := tally["timeout unknown false"] + tally["timeout unknown true"]; called < maxCalls || int64(called) != wire.made.Load() {
		t.Errorf("%d commands timed out, %d calls were made; places: %d", called, wire.made.Load(), maxCalls)
	}
	r.sim.ClearFaults()
	r.awaitPlace(chat)

	r.hang()
	r.floodUnanswered(chat, wire, before)
	r.sim.ClearFaults()
	r.awaitPlace(chat)
	if most := wire.most.Load(); most != maxCalls {
		t.Errorf("at most %d calls were under way at once, want %d", most, maxCalls)
	}

	if grown := peak() - before.goroutines; grown > 12*maxCalls {
		t.Errorf("at times there were %d goroutines more than before", grown)
	}

	replica.stop() // returns when every command is done
	if results := len(r.stored("cc.chat.*.result.chat.form")); int64(results) != wire.made.Load() {
		t.Errorf("%d results of chat.form are published, %d calls were made", results, wire.made.Load())
	}
}

// awaitPlace returns when a command is run again.
func (r *rig) awaitPlace(chat string) {
	r.Helper()
	r.eventually("a command is run again", func() bool { return r.call("chat.form", form(chat)).Status == schema.StatusOK })
}

func form(chat string) map[string]any {
	return map[string]any{"chatId": chat, "formRequestId": "1", "formName": "survey", "data": map[string]string{"stars": "5"}}
}

func (r *rig) hang() {
	r.Helper()
	_, err := r.sim.Inject(bpsim.Fault{Kind: "hang", Method: bpsim.SendEvents})
	r.check(err)
}

// floodAnswered sends everything at once and counts the answers by what they say.
func (r *rig) floodAnswered(chat string, wire *sends, before stock) map[string]int {
	r.Helper()
	inbox := r.nc.NewInbox()
	answers, err := r.nc.SubscribeSync(inbox + ".*")
	r.check(err)
	r.flood(chat, func(i int) string { return fmt.Sprint(inbox, ".", i) })

	tally, answered := map[string]int{}, map[string]bool{}
	for len(answered) < floodSize {
		if len(answered) == floodSize-2*maxCalls {
			r.awaitHanging(wire)
			before.checkGrowth(r)
		}
		reply, err := answers.NextMsg(patience)
		r.check(err)
		if answered[reply.Subject] {
			r.Errorf("%s is answered twice", reply.Subject)
		}
		answered[reply.Subject] = true
		tally[r.verdict(reply)]++
	}
	for verdict := range tally {
		if verdict != "unavailable not_done true" && !strings.HasPrefix(verdict, "timeout unknown ") {
			r.Errorf("%d answers are %s", tally[verdict], verdict)
		}
	}
	return tally
}

// verdict is the error's code, outcome and whether it is retryable.
func (r *rig) verdict(reply *nats.Msg) string {
	r.Helper()
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	r.check(err)
	result, err := schema.DecodeResult(ce)
	r.check(err)
	if result.Error == nil {
		return "ok"
	}
	if header := reply.Header.Get("Nats-Service-Error-Code"); header != string(result.Error.Code) {
		r.Errorf("the header says %q, the data %q", header, result.Error.Code)
	}
	return fmt.Sprint(result.Error.Code, " ", result.Error.Outcome, " ", result.Error.Retryable)
}

// floodUnanswered does the same with commands that nobody waits for.
func (r *rig) floodUnanswered(chat string, wire *sends, before stock) {
	r.Helper()
	r.flood(chat, func(int) string { return "" })
	// An endpoint takes its requests in order: what was sent before this one
	// has been taken when it is answered.
	result := r.call("chat.form", form(chat))
	if result.Error == nil || result.Error.Code != schema.CodeUnavailable {
		r.Errorf("one more command is answered %+v", result)
	}
	r.awaitHanging(wire)
	before.checkGrowth(r)
}

func (r *rig) flood(chat string, reply func(i int) string) {
	r.Helper()
	data := fmt.Appendf(nil, `{"chatId":%q,"formRequestId":"1","formName":"survey","data":{"essay":%q}}`, chat, strings.Repeat("x", floodData))
	for i := range floodSize {
		r.check(r.nc.PublishMsg(&nats.Msg{Subject: "cc.chat.form", Reply: reply(i), Data: data}))
	}
	r.check(r.nc.Flush())
}

func (r *rig) awaitHanging(wire *sends) {
	r.Helper()
	r.eventually("every place is taken by a call", func() bool { return wire.under.Load() == maxCalls })
}

// watchGoroutines looks again and again how many there are; what it returns
// ends that and gives the most it has seen.
func watchGoroutines() (peak func() int) {
	ended, most := make(chan struct{}), make(chan int)
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		seen := 0
		for {
			select {
			case <-tick.C:
				seen = max(seen, runtime.NumGoroutine())
			case <-ended:
				most <- seen
				return
			}
		}
	}()
	return func() int { close(ended); return <-most }
}

// stock is what the whole process uses: connector, NATS, simulator and test.
type stock struct {
	goroutines int
	heap       uint64
}

func takeStock() stock {
	for range 3 { // pools let go of their buffers at the second collection only
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return stock{runtime.NumGoroutine(), m.HeapAlloc}
}

// checkGrowth allows for what each place needs: data is held in several forms.
func (before stock) checkGrowth(r *rig) {
	r.Helper()
	now := takeStock()
	if limit := before.heap + floodSize*floodData/2; now.heap > limit {
		r.Errorf("the heap has grown from %d to %d bytes, more than half of what was sent", before.heap, now.heap)
	}
}
