package brightpattern

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// What a contact center answers that means harm.

// repeated is an answer with a text many times between two others, packed.
func repeated(before, text string, times int, after string) http.HandlerFunc {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	out := bufio.NewWriter(zip)
	_, _ = out.WriteString(before)
	for range times {
		_, _ = out.WriteString(text)
	}
	_, _ = out.WriteString(after)
	_ = out.Flush()
	_ = zip.Close()
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}
}

// heapOf is how much the heap has grown at its largest while something is done.
func heapOf(do func()) (grown int64) {
	heap := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapInuse)
	}
	runtime.GC()
	before, done := heap(), make(chan struct{})
	go func() { defer close(done); do() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		grown = max(grown, heap()-before)
		select {
		case <-tick.C:
		case <-done:
			return grown
		}
	}
}

// callsOf are those with large answers.
func callsOf(client *Client) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"poll":          func(ctx context.Context) error { _, err := client.Poll(ctx, caller, theChat); return err },
		"send":          func(ctx context.Context) error { _, err := client.Send(ctx, caller, theChat, Typing{}); return err },
		"history":       func(ctx context.Context) error { _, err := client.History(ctx, caller, theChat); return err },
		"casehistory":   func(ctx context.Context) error { _, err := client.CaseHistory(ctx, caller, theChat); return err },
		"parameters":    func(ctx context.Context) error { _, err := client.Parameters(ctx, caller); return err },
		"iceservers":    func(ctx context.Context) error { _, err := client.ICEServers(ctx, caller); return err },
		"configuration": func(ctx context.Context) error { _, err := client.Configuration(ctx, caller); return err },
		"request":       func(ctx context.Context) error { _, err := client.RequestChat(ctx, caller, ChatRequest{}); return err },
		"availability":  func(ctx context.Context) error { _, err := client.Availability(ctx, caller); return err },
	}
}

// A few KB that unpack to millions of values become none of them.
func TestPackedAnswers(t *testing.T) {
	const elements = 2 << 20
	block := strings.Repeat("x", 1<<20)
	for what, packed := range map[string]struct {
		answer http.HandlerFunc
		calls  string
	}{
		"events":        {repeated(`{"events":[1`, ",1", elements, `]}`), "poll send history"},
		"objects":       {repeated(`{"events":[{}`, ",{}", elements, `]}`), "history"},
		"sessions":      {repeated(`{"sessions":[1`, ",1", elements, `]}`), "casehistory"},
		"of sessions":   {repeated(`{"sessions":[{"events":[1]}`, `,{"events":[1]}`, elements/4, `]}`), "casehistory"},
		"parameters":    {repeated(`{"parameters":[{}`, `,{}`, 1<<16, `]}`), "parameters"},
		"parameter":     {repeated(`{"parameters":[{"a":"b"`, `,"a":"b"`, 1<<14, `}]}`), "parameters"},
		"servers":       {repeated(`{"servers":[{}`, ",{}", 1<<16, `]}`), "iceservers"},
		"nesting":       {repeated(`{"events":`, "[", elements, ``), "poll"},
		"configuration": {repeated(``, "[", 100, `1`+strings.Repeat("]", 100)), "configuration"},
		"space":         {repeated(``, strings.Repeat(" ", 1<<20), 17, `{"events":[]}`), "poll casehistory parameters configuration request availability"},
		"a string":      {repeated(`{"events":["`, block, 17, `"]}`), "poll casehistory"},
	} {
		t.Run(what, func(t *testing.T) {
			client := serve(t, packed.answer)
			for method := range strings.FieldsSeq(packed.calls) {
				grown := heapOf(func() {
					if e := failure(t, callsOf(client)[method](overall(t))); e.Reason != ReasonUnreadable {
						t.Errorf("%s: %v", method, e)
					}
				})
				if grown > 200<<20 {
					t.Errorf("%s took %d MiB", method, grown>>20)
				}
			}
		})
	}
}

func TestMostEvents(t *testing.T) {
	list := func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat("{},", n), ",") + "]" }
	session := func(n int) string { return `{"chat_id":"a","events":` + list(n) + `}` }
	for n, want := range map[int]Reason{maxEvents: "", maxEvents + 1: ReasonUnreadable} {
		client := serve(t, answering(200, `{"events":`+list(n)+`}`))
		for _, method := range []string{"poll", "send", "history"} {
			if err := callsOf(client)[method](overall(t)); reasonOf(err) != want {
				t.Errorf("%s with %d events: %v", method, n, err)
			}
		}
		// Two sessions count, too.
		client = serve(t, answering(200, `{"sessions":[`+session(n/2-1)+","+session(n-n/2-1)+`]}`))
		if err := callsOf(client)["casehistory"](overall(t)); reasonOf(err) != want {
			t.Errorf("a case history with %d events: %v", n, err)
		}
	}
}

func reasonOf(err error) Reason {
	if e := wire(err); e != nil {
		return e.Reason
	}
	return ""
}

