package brightpattern_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
)

// bench is a client at a simulator, with a chat.
type bench struct {
	sim    *bpsim.Server
	server *httptest.Server
	client *brightpattern.Client
	cred   brightpattern.Credentials
	chat   brightpattern.ChatID
}

// patience is far beyond what any step takes.
const patience = 20 * time.Second

func join(t *testing.T, options bpsim.Options) *bench {
	t.Helper()
	if options.Hold == 0 {
		options.Hold = patience
	}
	b := &bench{sim: bpsim.New(options), cred: brightpattern.Credentials{App: "sales", Client: "client-1"}}
	b.server = httptest.NewServer(b.sim)
	t.Cleanup(func() { b.sim.Close(); b.server.Close() })
	b.client = b.newClient(t, patience)
	chat, err := b.client.RequestChat(t.Context(), b.cred, brightpattern.ChatRequest{From: "+420555123456"})
	if err != nil {
		t.Fatal(err)
	}
	b.chat = chat.ID
	return b
}

func (b *bench) newClient(t *testing.T, timeout time.Duration) *brightpattern.Client {
	t.Helper()
	return newClient(t, brightpattern.Config{BaseURL: b.server.URL, Timeout: timeout, PollTimeout: timeout})
}

func (b *bench) push(t *testing.T, event string) {
	t.Helper()
	if err := b.sim.Push(string(b.chat), json.RawMessage(event)); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) inject(t *testing.T, f bpsim.Fault) {
	t.Helper()
	if _, err := b.sim.Inject(f); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) record(t *testing.T) bpsim.Record {
	t.Helper()
	record, err := b.sim.Record(string(b.chat))
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// waitFor waits until the simulator's account of the chat is as wanted.
func (b *bench) waitFor(t *testing.T, what string, holds func(bpsim.Record) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := b.sim.WaitFor(ctx, func() bool {
		record, err := b.sim.Record(string(b.chat))
		return err == nil && holds(record)
	})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func (b *bench) messageID(n uint64) brightpattern.MessageID {
	return brightpattern.ClientMessageID(b.chat, n)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func names(events []brightpattern.Event) (out []brightpattern.EventName) {
	for _, e := range events {
		out = append(out, e.Name)
	}
	return out
}

// TestEveryMethodOnTheSimulator calls each method once, as users do.
func TestEveryMethodOnTheSimulator(t *testing.T) {
	for method, try := range map[string]func(*testing.T, *bench){
		bpsim.GetVersion: func(t *testing.T, b *bench) {
			if must[string](t)(b.client.Version(t.Context(), b.cred)) == "" {
				t.Error("no version")
			}
		},
		bpsim.CheckAvailability: func(t *testing.T, b *bench) {
			if !must[brightpattern.Availability](t)(b.client.Availability(t.Context(), b.cred)).Available {
				t.Error("not available")
			}
		},
		bpsim.GetParameters: func(t *testing.T, b *bench) {
			got := must[[]brightpattern.Parameter](t)(b.client.Parameters(t.Context(), b.cred))
			if len(got) == 0 || got[0].Name == "" || got[0].Type == "" {
				t.Errorf("parameters %v", got)
			}
		},
		bpsim.GetConfiguration: func(t *testing.T, b *bench) {
			if got := must[json.RawMessage](t)(b.client.Configuration(t.Context(), b.cred)); !json.Valid(got) {
				t.Errorf("configuration %s", got)
			}
		},
		bpsim.GetICEServers: func(t *testing.T, b *bench) {
			if got := must[[]brightpattern.ICEServer](t)(b.client.ICEServers(t.Context(), b.cred)); len(got) == 0 || got[0].URL == "" {
				t.Errorf("%d servers", len(got))
			}
		},
		bpsim.RequestChat:     tryRequestChat,
		bpsim.GetActiveChat:   tryActiveChat,
		bpsim.PollEvents:      tryPoll,
		bpsim.SendEvents:      trySend,
		bpsim.GetHistory:      tryHistory,
		bpsim.GetCaseHistory:  tryCaseHistory,
		bpsim.CloseCase:       tryCloseCase,
		bpsim.Subscribe:       trySubscribe,
		bpsim.UploadFile:      tryFiles,
		bpsim.GetFile:         tryFiles,
		bpsim.GetProfilePhoto: tryPhoto,
	} {
		t.Run(method, func(t *testing.T) {
			b := join(t, bpsim.Options{})
			before := b.sim.Calls()[method]
			try(t, b)
			if b.sim.Calls()[method] <= before {
				t.Errorf("calls: %v", b.sim.Calls())
			}
		})
	}
}

func tryRequestChat(t *testing.T, b *bench) {
	again := must[brightpattern.Chat](t)(b.client.RequestChat(t.Context(), b.cred, brightpattern.ChatRequest{}))
	if again.ID != b.chat || again.IsNew {
		t.Errorf("the same client again: %+v, want %s", again, b.chat)
	}
	other := brightpattern.Credentials{App: b.cred.App, Client: "client-2"}
	if chat := must[brightpattern.Chat](t)(b.client.RequestChat(t.Context(), other, brightpattern.ChatRequest{})); chat.ID == b.chat || !chat.IsNew {
		t.Errorf("another client: %+v", chat)
	}
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, brightpattern.End{}))
	if chat := must[brightpattern.Chat](t)(b.client.RequestChat(t.Context(), b.cred, brightpattern.ChatRequest{})); chat.ID == b.chat || !chat.IsNew {
		t.Errorf("after the end: %+v", chat)
	}
}

func tryActiveChat(t *testing.T, b *bench) {
	if chat := must[brightpattern.Chat](t)(b.client.ActiveChat(t.Context(), b.cred)); chat.ID != b.chat || chat.State == "" {
		t.Errorf("active chat %+v, want %s", chat, b.chat)
	}
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, brightpattern.End{}))
	_, err := b.client.ActiveChat(t.Context(), b.cred)
	checkFailure(t, err, json.RawMessage(`{"Status":404,"Code":"5005","Message?":"{string}","Reason":"refused","Effect":"none"}`))
}

func tryPoll(t *testing.T, b *bench) {
	b.push(t, `{"event":"chat_session_info","service_name":"Sales"}`)
	b.push(t, `{"event":"chat_session_ended","timestamp":null}`)
	got := must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat))
	if want := []brightpattern.EventName{brightpattern.EventInfo, brightpattern.EventEnded}; !slices.Equal(names(got), want) {
		t.Fatalf("events %v, want %v", names(got), want)
	}
	if got[0].Time.IsZero() || !got[1].Time.IsZero() {
		t.Errorf("times %v and %v, want only the first", got[0].Time, got[1].Time)
	}
	_, err := b.client.Poll(t.Context(), b.cred, b.chat)
	checkFailure(t, err, json.RawMessage(`{"Status":404,"Code":"5005","Message?":"{string}","Reason":"refused","Effect":"none"}`))
}

func trySend(t *testing.T, b *bench) {
	text := "one <two>\n& three"
	for n := range uint64(3) {
		must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, brightpattern.Message{ID: b.messageID(n), Text: text}))
	}
	record := b.record(t)
	if len(record.Client) != 3 {
		t.Fatalf("%d events came", len(record.Client))
	}
	for i, e := range record.Client {
		event := brightpattern.ParseEvent(e.Event)
		if n, ok := brightpattern.ParseClientMessageID(b.chat, event.MessageID); !ok || n != uint64(i) || event.Text != text || event.HTML != "one &lt;two&gt;<br>&amp; three" {
			t.Errorf("event %d: %s", i, e.Event)
		}
	}
}

func tryHistory(t *testing.T, b *bench) {
	b.push(t, `{"event":"chat_session_typing","party_id":"p"}`)
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, brightpattern.Read{Ref: "m"}, brightpattern.Navigation{ID: b.messageID(0), Page: "p"}))
	got := must[[]brightpattern.Event](t)(b.client.History(t.Context(), b.cred, b.chat))
	fromClient := 0
	for _, e := range got {
		if e.IsFromClient(b.chat) {
			fromClient++
		}
	}
	if len(got) != 3 || fromClient != 2 {
		t.Errorf("%v, %d from the client", names(got), fromClient)
	}
}

func tryCaseHistory(t *testing.T, b *bench) {
	_, err := b.client.CaseHistory(t.Context(), b.cred, b.chat)
	checkFailure(t, err, json.RawMessage(`{"Status":406,"Code":"5601","Message?":"{string}","Reason":"refused","Effect":"none"}`))
	if err := b.sim.SetCase(string(b.chat), "C-1"); err != nil {
		t.Fatal(err)
	}
	events := must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat))
	if len(events) != 1 || events[0].CaseID == nil || *events[0].CaseID != "C-1" {
		t.Errorf("events %v", names(events))
	}
	sessions := must[[]brightpattern.CaseSession](t)(b.client.CaseHistory(t.Context(), b.cred, b.chat))
	if len(sessions) != 1 || sessions[0].ChatID != b.chat || sessions[0].Created.IsZero() || len(sessions[0].Events) != 1 {
		t.Errorf("sessions %+v", sessions)
	}
}

func tryCloseCase(t *testing.T, b *bench) {
	err := b.client.CloseCase(t.Context(), b.cred, b.chat)
	checkFailure(t, err, json.RawMessage(`{"Status":406,"Code":"5601","Message?":"{string}","Reason":"refused","Effect":"none"}`))
	if err := errors.Join(b.sim.SetCase(string(b.chat), "C-1"), b.client.CloseCase(t.Context(), b.cred, b.chat)); err != nil {
		t.Error(err)
	}
}

func trySubscribe(t *testing.T, b *bench) {
	for want, subscribe := range map[string]func() error{
		"apns": func() error { return b.client.SubscribeAPNs(t.Context(), b.cred, b.chat, "token", "com.example") },
		"firebase-ios": func() error {
			return b.client.SubscribeFirebase(t.Context(), b.cred, b.chat, "token", brightpattern.PlatformIOS)
		},
		"firebase-android": func() error {
			return b.client.SubscribeFirebase(t.Context(), b.cred, b.chat, "token", brightpattern.PlatformAndroid)
		},
		"": func() error { return b.client.CancelNotifications(t.Context(), b.cred, b.chat) },
	} {
		if err := subscribe(); err != nil || b.record(t).Notifications != want {
			t.Errorf("subscribed with %q, want %q (%v)", b.record(t).Notifications, want, err)
		}
	}
}

func tryFiles(t *testing.T, b *bench) {
	content := strings.Repeat("\x00\xff\r\n--", 100_000)
	file := must[brightpattern.UploadedFile](t)(b.client.Upload(t.Context(), b.cred, "a b.bin", strings.NewReader(content)))
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, brightpattern.SharedFile{ID: b.messageID(1), FileID: file.ID, FileName: "a b.bin", FileType: "attachment"}))
	got := must[*brightpattern.Content](t)(b.client.File(t.Context(), b.cred, b.chat, file.ID))
	defer got.Body.Close()
	body := must[[]byte](t)(io.ReadAll(got.Body))
	if string(body) != content || got.Size >= 0 && got.Size != int64(len(content)) {
		t.Errorf("%d bytes of %d (%s)", len(body), len(content), got.Type)
	}
	_, err := b.client.File(t.Context(), b.cred, b.chat, "no such file")
	checkFailure(t, err, json.RawMessage(`{"Status":404,"Code":"5502","Message?":"{string}","Reason":"refused","Effect":"none"}`))
}

func tryPhoto(t *testing.T, b *bench) {
	b.push(t, `{"event":"chat_session_party_joined","party_id":"p/1 ü","type":"internal"}`)
	got := must[*brightpattern.Content](t)(b.client.ProfilePhoto(t.Context(), b.cred, b.chat, "p/1 ü"))
	defer got.Body.Close()
	if body := must[[]byte](t)(io.ReadAll(got.Body)); len(body) == 0 || !strings.HasPrefix(got.Type, "image/") {
		t.Errorf("%d bytes of %s", len(body), got.Type)
	}
	if _, err := b.client.ProfilePhoto(t.Context(), b.cred, b.chat, "nobody"); err == nil {
		t.Error("a photo of nobody")
	}
}

// ---- failures

// failure is what a fault does to a POST, a GET and a poll.
type failure struct {
	name  string
	fault bpsim.Fault
	want  map[string]any // of the *Error, without its Effect
	post  string         // Effect of a POST; of a GET it is always none
	poll  string         // Effect of a poll; "": no poll is tried
	done  bool           // the effect took place
	slow  bool           // the client gives up by itself
}

func refusal(status int, code, post string) failure {
	f := failure{name: fmt.Sprintf("status %d code %s", status, code), post: post, poll: "none",
		fault: bpsim.Fault{Kind: "status", Status: status, Code: code},
		want:  map[string]any{"Reason": "refused", "Status": status}}
	if code != "" {
		f.fault.Message, f.want["Code"], f.want["Message"] = "said the server", code, "said the server"
	}
	return f
}

func failures() []failure {
	out := []failure{
		{name: "cut before", fault: bpsim.Fault{Kind: "cut_before"}, want: map[string]any{"Reason": "cut", "Status": 0}, post: "unknown", poll: "unknown"},
		{name: "cut after", fault: bpsim.Fault{Kind: "cut_after"}, want: map[string]any{"Reason": "cut", "Status": 0}, post: "unknown", poll: "unknown", done: true},
		{name: "truncated", fault: bpsim.Fault{Kind: "truncate"}, want: map[string]any{"Reason": "{cut|unreadable}", "Status": 200}, post: "unknown", poll: "unknown", done: true},
		{name: "garbage", fault: bpsim.Fault{Kind: "garbage"}, want: map[string]any{"Reason": "unreadable", "Status": 200}, post: "unknown", poll: "unknown", done: true},
		{name: "hang", fault: bpsim.Fault{Kind: "hang"}, want: map[string]any{"Reason": "timeout", "Status": 0}, post: "unknown", poll: "unknown", slow: true},
		{name: "late", fault: bpsim.Fault{Kind: "delay", Delay: time.Second, AfterEffect: true}, want: map[string]any{"Reason": "timeout", "Status": 0}, post: "unknown", poll: "unknown", done: true, slow: true},
		{name: "done, but a 500", fault: bpsim.Fault{Kind: "status", Status: 500, AfterEffect: true}, want: map[string]any{"Reason": "refused", "Status": 500}, post: "unknown", done: true},
		{name: "HTML 502", fault: bpsim.Fault{Kind: "status", Status: 502, HTML: true}, want: map[string]any{"Reason": "refused", "Status": 502}, post: "unknown", poll: "none"},
		{name: "HTML 403", fault: bpsim.Fault{Kind: "status", Status: 403, HTML: true}, want: map[string]any{"Reason": "refused", "Status": 403}, post: "none", poll: "none"},
		{name: "429, wait 7s", fault: bpsim.Fault{Kind: "status", Status: 429, RetryAfter: 7 * time.Second}, want: map[string]any{"Reason": "refused", "Status": 429, "RetryAfter": "7s"}, post: "none", poll: "none"},
		{name: "503, wait 2m", fault: bpsim.Fault{Kind: "status", Status: 503, RetryAfter: 2 * time.Minute}, want: map[string]any{"Reason": "refused", "Status": 503, "RetryAfter": "2m0s"}, post: "none", poll: "none"},
		{name: "5509 says how long", fault: bpsim.Fault{Kind: "status", Status: 400, Code: "5509", RetryAfter: time.Second}, want: map[string]any{"Reason": "refused", "Status": 400, "Code": "5509", "RetryAfter": "1s"}, post: "none", poll: "none"},
	}
	for _, c := range []struct {
		post   string
		status int
		codes  []string
	}{
		{"none", 400, []string{"", "1000", "5003", "5501", "5509", "7777"}},
		{"none", 401, []string{"", "2000", "2001", "2002", "2003", "2004"}},
		{"none", 403, []string{"", "3000", "5006"}},
		{"none", 404, []string{"", "5005", "5502"}},
		{"none", 406, []string{"", "5601", "5603"}},
		{"none", 409, []string{""}},
		{"none", 413, []string{"", "5501"}},
		{"none", 429, []string{"", "5509"}},
		{"none", 503, []string{"", "5001"}},
		{"none", 500, []string{"5001", "5601"}},
		{"unknown", 500, []string{"", "5000", "5004", "5500", "5558", "5602", "5955", "7777"}},
		{"unknown", 400, []string{"5000", "5004", "5500", "5558", "5955"}},
		{"unknown", 503, []string{"5000", "5004", "5500", "5558", "5602", "5955"}},
		{"unknown", 501, []string{""}},
		{"unknown", 502, []string{"", "7777"}},
		{"unknown", 504, []string{"", "5000"}},
	} {
		for _, code := range c.codes {
			out = append(out, refusal(c.status, code, c.post))
		}
	}
	return out
}

func TestFailures(t *testing.T) {
	for _, f := range failures() {
		t.Run(f.name, func(t *testing.T) {
			t.Run("post", func(t *testing.T) { t.Parallel(); f.tryPost(t) })
			t.Run("get", func(t *testing.T) { t.Parallel(); f.tryGet(t) })
			if f.poll != "" {
				t.Run("poll", func(t *testing.T) { t.Parallel(); f.tryPoll(t) })
			}
		})
	}
}

// scene injects the fault, and gives a client for the call that meets it. It
// has a connection in its pool, unless it is an impatient one: what then
// breaks is a connection in use, which net/http would gladly replace.
func (f failure) scene(t *testing.T, method string, times int) (*bench, *brightpattern.Client) {
	t.Helper()
	b := join(t, bpsim.Options{})
	client := b.client
	if f.slow {
		client = b.newClient(t, 400*time.Millisecond)
	}
	b.push(t, `{"event":"chat_session_typing","party_id":"p"}`)
	f.fault.Method, f.fault.Times = method, times
	b.inject(t, f.fault)
	return b, client
}

func (f failure) check(t *testing.T, err error, effect string) {
	t.Helper()
	want := maps.Clone(f.want)
	want["Effect"] = effect
	checkFailure(t, err, encode(want))
}

func (f failure) tryPost(t *testing.T) {
	b, client := f.scene(t, bpsim.SendEvents, 1)
	_, err := client.Send(t.Context(), b.cred, b.chat, brightpattern.Message{ID: b.messageID(0), Text: "hello"})
	f.check(t, err, f.post)
	if f.done {
		b.waitFor(t, "the event comes", func(r bpsim.Record) bool { return len(r.Client) > 0 })
	}
	if came := len(b.record(t).Client); came > 1 || came == 1 != f.done {
		t.Errorf("the event came %d times, done is %v", came, f.done)
	}
}

func (f failure) tryGet(t *testing.T) {
	b, client := f.scene(t, bpsim.GetHistory, 0)
	_, err := client.History(t.Context(), b.cred, b.chat)
	f.check(t, err, "none")
	b.sim.ClearFaults()
	if got := must[[]brightpattern.Event](t)(b.client.History(t.Context(), b.cred, b.chat)); len(got) != 1 {
		t.Errorf("afterwards: %v", names(got))
	}
}

// tryPoll: what the simulator has given away is not given again, and what it
// has not comes with the next poll; the history has it in any case.
func (f failure) tryPoll(t *testing.T) {
	b, client := f.scene(t, bpsim.PollEvents, 1)
	_, err := client.Poll(t.Context(), b.cred, b.chat)
	f.check(t, err, f.poll)
	want := bpsim.Pending
	if f.done {
		want = bpsim.LostByFault
		if f.slow {
			want = bpsim.GivenByPoll
		}
	}
	b.waitFor(t, "the event is "+string(want), func(r bpsim.Record) bool { return r.Server[0].Fate == want })
	b.push(t, `{"event":"chat_session_not_typing","party_id":"p"}`)
	got := names(must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat)))
	expected := []brightpattern.EventName{brightpattern.EventTyping, brightpattern.EventNotTyping}
	if f.done {
		expected = expected[1:]
	}
	if !slices.Equal(got, expected) {
		t.Errorf("the next poll gives %v, want %v", got, expected)
	}
	if all := must[[]brightpattern.Event](t)(b.client.History(t.Context(), b.cred, b.chat)); len(all) != 2 {
		t.Errorf("the history has %v", names(all))
	}
}

func TestLostAnswer(t *testing.T) {
	b := join(t, bpsim.Options{})
	b.inject(t, bpsim.Fault{Kind: "lose", Method: bpsim.PollEvents, Times: 1})
	b.push(t, `{"event":"chat_session_message","party_id":"p","msg_id":"1","msg":"lost"}`)
	_, err := b.client.Poll(t.Context(), b.cred, b.chat)
	checkFailure(t, err, json.RawMessage(`{"Reason":"cut","Status":0,"Effect":"unknown"}`))
	b.push(t, `{"event":"chat_session_message","party_id":"p","msg_id":"2","msg":"not lost"}`)
	if got := must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat)); len(got) != 1 || got[0].MessageID != "2" {
		t.Errorf("the next poll gives %v", names(got))
	}
	history := must[[]brightpattern.Event](t)(b.client.History(t.Context(), b.cred, b.chat))
	if !slices.ContainsFunc(history, func(e brightpattern.Event) bool { return e.MessageID == "1" && e.HTML == "lost" }) {
		t.Errorf("the history has %v", names(history))
	}
	if fate := b.record(t).Server[0].Fate; fate != bpsim.LostByFault {
		t.Errorf("fate %s", fate)
	}
}

// TestNothingNew: the simulator says it in three ways, all are no events.
func TestNothingNew(t *testing.T) {
	b := join(t, bpsim.Options{Hold: time.Millisecond})
	for range 6 {
		if got := must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat)); len(got) != 0 {
			t.Errorf("events %v", names(got))
		}
	}
	for _, status := range []int{400, 404, 500, 503} {
		b.inject(t, bpsim.Fault{Kind: "status", Status: status, Code: "5511", Method: bpsim.PollEvents, Times: 1})
		if got := must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat)); len(got) != 0 {
			t.Errorf("events %v", names(got))
		}
	}
}

func TestUnreachable(t *testing.T) {
	b := join(t, bpsim.Options{})
	b.server.Close()
	want := json.RawMessage(`{"Reason":"unreachable","Status":0,"Effect":"none"}`)
	client := b.newClient(t, patience)
	_, err := client.Send(t.Context(), b.cred, b.chat, brightpattern.Typing{})
	checkFailure(t, err, want)
	_, err = client.History(t.Context(), b.cred, b.chat)
	checkFailure(t, err, want)
	_, err = client.Poll(t.Context(), b.cred, b.chat)
	checkFailure(t, err, want)
}

// heldPoll is a poll under way in the background.
type heldPoll struct {
	events []brightpattern.Event
	err    error
	done   chan struct{}
	cancel context.CancelFunc
}

func (b *bench) hold(t *testing.T) *heldPoll {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	p := &heldPoll{done: make(chan struct{}), cancel: cancel}
	begun := b.record(t).Polls
	go func() {
		defer close(p.done)
		p.events, p.err = b.client.Poll(ctx, b.cred, b.chat)
	}()
	t.Cleanup(func() { cancel(); <-p.done })
	b.waitFor(t, "the poll is held", func(r bpsim.Record) bool { return r.Polls > begun })
	return p
}

func TestOnePollAChat(t *testing.T) {
	b := join(t, bpsim.Options{})
	first := b.hold(t)
	for range 2 { // the simulator uses both statuses
		_, err := b.client.Poll(t.Context(), b.cred, b.chat)
		checkFailure(t, err, json.RawMessage(`{"Status":"{400|429}","Code":"5509","Message?":"{string}","Reason":"refused","Effect":"none"}`))
	}
	b.push(t, `{"event":"chat_session_info","service_name":"Sales"}`)
	<-first.done
	if first.err != nil || len(first.events) != 1 {
		t.Errorf("the held poll: %v, %v", names(first.events), first.err)
	}
}

func TestCanceledPoll(t *testing.T) {
	b := join(t, bpsim.Options{})
	held := b.hold(t)
	held.cancel()
	<-held.done
	checkFailure(t, held.err, json.RawMessage(`{"Status":0,"Reason":"canceled","Effect":"unknown"}`))
	if !errors.Is(held.err, context.Canceled) {
		t.Errorf("error %v is not context.Canceled", held.err)
	}
}

