package connector_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

// shortCalls lets a look-up come soon.
func shortCalls(r *rig) {
	r.config.CallTimeout, r.client.Timeout = 700*time.Millisecond, 700*time.Millisecond
}

// again says what becomes of a durable command after a fault: whether it is
// tried again, by the sort of command, and what its sender is told if not.
type again struct {
	fault   bpsim.Fault
	final   bool // for every command
	unknown bool // it may have been carried out
	done    bool // it has been
}

// faults are the rows of the table of outcomes.
var faults = map[string]again{
	"429":             {fault: bpsim.Fault{Kind: "status", Status: 429, RetryAfter: time.Second}},
	"503":             {fault: statusFault(503, "")},
	"5001":            {fault: statusFault(503, "5001")},
	"500":             {fault: statusFault(500, ""), unknown: true},
	"502":             {fault: statusFault(502, ""), unknown: true},
	"5000":            {fault: statusFault(500, "5000"), unknown: true},
	"5004":            {fault: statusFault(500, "5004"), unknown: true},
	"5500":            {fault: statusFault(500, "5500"), unknown: true},
	"5500, done":      {fault: bpsim.Fault{Kind: "status", Status: 500, Code: "5500", AfterEffect: true}, unknown: true, done: true},
	"5558":            {fault: statusFault(500, "5558"), unknown: true},
	"5955":            {fault: statusFault(500, "5955"), unknown: true},
	"cut":             {fault: bpsim.Fault{Kind: "cut_before"}, unknown: true},
	"cut, done":       {fault: bpsim.Fault{Kind: "cut_after"}, unknown: true, done: true},
	"half, done":      {fault: bpsim.Fault{Kind: "truncate"}, unknown: true, done: true},
	"garbage, done":   {fault: bpsim.Fault{Kind: "garbage"}, unknown: true, done: true},
	"time-out":        {fault: bpsim.Fault{Kind: "hang"}, unknown: true},
	"400":             {fault: statusFault(400, ""), final: true},
	"403":             {fault: statusFault(403, ""), final: true},
	"404":             {fault: statusFault(404, ""), final: true},
	"5005":            {fault: statusFault(404, "5005"), final: true},
	"an unknown code": {fault: statusFault(409, "7777"), final: true},
}

// What one fault does to a command that may be repeated, to a message, and to
// a form, which is neither.
func TestDurableOutcomes(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, shortCalls)
	a := o.listen()
	for name, c := range faults {
		for command, data := range map[string]fields{
			"chat.typing": {}, "chat.send": {"text": "x"}, "chat.form": {"formRequestId": "7", "formName": "f", "data": fields{}},
		} {
			t.Run(name+" "+command, func(t *testing.T) {
				t.Parallel()
				o, chat := o.in(t), o.openChat()
				watched{o.rig, chat}.untilListening()
				o.injectOn(chat, bpsim.SendEvents, c.fault, 1)
				e := a.await(o.give(command, name+" "+command, chat, data))
				c.check(o, command, e, len(o.saidNames(chat)))
			})
		}
	}
}

func (c again) check(o outsider, command string, e cloudEvent, said int) {
	o.Helper()
	stopped := c.final || c.unknown && command == "chat.form"
	want, outcome := 1, "not_done"
	switch {
	case stopped && !c.done:
		want = 0
	case c.done && command == "chat.typing":
		want = 2 // which does no harm
	}
	if c.unknown {
		outcome = "unknown"
	}
	if stopped != (e.status() == "error") || stopped && e.failure()["outcome"] != outcome {
		o.Errorf("the result is %v", e.data)
	}
	if said != want {
		o.Errorf("the contact center has it %d times, want %d", said, want)
	}
}

