package connector_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
)

// letter is the dead letter of a command.
func (o outsider) letter(id string) *jetstream.RawStreamMsg {
	o.Helper()
	var found []*jetstream.RawStreamMsg
	for _, letter := range o.deadLetters() {
		if letter.Header.Get("Cc-Command-Id") == id {
			found = append(found, letter)
		}
	}
	if len(found) != 1 {
		o.Fatalf("%s has %d dead letters", id, len(found))
	}
	return found[0]
}

// ending hears what ends a command of the kind chat.send, in its order.
type ending struct {
	mu   sync.Mutex
	told []string
}

func (e *ending) hear(msg *nats.Msg) {
	what := ""
	switch {
	case strings.HasPrefix(msg.Reply, "$JS.ACK."): // handed to a consumer
	case strings.HasPrefix(msg.Subject, "cc.deadletter.chat.send."):
		what = "dead letter"
	case strings.Contains(msg.Subject, ".result.chat.send"):
		what = "result"
	case strings.HasPrefix(msg.Subject, "$JS.ACK.CC_COMMANDS.") && string(msg.Data) == "+ACK":
		what = "ack"
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if what != "" {
		e.told = append(e.told, what)
	}
}

// When a command's own time is over: first the dead letter, as it came, then
// the result, then it is gone.
func TestEndOfPatience(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat, end := o.listen(), o.openChat(), &ending{}
	w := o.watch(end.hear)
	o.injectOn(chat, bpsim.SendEvents, statusFault(503, ""), 0)
	began := time.Now()
	g := given{
		command: "chat.send", id: "an id für 1%", source: "//s", data: fields{"chatId": chat, "text": "x"},
		attributes: map[string]string{"expirytime": began.Add(1500 * time.Millisecond).UTC().Format(time.RFC3339Nano), "correlationid": "c"},
	}
	msg := durably(writeStructured(g), chat)
	msg.Header["X-Own"], msg.Header["Nats-Expected-Stream"] = []string{"kept", "twice"}, []string{"CC_COMMANDS"}
	o.keep(msg)
	e := a.await(g.id)
	a.checkOnce(g.id)
	w.end()
	if !slices.Equal(end.told, []string{"dead letter", "result", "ack"}) {
		t.Errorf("it ended with %q", end.told)
	}
	if e.failure()["code"] != "unavailable" || e.failure()["outcome"] != "not_done" || e.attributes["correlationid"] != "c" {
		t.Errorf("the answer is %v", e)
	}
	letter := o.letter(g.id)
	if string(letter.Data) != string(msg.Data) || letter.Subject != "cc.deadletter.chat.send."+tokenOf(chat) ||
		!slices.Equal(letter.Header["X-Own"], msg.Header["X-Own"]) || !slices.Equal(letter.Header["content-type"], msg.Header["content-type"]) ||
		letter.Header.Get("Nats-Expected-Stream") != "" {
		t.Errorf("the letter on %s is %s %v", letter.Subject, letter.Data, letter.Header)
	}
	first, err := time.Parse(time.RFC3339, letter.Header.Get("Cc-First-Seen"))
	if err != nil || first.Before(began.Truncate(time.Second)) || first.After(time.Now()) {
		t.Errorf("it was first seen at %v (%v)", first, err)
	}
	if letter.Header.Get("Cc-Error-Code") != "unavailable" || letter.Header.Get("Cc-Error-Message") != e.failure()["message"] {
		t.Errorf("the letter's headers are %v", letter.Header)
	}
}

// The attempts are the calls that were made.
func TestAttemptsOfADeadLetter(t *testing.T) {
	t.Parallel()
	var calls, reads atomic.Int64
	o := newOutsider(t, bpsim.Options{}, func(r *rig) {
		r.config.CommandMaxAge = 2 * time.Second
		intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
			if request.Method == http.MethodPost && isEvents(request) {
				calls.Add(1)
			}
			if strings.Contains(request.URL.Path, "active") {
				reads.Add(1)
			}
			return false
		})
	})
	a, chat := o.listen(), o.openChat()
	o.injectOn(chat, bpsim.SendEvents, statusFault(503, ""), 0)
	o.inject(bpsim.Fault{Method: bpsim.GetActiveChat, Kind: "status", Status: 503})
	id := o.give("chat.typing", "tried", chat, fields{})
	never := o.give("chat.nottyping", "never", chat, fields{})
	active := o.give("chat.active", "reading", "", fields{"clientId": "c"})
	e := a.await(never)
	a.checkOnce(id, never, active)
	if e.failure()["code"] != "expired" || e.failure()["outcome"] != "not_done" {
		t.Errorf("the one that was never tried is answered %v", e.data)
	}
	for id, want := range map[string]int64{id: calls.Load(), never: 0, active: reads.Load()} {
		if got := o.letter(id).Header.Get("Cc-Attempts"); got != fmt.Sprint(want) || want == 0 != (id == never) {
			t.Errorf("%s: Cc-Attempts is %s of %d calls", id, got, want)
		}
	}
	if l := o.letter(active); l.Subject != "cc.deadletter.chat.active" {
		t.Errorf("its letter is on %s", l.Subject)
	}
}

// That JetStream was away is no call.
func TestNeverCalledForWantOfAStore(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, func(r *rig) { r.config.CommandMaxAge, r.config.CallTimeout = 2*time.Second, 300*time.Millisecond }).provided()}
	o.start()
	a, chat := o.listen(), o.openChat()
	o.mustSend("chat.detach", fields{"chatId": chat}) // nothing is remembered of it
	o.check(o.js.DeleteStream(o.ctx, "KV_CC_CHATS"))
	e := a.await(o.give("chat.typing", "never", chat, fields{}))
	if e.failure()["code"] != "expired" || e.failure()["outcome"] != "not_done" {
		t.Errorf("the answer is %v", e.data)
	}
	if l := o.letter("never"); l.Header.Get("Cc-Attempts") != "0" {
		t.Errorf("its letter is %v", l.Header)
	}
}

