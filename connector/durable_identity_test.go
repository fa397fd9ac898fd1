package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// asked is a live command that has been sent.
type asked struct {
	outsider
	inbox *nats.Subscription
}

// askLater sends a live command whose reply is read later.
func (o outsider) askLater(msg *nats.Msg) asked {
	o.Helper()
	inbox, err := o.nc.SubscribeSync(nats.NewInbox())
	o.check(err)
	msg.Reply = inbox.Subject
	o.check(o.nc.PublishMsg(msg))
	return asked{o, inbox}
}

func (a asked) answer() cloudEvent {
	a.Helper()
	msg, err := a.inbox.NextMsg(patience)
	a.check(err)
	return a.read(msg.Header, msg.Data)
}

func isConflict(e cloudEvent) bool {
	return e.failure()["code"] == "command_conflict" && e.failure()["outcome"] == "not_done"
}

// A plain durable command without an id has its place in the stream.
func TestDurableIdentities(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	msg := durably(writePlain(given{command: "chat.send", data: fields{"text": "nameless"}}), chat)
	msg.Header = nil
	ack := o.keep(msg)
	a.eventually("it has a result", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.all) > 1 }) // chat.request has one
	id := a.all[1].attributes["causationid"]
	at, found := strings.CutPrefix(id, fmt.Sprintf("CC_COMMANDS:%d:", ack.Sequence))
	if _, err := time.Parse(time.RFC3339Nano, at); !found || err != nil {
		t.Errorf("its id is %q", id)
	}

	g := given{command: "chat.send", id: "of a", source: "//a", data: fields{"text": "one"}}
	o.keep(durably(writeStructured(g), chat))
	o.keep(durably(writeBinary(g), chat)) // a repeat, in another form
	g.source, g.data = "//b", fields{"text": "two"}
	o.keep(durably(writeBinary(g), chat)) // another sender's
	a.eventually("both have results", func() bool { return len(a.of("of a")) == 2 })
	a.awaitIdle()
	if said := o.saidTexts(chat); !slices.Equal(said, []string{"nameless", "one", "two"}) {
		t.Errorf("the contact center got %q", said)
	}
	if r := a.of("of a"); r[0].status() != "ok" || r[1].status() != "ok" || r[0].id() == r[1].id() {
		t.Errorf("the results are %v", r)
	}
}

// However the same data are written, they are the same.
func TestRepeatIsSpeltOtherwise(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	spellings := []string{
		`{"formRequestId":"7","formName":"f","data":{"a":1,"b":{"c":"\u00e9","d":[1,2]}}}`,
		`{"data": {"b":{"d":[1 , 2], "c":"é"}, "a":1}, "formName":"f", "chatId":"` + chat + `", "formRequestId":"7"}`,
	}
	for i, data := range spellings {
		msg := nats.NewMsg("cc.durable.chat.form." + tokenOf(chat))
		msg.Header["ce-specversion"], msg.Header["ce-id"] = []string{"1.0"}, []string{"form"}
		msg.Header["ce-source"], msg.Header["ce-type"] = []string{"//s"}, []string{"t"}
		msg.Header.Set(nats.MsgIdHdr, fmt.Sprint(i))
		msg.Data = []byte(data)
		o.keep(msg)
		a.awaitIdle()
	}
	a.checkOnce("form")
	a.mustSucceed("form")
	live := writeStructured(given{command: "chat.form", id: "form", source: "//s", data: fields{
		"chatId": chat, "formName": "f", "formRequestId": "7", "data": fields{"b": fields{"c": "é", "d": []any{1, 2}}, "a": 1},
	}})
	if e := o.request(live); e.status() != "ok" {
		t.Errorf("the live repeat is answered %v", e.failure())
	}
	if names := o.saidNames(chat); !slices.Equal(names, []string{"form_data"}) {
		t.Errorf("the contact center got %q", names)
	}
	live = writeStructured(given{command: "chat.form", id: "form", source: "//s", data: fields{
		"chatId": chat, "formName": "f", "formRequestId": "7", "data": fields{"b": fields{"c": "é", "d": []any{2, 1}}, "a": 1},
	}})
	if e := o.request(live); !isConflict(e.cloudEvent) {
		t.Errorf("other data are answered %v", e.data)
	}
}