// TestAwkwardIDs: ids are the server's, whatever they look like.
func TestAwkwardIDs(t *testing.T) {
	n := 0
	b := join(t, bpsim.Options{IDs: func() string { n++; return fmt.Sprint("a.b c/=ü%", n) }})
	if !strings.HasPrefix(string(b.chat), "a.b c/=ü%") {
		t.Fatalf("chat %q", b.chat)
	}
	id := b.messageID(0)
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, brightpattern.Message{ID: id, Text: "hi"}))
	b.push(t, string(object("event", encode("chat_session_typing"))))
	must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat))
	history := must[[]brightpattern.Event](t)(b.client.History(t.Context(), b.cred, b.chat))
	if !slices.ContainsFunc(history, func(e brightpattern.Event) bool { return e.MessageID == id && e.IsFromClient(b.chat) }) {
		t.Errorf("the history lacks %q", id)
	}
	if err := b.sim.SetCase(string(b.chat), "C/ü"); err != nil {
		t.Fatal(err)
	}
	must[[]brightpattern.CaseSession](t)(b.client.CaseHistory(t.Context(), b.cred, b.chat))
	if err := errors.Join(b.client.CloseCase(t.Context(), b.cred, b.chat), b.client.CancelNotifications(t.Context(), b.cred, b.chat)); err != nil {
		t.Error(err)
	}
	tryFiles(t, b)
	tryPhoto(t, b)
}

// TestReceiptsNameWhatWasSent: byte for byte, in both directions.
func TestReceiptsNameWhatWasSent(t *testing.T) {
	b := join(t, bpsim.Options{})
	for _, id := range []string{"0", "17 é/<&>\"x\\", "a:b:0", "\u2028 \u0000 😀"} {
		b.push(t, string(encode(map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": id, "msg": "hi"})))
		got := must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat))
		must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, brightpattern.Delivered{Ref: got[0].MessageID}, brightpattern.Read{Ref: got[0].MessageID}))
		came := b.record(t).Client
		for _, e := range came[len(came)-2:] {
			var receipt struct {
				Ref string `json:"ref_msg_id"`
			}
			if err := json.Unmarshal(e.Event, &receipt); err != nil || receipt.Ref != id {
				t.Errorf("receipt %s, want %q", e.Event, id)
			}
		}
		b.push(t, string(encode(map[string]any{"event": "chat_session_message_read", "party_id": "p", "ref_msg_id": id})))
		if got := must[[]brightpattern.Event](t)(b.client.Poll(t.Context(), b.cred, b.chat)); string(got[0].RefMessageID) != id {
			t.Errorf("receipt of %q, want %q", got[0].RefMessageID, id)
		}
	}
}

// TestFileEventOnceMore: a 500 to a file event is answered with a second try
// that has no msg_id; nothing else is ever sent twice.
func TestFileEventOnceMore(t *testing.T) {
	b := join(t, bpsim.Options{})
	file := must[brightpattern.UploadedFile](t)(b.client.Upload(t.Context(), b.cred, "a", bytes.NewReader([]byte("b"))))
	share := brightpattern.SharedFile{ID: b.messageID(0), FileID: file.ID, FileName: "a", FileType: "image"}
	b.inject(t, bpsim.Fault{Kind: "status", Status: 500, Method: bpsim.SendEvents, Times: 1})
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, share))
	if came := b.record(t).Client; len(came) != 1 || brightpattern.ParseEvent(came[0].Event).MessageID != "" {
		t.Errorf("came: %v", came)
	}
	b.inject(t, bpsim.Fault{Kind: "status", Status: 500, Method: bpsim.SendEvents, Times: 2})
	_, err := b.client.Send(t.Context(), b.cred, b.chat, share)
	checkFailure(t, err, json.RawMessage(`{"Status":500,"Reason":"refused","Effect":"unknown"}`))
	if left := len(b.sim.Faults()); left != 0 {
		t.Errorf("%d faults left: it was not tried twice", left)
	}
}