// A command that is too late is never called, and one that may have been
// carried out stays so to the end.
func TestEndsOfPatience(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, shortCalls, func(r *rig) { r.config.CommandMaxAge = 2 * time.Second })
	a, chat := o.listen(), o.openChat()
	g := given{command: "chat.send", id: "late", source: "//s", data: fields{"text": "x"}, attributes: map[string]string{"expirytime": "2020-01-01T00:00:00Z"}}
	o.keep(durably(writeBinary(g), chat))
	if e := a.await("late"); e.failure()["code"] != "expired" || e.failure()["outcome"] != "not_done" {
		t.Errorf("the late one is answered %v", e.data)
	}
	if l := o.letter("late"); l.Header.Get("Cc-Attempts") != "0" || l.Header.Get("Cc-Error-Code") != "expired" {
		t.Errorf("its letter is %v", l.Header)
	}
	if n := len(o.saidNames(chat)); n > 0 {
		t.Errorf("it was called %d times", n)
	}
	o.injectOn(chat, bpsim.SendEvents, bpsim.Fault{Kind: "cut_after"}, 0)
	o.injectOn(chat, bpsim.GetHistory, statusFault(503, ""), 0)
	unknown := a.await(o.give("chat.send", "unknown", chat, fields{"text": "x"}))
	if unknown.failure()["outcome"] != "unknown" {
		t.Errorf("the unknown one is answered %v", unknown.data)
	}
	if l := o.letter("unknown"); l.Header.Get("Cc-Error-Code") != unknown.failure()["code"] || l.Header.Get("Cc-Attempts") != "1" {
		t.Errorf("its letter is %v", l.Header)
	}
	a.checkOnce("late", "unknown")
	if said := o.saidTexts(chat); len(said) != 1 {
		t.Errorf("the contact center got %q", said)
	}
}

// A plain dead letter put back under a new Nats-Msg-Id runs.
func TestDeadLetterIsPutBack(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.CommandMaxAge = time.Second })
	a, chat := o.listen(), o.openChat()
	o.injectOn(chat, bpsim.SendEvents, statusFault(503, ""), 0)
	a.await(o.give("chat.send", "first", chat, fields{"text": "late, but there"}))
	letter := o.letter("first")
	o.sim.ClearFaults()
	back := nats.NewMsg(strings.Replace(letter.Subject, "cc.deadletter.", "cc.durable.", 1))
	back.Header, back.Data = nats.Header(letter.Header), letter.Data
	back.Header.Set("Nats-Msg-Id", "second") // beside what the reading of the letter has put there
	o.keep(back)
	a.mustSucceed("second")
	a.checkOnce("first", "second")
	if said := o.saidTexts(chat); !slices.Equal(said, []string{"late, but there"}) {
		t.Errorf("the contact center got %q", said)
	}
}

// What could not be a dead letter is no command. Only chat.request may be as large.
func TestCommandTooLargeForADeadLetter(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.CommandMaxAge = time.Second })
	a := o.listen()
	o.inject(bpsim.Fault{Method: bpsim.RequestChat, Kind: "status", Status: 503})
	room := int(o.nc.MaxPayload())
	request := func(id string, size int) string {
		msg := durably(writePlain(given{command: "chat.request", id: id}), "")
		msg.Data = []byte(`{"from":"Ada"` + strings.Repeat(" ", size) + `}`)
		o.keep(msg)
		return id
	}
	huge, large := request("huge", room-200), request("large", room-9000)
	checkRefused(a.await(huge), o, "data")
	a.await(large)
	a.checkOnce(huge, large)
	if l := o.letter(large); len(l.Data) < room-9000 {
		t.Errorf("the letter has %d bytes", len(l.Data))
	}
}

// What a sender's headers tell JetStream is between those two.
func TestJetStreamHeadersOfCommands(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.CommandMaxAge = 1500 * time.Millisecond })
	a := o.listen()
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 503})
	headers := map[string]string{
		"Nats-Rollup": "sub", "Nats-TTL": "1h", "Nats-Expected-Last-Sequence": "0", "Nats-Schedule": "@every 1s", "Nats-Incr": "+1", "Nats-Batch-Id": "b",
		"Nats-Expected-Last-Subject-Sequence": "0", "Nats-Expected-Stream": "CC_COMMANDS", "Nats-Service-Error": "x",
		"Nats-Sequence": "1", "Nats-Subject": "cc.durable.chat.end.x", "Nats-Stream": "X", "Nats-Time-Stamp": "x", "Nats-Marker-Reason": "Purge",
		"KV-Operation": "DEL",
	}
	kept := map[string]string{} // header by chat
	for name, value := range headers {
		chat := o.openChat()
		msg := durably(writePlain(given{command: "chat.send", id: name, data: fields{"text": "x"}}), chat)
		msg.Header.Set(name, value)
		if _, err := o.js.PublishMsg(o.ctx, msg); err == nil {
			kept[chat] = name
			o.give("chat.typing", "behind "+name, chat, fields{})
		}
	}
	for chat, name := range kept {
		if e := a.await(name); e.failure()["code"] != "unavailable" {
			t.Errorf("with %s the answer is %v", name, e.data)
		}
		a.await("behind " + name)
		if l := o.letter(name); l.Subject != "cc.deadletter.chat.send."+tokenOf(chat) || string(l.Data) != `{"text":"x"}` {
			t.Errorf("the letter on %s is %s", l.Subject, l.Data)
		}
	}
	if len(kept) < 9 {
		t.Errorf("JetStream keeps %v only", kept)
	}
}
