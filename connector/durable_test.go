package connector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// give publishes a durable command and returns its id.
func (w watched) give(command string, data any) string {
	w.Helper()
	return w.giveMsg(command, uuid.NewString(), data).Header.Get(nats.MsgIdHdr)
}

func (w watched) giveMsg(command, id string, data any) *nats.Msg {
	w.Helper()
	body, err := json.Marshal(data)
	w.check(err)
	chat := subjects.ChatToken("")
	if w.chat != "" {
		chat = w.token()
	}
	msg := nats.NewMsg(w.config.Prefix.Durable(subjects.Command(command), chat))
	msg.Header.Set(nats.MsgIdHdr, id)
	msg.Data = body
	_, err = w.js.PublishMsg(w.ctx, msg)
	w.check(err)
	return msg
}

// results are those of the command with an id, in the stream of events.
func (r *rig) results(id string) []schema.Result {
	r.Helper()
	var found []schema.Result
	for _, filter := range r.config.Prefix.AllResults() {
		for _, m := range r.stored(filter) {
			if schema.Extension(m.event, schema.AttrCausationID) != id {
				continue
			}
			result, err := schema.DecodeResult(m.event)
			r.check(err)
			found = append(found, *result)
		}
	}
	return found
}

// awaitResult waits until the command with an id has a result.
func (r *rig) awaitResult(id string) schema.Result {
	r.Helper()
	var found []schema.Result
	r.eventually("the command "+id+" has a result", func() bool {
		found = r.results(id)
		return len(found) > 0
	})
	if len(found) > 1 {
		r.Errorf("the command %s has %d results: %+v", id, len(found), found)
	}
	return found[0]
}

// waiting are the durable commands that are not done.
func (r *rig) waiting() uint64 {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, r.config.Prefix.StreamName("COMMANDS"))
	r.check(err)
	return stream.CachedInfo().State.Msgs
}

// said are the texts that the customer's messages have at the contact center.
func (w watched) said() []string {
	w.Helper()
	var said []string
	for _, e := range w.record().Client {
		var m struct {
			Event string
			Text  string `json:"msg_text"`
		}
		w.check(json.Unmarshal(e.Event, &m))
		if m.Event == "chat_session_message" {
			said = append(said, m.Text)
		}
	}
	return said
}

func TestDurableCommandsRunInOrder(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	replicas := []*replica{r.start(), r.start(), r.start()}
	w := watchNew(r)
	var want, ids []string
	for i := range 60 {
		want = append(want, fmt.Sprint("text ", i))
		ids = append(ids, w.give("chat.send", map[string]any{"text": want[i]}))
	}
	for i, id := range ids {
		result := r.awaitResult(id)
		if want := fmt.Sprintf(`{"messageId":"%s:%d"}`, w.chat, i); string(result.Result) != want {
			t.Errorf("result %d is %s (%+v), want %s", i, result.Result, result.Error, want)
		}
	}
	if said := w.said(); !slices.Equal(said, want) {
		t.Errorf("the contact center got %q", said)
	}
	r.eventually("no command is left", func() bool { return r.waiting() == 0 })
	for _, replica := range replicas {
		replica.stop()
	}
}

// A chat whose commands fail holds back its own, and no other chat's.
func TestFailingChatHoldsBackItsOwn(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver)
	r.start()
	failing, sound := watchNew(r), watchNew(r)
	failing.inject(bpsim.Fault{Kind: "status", Status: http.StatusServiceUnavailable, Method: bpsim.SendEvents, Chat: failing.chat, Times: 3})
	var held []string
	for i := range 20 {
		held = append(held, failing.give("chat.send", map[string]any{"text": fmt.Sprint(i)}))
	}
	id := sound.give("chat.send", map[string]any{"text": "at once"})
	if result := r.awaitResult(id); result.Status != schema.StatusOK {
		t.Errorf("the other chat's command is answered %+v", result.Error)
	}
	for i, id := range held {
		if result := r.awaitResult(id); result.Status != schema.StatusOK {
			t.Errorf("command %d is answered %+v", i, result.Error)
		}
	}
	if said := failing.said(); len(said) != 20 || !slices.IsSortedFunc(said, func(a, b string) int { return len(a) - len(b) }) {
		t.Errorf("the contact center got %q", said)
	}
}