// A command that was refused may come again under its id, corrected.
func TestRefusedCommandComesCorrected(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	send := func(id, field string) given {
		return given{command: "chat.send", id: id, data: fields{"chatId": chat, field: "corrected"}}
	}
	for lane, run := range map[string]func(given){
		"live":    func(g given) { o.request(writePlain(g)) },
		"durable": func(g given) { o.keep(durably(writePlain(g), chat)) },
	} {
		run(send(lane, "txt"))
		refused := a.await(lane)
		a.awaitIdle()
		run(send(lane, "text"))
		a.eventually("the corrected one has a result", func() bool { return len(a.of(lane)) > 1 })
		a.awaitIdle()
		if all := a.of(lane); len(all) != 2 || all[1].status() != "ok" || all[1].id() == refused.id() {
			t.Errorf("%s: the results are %v", lane, all)
		}
	}
	if said := o.saidTexts(chat); len(said) != 2 {
		t.Errorf("the contact center got %q", said)
	}
}

// A command that runs is not run again: its repeat waits for the outcome.
func TestRepeatWaitsForTheRunningOne(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}
	one, two := o.startMortal(), o.startMortal()
	a, chat := o.listen(), o.openChat()
	g := given{command: "chat.send", id: "same", data: fields{"chatId": chat, "text": "once"}}
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "hang", Times: 1})
	first := o.askLater(writePlain(g))
	watched{o.rig, chat}.untilStruck()
	var repeats []asked
	for range 6 { // some of them reach the other replica
		repeats = append(repeats, o.askLater(writePlain(g)))
	}
	o.keep(durably(writePlain(g), chat))
	later := o.give("chat.send", "later", chat, fields{"text": "later"})
	o.eventually("the repeats are known as such", func() bool { return one.repeats()+two.repeats() == len(repeats) })
	if len(a.of("same")) > 0 || len(a.of(later)) > 0 {
		t.Error("there are results, and the first has none")
	}
	o.sim.ClearFaults()
	want := first.answer()
	for _, repeat := range repeats {
		if e := repeat.answer(); e.id() != want.id() || diff(e.data, want.data) != "" || e.status() != "ok" {
			t.Errorf("the repeat is answered %v, the first %v", e.data, want.data)
		}
	}
	a.await(later)
	a.checkOnce("same", later)
	if said := o.saidTexts(chat); !slices.Equal(said, []string{"once", "later"}) {
		t.Errorf("the contact center got %q", said)
	}
}

// repeats is how many live commands the replica has known as repeats.
func (m mortal) repeats() (count int) {
	m.Helper()
	families, err := m.registry.Gather()
	m.check(err)
	for _, family := range families {
		if family.GetName() != "cc_commands_repeated_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "lane" && label.GetValue() == "live" {
					count += int(metric.GetCounter().GetValue())
				}
			}
		}
	}
	return count
}

// The same command on both lanes and several replicas at once runs once.
func TestSimultaneousRepeats(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	o.start()
	a, chat := o.listen(), o.openChat()
	var ids []string
	for i := range 12 {
		g := given{command: "chat.send", id: fmt.Sprint("same ", i), source: "//s", data: fields{"chatId": chat, "text": fmt.Sprint(i)}}
		ids = append(ids, g.id)
		var replies []asked
		for range 4 {
			replies = append(replies, o.askLater(writeStructured(g)))
			if i%2 == 0 {
				o.keep(durably(writeStructured(g), chat))
			}
		}
		want := replies[0].answer()
		for _, r := range replies[1:] {
			if e := r.answer(); diff(e.data, want.data) != "" || e.status() != "ok" {
				t.Errorf("%s is answered %v and %v", g.id, e.data, want.data)
			}
		}
	}
	a.checkOnce(ids...)
	if said := o.saidTexts(chat); len(said) != 12 {
		t.Errorf("the contact center got %q", said)
	}
}

// Reads are not recorded: a repeat reads again.
func TestReadsAreReadAgain(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openElsewhere("elsewhere")
	g := given{command: "chat.active", id: "same", source: "//s", data: fields{"clientId": "elsewhere"}}
	for i, message := range []*nats.Msg{writeStructured(g), durably(writeStructured(g), ""), durably(writeStructured(g), ""), writeStructured(g)} {
		if strings.HasPrefix(message.Subject, "cc.durable.") {
			o.keep(message)
			a.awaitIdle()
		} else if e := o.request(message); e.status() != "ok" || e.data["chatId"] != chat {
			t.Errorf("the answer is %v", e.data)
		}
		if n := o.sim.Calls()[bpsim.GetActiveChat]; n != i+1 {
			t.Errorf("%d reads, want %d", n, i+1)
		}
	}
	history := given{command: "chat.history", id: "history", data: fields{"chatId": chat}}
	before := o.request(writePlain(history))
	watched{o.rig, chat}.says("news")
	o.awaitStored(chat, ".event.message", 1)
	if after := o.request(writePlain(history)); diff(after.data, before.data) == "" {
		t.Error("a repeat of chat.history does not tell the news")
	}
	if e := o.request(writePlain(given{command: "chat.history", id: "same", data: fields{"chatId": chat}})); e.status() != "ok" {
		t.Errorf("a read under the id of another is answered %v", e.failure())
	}
}