// Twenty answers of the largest size come at once, and whoever is given one
// works on it for a while.
func TestManyLargeAnswersAtOnce(t *testing.T) {
	large := 15 << 20
	if underRace {
		large = 1 << 20
	}
	message := `{"event":"chat_session_message","party_id":"p","msg_id":"1","timestamp":1614718748,"msg":"%s"}`
	for what, answers := range map[string]struct{ many, text int }{"many events": {20, 1500}, "one event": {6, large}} {
		t.Run(what, func(t *testing.T) {
			event := fmt.Sprintf(message, strings.Repeat("x", answers.text))
			server := start(t, repeated(`{"events":[`+event, ","+event, large/len(event)-1, `]}`))
			client := clientOf(t, Config{BaseURL: server.URL, PollTimeout: time.Hour}) // however busy the machine is
			var read atomic.Int64
			grown := heapOf(func() {
				var all sync.WaitGroup
				for range answers.many {
					all.Go(func() {
						ctx, done := context.WithCancel(t.Context())
						defer done()
						events, err := client.Poll(ctx, caller, theChat)
						if err != nil {
							t.Error(err)
							return
						}
						read.Add(int64(len(events)))
						if _, err := json.Marshal(events[0].HTML); err != nil {
							t.Error(err)
						}
					})
				}
				all.Wait()
			})
			t.Logf("%d events took %d MiB", read.Load(), grown>>20)
			if grown > 400<<20 {
				t.Errorf("they took %d MiB", grown>>20)
			}
		})
	}
}

// Where there is no memory, a large answer waits for another one to be done
// with, for as long as that takes; small ones do not wait.
func TestAnswersWaitForMemory(t *testing.T) {
	small, large := `{"events":[{"event":"chat_session_typing"}]}`, `{"events":["`+strings.Repeat("x", 1<<20)+`"]}`
	var isLarge atomic.Bool
	server := start(t, func(w http.ResponseWriter, r *http.Request) {
		if isLarge.Load() {
			_, _ = io.WriteString(w, large)
			return
		}
		_, _ = io.WriteString(w, small)
	})
	client := clientOf(t, Config{BaseURL: server.URL, Memory: 1, PollTimeout: connectable})
	poll := func(ctx context.Context) {
		t.Helper()
		if events, err := client.Poll(ctx, caller, theChat); err != nil || len(events) != 1 {
			t.Errorf("%d events, %v", len(events), err)
		}
	}
	if !client.memory.pool.TryAcquire(smallestPool) {
		t.Fatal("the pool has been used before")
	}
	isLarge.Store(true)
	first, done := context.WithCancel(overall(t))
	poll(first)
	var others sync.WaitGroup
	for range 3 {
		others.Go(func() {
			ctx, done := context.WithCancel(overall(t))
			defer done()
			poll(ctx)
		})
	}
	if client.memory.reserve.TryAcquire(1) {
		t.Fatal("the first answer is not counted any more")
	}
	isLarge.Store(false)
	for range 3 {
		poll(overall(t))
	}
	done()
	others.Wait()
	if err := client.memory.reserve.Acquire(overall(t), 1); err != nil {
		t.Error("the reserve is lost")
	}
}

// An answer that fails, or is read by nobody, gives back what it took.
func TestMemoryIsGivenBack(t *testing.T) {
	broken := `{"events":["` + strings.Repeat("x", 1<<20) + `"`
	for status, body := range map[int]string{200: broken, 404: broken} {
		client := serve(t, answering(status, body))
		for range 3 {
			_, err := client.Poll(overall(t), caller, theChat)
			failure(t, err)
		}
		if !client.memory.pool.TryAcquire(DefaultMemory-largestCost) || !client.memory.reserve.TryAcquire(1) {
			t.Errorf("after answers of status %d something is missing", status)
		}
	}
}

// The wait for memory ends with the call.
func TestWaitForMemoryIsCanceled(t *testing.T) {
	client := serve(t, answering(200, `{"events":["`+strings.Repeat("x", 1<<20)+`"]}`))
	client.memory = newMemory(1)
	if !client.memory.pool.TryAcquire(smallestPool) || !client.memory.reserve.TryAcquire(1) {
		t.Fatal("there is no memory at all")
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectable)
	defer cancel()
	_, err := client.Poll(ctx, caller, theChat)
	expect(t, err, ReasonTimeout, EffectUnknown)
}

func TestHeadsWithoutEnd(t *testing.T) {
	for what, head := range map[string]string{
		"long":    "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
		"many":    "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 1<<17) + "\r\n",
		"interim": strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n", 1<<15),
		"chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 1<<20),
		"trailer": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n" + strings.Repeat("X: y\r\n", 1<<17),
	} {
		t.Run(what, func(t *testing.T) {
			server := rawServer(t, func(int) (string, bool) { return head, true })
			three(t, clientOf(t, Config{BaseURL: server.url()}), ReasonCut, EffectUnknown, EffectUnknown)
		})
	}
}

// A body that comes for ever, byte by byte, ends with the call's time.
func TestSlowBodies(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 500} {
		server := start(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, " "); err != nil {
					return
				}
				_ = http.NewResponseController(w).Flush()
				runtime.Gosched()
			}
		})
		client := clientOf(t, Config{BaseURL: server.URL, Timeout: connectable, PollTimeout: connectable})
		_, err := client.Poll(overall(t), caller, theChat)
		if reason := reasonOf(err); status == 200 && reason != ReasonTimeout && reason != ReasonUnreadable || status == 500 && reason != ReasonRefused {
			t.Errorf("status %d: %v", status, err)
		}
	}
}

// Events that encoding/json does not read spoil no others, and are known by
// what they say beside it.
func TestDeepEvents(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000)
	quoted, _ := json.Marshal(strings.Repeat("[", 20000) + strings.Repeat("]", 20000))
	client := serve(t, answering(200, `{"events":[{"data":`+deep+`,"event":"chat_session_secure_form_data","party_id":"p"},`+
		deep+`,{"event":"chat_session_signaling","data":`+string(quoted)+`},{"event":"chat_session_ended"}]}`))
	events, err := client.Poll(overall(t), caller, theChat)
	if err != nil || len(events) != 4 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	first := events[0]
	if first.Name != EventSecureFormData || first.PartyID != "p" || !first.IsFromClient(theChat) || first.Data != nil {
		t.Errorf("the first is %s of %q, with data %v", first.Name, first.PartyID, first.Data != nil)
	}
	if events[1].Name != "" || string(events[1].Raw) != deep || events[2].Name != EventSignaling || events[2].Data != nil || events[3].Name != EventEnded {
		t.Errorf("the others are %q, %q and %q", events[1].Name, events[2].Name, events[3].Name)
	}
	if got := ShapeOf(first.Raw); got.Depth != 20001 || got.Values < 20001 {
		t.Errorf("the first is %+v", got)
	}
}

func TestHalvesOfSurrogatePairs(t *testing.T) {
	for raw, want := range map[string]string{
		`{"a":"\ud83d\ude00"}`: `{"a":"\ud83d\ude00"}`, `{"a":"\ud83d"}`: `{"a":"\ufffd"}`, `{"a":"\ude00\ud83d"}`: `{"a":"\ufffd\ufffd"}`,
		`{"\uD83Dx":1}`: `{"\ufffdx":1}`, `{"a":"\\ud83d"}`: `{"a":"\\ud83d"}`, `{"a":"\\\ud83d"}`: `{"a":"\\\ufffd"}`,
		`{"a":"\ud83d\ud83d\ude00"}`: `{"a":"\ufffd\ud83d\ude00"}`, `{"a":"\u0041\ud83d\n"}`: `{"a":"\u0041\ufffd\n"}`,
		`{"data":"{\"a\":\"\\ud83d\"}"}`: `{"data":"{\"a\":\"\\ud83d\"}"}`,
	} {
		if got := string(ParseEvent(json.RawMessage(raw)).Raw); got != want {
			t.Errorf("%s has become %s, want %s", raw, got, want)
		}
	}
	if got := string(ParseEvent(json.RawMessage(`{"data":"{\"a\":\"\\ud83d\"}"}`)).Data); got != `{"a":"\ufffd"}` {
		t.Errorf("the data are %s", got)
	}
}

// FuzzAnswers reads a body as every call with events does: it says what
// encoding/json would, and events that can be read again.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		"", "null", "nul", "{}", `{"events":null}`, `{"events":[]}`, `{"events":[1,"a",{}]}`, `{"events":{}}`, `[]`, "<html>", `{"events":[{"event":`,
		`{"events":[{}],"events":[1,2]}`, `{"error_code":5511}`, `{"error_code":"5005","events":[]}`, `{"events":[]}{}`, `{"a":"\"}{","events":[" "]}`,
		`{"sessions":[{"chat_id":"a","created_time":1614718748,"events":[{"event":"chat_session_ended"}]},7,null]}`, `{"sessions":[{"events":{}}]}`,
		`{"events":[1,]}`, `{"events" : [ 1 , 2 ] }`, `{"events":[1]`, `{"events":[tru]}`, `{"events":[{]}`, `{,}`, `{"a"}`, `{"a":}`,
		strings.Repeat(`{"events":[`, 30),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		events, listed, err := readEvents(feedOf(body))
		if err != nil && events != nil || len(events) > 0 && !listed {
			t.Errorf("%d events, listed %v, %v", len(events), listed, err)
		}
		for _, e := range events {
			if !ShapeOf(e.Raw).isJSON(e.Raw) {
				t.Errorf("Raw is not JSON: %q", e.Raw)
			}
		}
		var want struct {
			Events []json.RawMessage `json:"events"`
		}
		if o, ok := parseObject(body); ok && err == nil && json.Unmarshal(o["events"], &want.Events) == nil && len(want.Events) != len(events) {
			t.Errorf("%d events, want %d", len(events), len(want.Events))
		}
		if err == nil && len(bytes.TrimSpace(body)) > 0 && ShapeOf(body).Depth <= deepestParsed && !json.Valid(body) {
			t.Errorf("taken though it is not JSON: %q", body)
		}
		if _, err := readSessions(feedOf(body)); err == nil && ShapeOf(body).Depth <= deepestParsed && !json.Valid(body) {
			t.Errorf("taken for sessions though it is not JSON: %q", body)
		}
	})
}
