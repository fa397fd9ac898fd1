package brightpattern_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
)

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
// that has no msg_id, unless the history has it; nothing else is ever sent twice.
func TestFileEventOnceMore(t *testing.T) {
	b := join(t, bpsim.Options{})
	file := must[brightpattern.UploadedFile](t)(b.client.Upload(t.Context(), b.cred, "a", bytes.NewReader([]byte("b"))))
	share := brightpattern.SharedFile{ID: b.messageID(0), FileID: file.ID, FileName: "a", FileType: "image"}
	b.inject(t, bpsim.Fault{Kind: "status", Status: 500, Method: bpsim.SendEvents, Times: 1})
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, share))
	if came := b.record(t).Client; len(came) != 1 || brightpattern.ParseEvent(came[0].Event).MessageID != "" {
		t.Errorf("came: %v", came)
	}
	b.inject(t, bpsim.Fault{Kind: "status", Status: 500, Method: bpsim.SendEvents, Times: 1, AfterEffect: true})
	other := must[brightpattern.UploadedFile](t)(b.client.Upload(t.Context(), b.cred, "a", bytes.NewReader([]byte("b"))))
	share.ID, share.FileID = b.messageID(1), other.ID
	must[[]brightpattern.Event](t)(b.client.Send(t.Context(), b.cred, b.chat, share))
	if came := b.record(t).Client; len(came) != 2 {
		t.Errorf("what was carried out and answered 500 came %d times", len(came)-1)
	}
	third := must[brightpattern.UploadedFile](t)(b.client.Upload(t.Context(), b.cred, "a", bytes.NewReader([]byte("b"))))
	share.ID, share.FileID = b.messageID(2), third.ID
	b.inject(t, bpsim.Fault{Kind: "status", Status: 500, Method: bpsim.SendEvents, Times: 2})
	_, err := b.client.Send(t.Context(), b.cred, b.chat, share)
	checkFailure(t, err, json.RawMessage(`{"Status":500,"Reason":"refused","Effect":"unknown"}`))
	if left := len(b.sim.Faults()); left != 0 {
		t.Errorf("%d faults left: it was not tried twice", left)
	}
}