func TestRepeatGetsRecordedResult(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	first := r.start()
	w := watchNew(r)
	ask := func(id, text string) schema.Result {
		msg := nats.NewMsg("cc.chat.send")
		msg.Header.Set(nats.MsgIdHdr, id)
		msg.Data, _ = json.Marshal(map[string]any{"chatId": w.chat, "text": text})
		return r.ask(msg)
	}
	before := ask("same", "once")
	first.stop()
	r.start()
	if again := ask("same", "once"); string(again.Result) != string(before.Result) || again.Status != schema.StatusOK {
		t.Errorf("the repeat gets %+v, the first got %+v", again, before)
	}
	if other := ask("same", "other"); other.Error == nil || other.Error.Code != schema.CodeCommandConflict {
		t.Errorf("other data under the same id gets %+v", other)
	}
	w.giveMsg("chat.send", "same", map[string]any{"text": "once"}) // the other lane
	r.eventually("the durable repeat is gone", func() bool { return r.waiting() == 0 })
	if said := w.said(); !slices.Equal(said, []string{"once"}) {
		t.Errorf("the contact center got %q", said)
	}
	ok := slices.DeleteFunc(r.results("same"), func(r schema.Result) bool { return r.Status != schema.StatusOK })
	if len(ok) != 1 {
		t.Errorf("the command has %d results", len(ok))
	}
}

// A message whose answer was lost is looked up before it is sent again.
func TestUnknownMessageIsLookedUp(t *testing.T) {
	for name, fault := range map[string]string{"carried out": "cut_after", "not carried out": "cut_before"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.CallTimeout, r.client.Timeout = 500*time.Millisecond, 500*time.Millisecond })
			r.start()
			w := watchNew(r)
			w.untilListening()
			w.inject(bpsim.Fault{Kind: fault, Method: bpsim.SendEvents, Times: 1})
			result := r.awaitResult(w.give("chat.send", map[string]any{"text": "hello"}))
			if result.Status != schema.StatusOK || !strings.Contains(string(result.Result), w.chat+":0") {
				t.Errorf("the result is %s, %+v", result.Result, result.Error)
			}
			if said := w.said(); !slices.Equal(said, []string{"hello"}) {
				t.Errorf("the contact center got %q", said)
			}
		})
	}
}

func TestCommandIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.CommandMaxAge = 2 * time.Second })
	r.start()
	w := watchNew(r)
	w.inject(bpsim.Fault{Kind: "status", Status: http.StatusServiceUnavailable, Method: bpsim.SendEvents, Chat: w.chat})
	tried, never := w.give("chat.send", map[string]any{"text": "tried"}), w.give("chat.typing", map[string]any{})
	if got := r.awaitResult(tried); got.Error == nil || got.Error.Code != schema.CodeUnavailable || got.Error.Outcome != schema.OutcomeNotDone {
		t.Errorf("the tried one is answered %+v", got.Error)
	}
	if got := r.awaitResult(never); got.Error == nil || got.Error.Code != schema.CodeExpired || got.Error.Outcome != schema.OutcomeNotDone {
		t.Errorf("the one that was never tried is answered %+v", got.Error)
	}
	letters := r.deadLetters()
	if len(letters) != 2 {
		t.Fatalf("%d dead letters", len(letters))
	}
	letter := letters[0]
	if letter.Header.Get("Cc-Command-Id") != tried || letter.Header.Get("Cc-Error-Code") != "unavailable" || letter.Header.Get("Cc-Attempts") == "0" ||
		string(letter.Data) != `{"text":"tried"}` || letter.Subject != "cc.deadletter.chat.send."+string(w.token()) {
		t.Errorf("the dead letter is %s %v %s", letter.Subject, letter.Header, letter.Data)
	}
	if _, err := time.Parse(time.RFC3339, letter.Header.Get("Cc-First-Seen")); err != nil {
		t.Error(err)
	}
}

func (r *rig) deadLetters() (letters []*jetstream.RawStreamMsg) {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, r.config.Prefix.StreamName("DEADLETTER"))
	r.check(err)
	for n := uint64(1); ; n++ {
		msg, err := stream.GetMsg(r.ctx, n)
		if err != nil {
			return letters
		}
		letters = append(letters, msg)
	}
}