// A chat is made once, and stays a new one for the command that made it.
func TestRepeatedChatRequest(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a := o.listen()
	g := given{command: "chat.request", id: "same", source: "//s", data: fields{"from": "Ada"}}
	o.keep(durably(writeStructured(g), ""))
	want := a.mustSucceed("same")
	o.keep(durably(writeBinary(g), ""))
	for range 2 {
		result, _ := o.request(writeStructured(g)).data["result"].(fields)
		if result["clientId"] == nil {
			t.Errorf("the repeat's reply has no clientId: %v", result)
		}
		withoutClientID(result)
		if diff(result, want) != "" {
			t.Errorf("the repeat is answered %v, want %v", result, want)
		}
	}
	a.checkOnce("same")
	if want["isNewChat"] != true || want["clientRef"] != o.refOf(want["chatId"].(string)) {
		t.Errorf("the result is %v", want)
	}
	if n := o.sim.Calls()[bpsim.RequestChat]; n != 1 || len(o.sim.Chats()) != 1 {
		t.Errorf("%d calls made %d chats", n, len(o.sim.Chats()))
	}
	opened := o.awaitStored(want["chatId"].(string), ".session.opened", 1)
	if len(opened) != 1 {
		t.Errorf("it was opened %d times", len(opened))
	}
}

// The answer to the request that made the chat was lost, or a part of it.
func TestChatRequestWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		client string        // its own; "": the command's
		before bool          // it has had a chat before
		late   time.Duration // by which the contact center's clock is late
		fault  string
	}{
		"cut":                  {fault: "cut_after"},
		"cut, late clock":      {fault: "cut_after", late: time.Hour},
		"cut, early clock":     {fault: "cut_after", late: -time.Hour},
		"garbage":              {fault: "garbage"},
		"with a client":        {fault: "cut_after", client: "client-1"},
		"of an earlier chat":   {fault: "cut_after", client: "client-2", before: true},
		"not even carried out": {fault: "cut_before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := newClock(-c.late)
			o := newOutsider(t, bpsim.Options{Now: clock.now, Script: "echo"})
			a := o.listen()
			data := fields{"from": "Ada"}
			if c.client != "" {
				data["clientId"] = c.client
			}
			if c.before {
				clock.set(-time.Minute)
				chat := watched{o.rig, o.openElsewhere(c.client)}
				chat.until("it has a past", func(r bpsim.Record) bool { return len(r.Server) > 0 })
				clock.set(0)
			}
			o.inject(bpsim.Fault{Method: bpsim.RequestChat, Kind: c.fault, Times: 1})
			result := a.mustSucceed(o.give("chat.request", "the request", "", data))
			if result["isNewChat"] != !c.before {
				t.Errorf("isNewChat is %v", result["isNewChat"])
			}
			a.checkOnce("the request")
			chat := result["chatId"].(string)
			if n := len(o.sim.Chats()); n != 1 {
				t.Errorf("%d chats were made", n)
			}
			opened := o.awaitStored(chat, ".session.opened", 1)
			var said struct{ IsNewChat bool }
			o.check(opened[0].event.DataAs(&said))
			if said.IsNewChat == c.before || opened[0].event.Extensions()["causationid"] != "the request" {
				t.Errorf("session.opened says %+v, %v", said, opened[0].event.Extensions())
			}
			watched{o.rig, chat}.says("hello")
			o.awaitStored(chat, ".event.message", 1)
			watched{o.rig, chat}.checkAccountUnordered()
		})
	}
}

// clock is the contact center's.
type clock struct{ ahead atomic.Int64 }

func newClock(ahead time.Duration) *clock {
	c := &clock{}
	c.set(ahead)
	return c
}

func (c *clock) set(ahead time.Duration) { c.ahead.Store(int64(ahead)) }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }
