package brightpattern_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
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