// The contact center cannot be reached at all.
func TestDurableCommandWaitsForAConnection(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, shortCalls)
	a, chat := o.listen(), o.openChat()
	address := o.http.Listener.Addr().String()
	o.http.CloseClientConnections()
	o.check(o.http.Listener.Close())
	id := o.give("chat.send", "patient", chat, fields{"text": "x"})
	form := o.give("chat.form", "a form", chat, fields{"formRequestId": "7", "formName": "f", "data": fields{}})
	o.eventually("it was tried", func() bool { return strings.Contains(o.log.String(), "connection refused") || o.attempts(id) > 0 })
	listenAgain(o, address)
	a.mustSucceed(id)
	a.mustSucceed(form)
	if said := o.saidNames(chat); !slices.Equal(said, []string{"message", "form_data"}) {
		t.Errorf("the contact center got %q", said)
	}
}

// attempts are the tries that the journal knows of a plain command that waits.
func (o outsider) attempts(id string) (n int) {
	o.Helper()
	o.eachRecord(func(record fields) {
		if record["id"] == id {
			tries, _ := record["attempts"].(float64)
			n = int(tries)
		}
	})
	return n
}

// eachRecord shows what the journal has.
func (o outsider) eachRecord(show func(record fields)) {
	o.Helper()
	bucket, err := o.js.KeyValue(o.ctx, "CC_JOURNAL")
	o.check(err)
	keys, err := bucket.Keys(o.ctx)
	if err != nil {
		return
	}
	for _, key := range keys {
		value, err := bucket.Get(o.ctx, key)
		if err != nil {
			continue
		}
		var record fields
		o.check(json.Unmarshal(value.Value(), &record))
		show(record)
	}
}

func TestDurableCaseClose(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	e := a.await(o.give("case.close", "no case", chat, fields{}))
	if e.failure()["code"] != "chat_session_case_not_specified" || e.failure()["retryable"] != true || e.failure()["outcome"] != "not_done" {
		t.Errorf("without a case the answer is %v", e.data)
	}
	caseOpens(o, chat)
	o.injectOn(chat, bpsim.CloseCase, statusFault(500, "5602"), 2)
	a.mustSucceed(o.give("case.close", "CRM away", chat, fields{}))
	if n := o.record(chat).Calls[bpsim.CloseCase]; n != 1 {
		t.Errorf("it was closed %d times", n)
	}
}

// The first try has ended the session, so the second finds none.
func TestDurableEndWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{KeepEnded: time.Millisecond})
	a, chat := o.listen(), o.openChat()
	o.injectOn(chat, bpsim.SendEvents, bpsim.Fault{Kind: "cut_after"}, 1)
	id := o.give("chat.end", "the end", chat, fields{})
	a.mustSucceed(id)
	a.checkOnce(id)
	o.awaitStored(chat, ".session.closed", 1)
	if e := a.await(o.give("chat.end", "once more", chat, fields{})); e.status() != "error" {
		t.Errorf("the end of a chat that is gone is answered %v", e.data)
	}
}

// A look-up that fails waits for as long as it is told to.
func TestLookUpHonoursRetryAfter(t *testing.T) {
	t.Parallel()
	var reads atomic.Int64
	o := newOutsider(t, bpsim.Options{}, shortCalls, func(r *rig) {
		r.config.CommandMaxAge = 4 * time.Second
		intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
			if strings.HasSuffix(request.URL.Path, "/history") {
				reads.Add(1)
			}
			return false
		})
	})
	a, chat := o.listen(), o.openChat()
	o.mustSend("chat.detach", fields{"chatId": chat}) // nobody else reads the history
	before := reads.Load()
	o.injectOn(chat, bpsim.SendEvents, bpsim.Fault{Kind: "cut_before"}, 1)
	o.injectOn(chat, bpsim.GetHistory, bpsim.Fault{Kind: "status", Status: 503, RetryAfter: time.Hour}, 0)
	id := o.give("chat.send", "unknown", chat, fields{"text": "x"})
	if e := a.await(id); e.failure()["outcome"] != "unknown" {
		t.Errorf("the answer is %v", e.data)
	}
	if n := reads.Load() - before; n != 1 {
		t.Errorf("the history was read %d times", n)
	}
}

// listenAgain has the contact center answer on its address once more.
func listenAgain(o outsider, address string) {
	o.Helper()
	server := &http.Server{Addr: address, Handler: o.http.Config.Handler}
	go func() { _ = server.ListenAndServe() }()
	o.Cleanup(func() { _ = server.Close() })
}
