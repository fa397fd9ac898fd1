package connector_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// giveMany gives a chat so many messages and returns their ids.
func (o outsider) giveMany(chat string, from, to int) (ids []string) {
	o.Helper()
	for i := from; i < to; i++ {
		ids = append(ids, o.give("chat.send", fmt.Sprintf("%s-%d", chat, i), chat, fields{"text": fmt.Sprint(i)}))
	}
	return ids
}

// checkInOrder proves that a chat's messages reached the contact center once,
// in the order in which they were given.
func (o outsider) checkInOrder(chat string, count int) {
	o.Helper()
	var want []string
	for i := range count {
		want = append(want, fmt.Sprint(i))
	}
	if said := o.saidTexts(chat); !slices.Equal(said, want) {
		o.Errorf("the contact center got %q of %d in %s", said, count, chat)
	}
}

// traffic is what the durable lane asks of JetStream.
type traffic struct{ api, acks, turns atomic.Int64 }

func (t *traffic) hear(msg *nats.Msg) {
	switch {
	case strings.HasPrefix(msg.Subject, "$JS.API.STREAM.MSG.GET.CC_COMMANDS"), strings.HasPrefix(msg.Subject, "$JS.API.DIRECT.GET.CC_COMMANDS"):
		t.api.Add(1)
	case strings.HasPrefix(msg.Subject, "$JS.ACK.CC_COMMANDS."):
		t.acks.Add(1)
	case strings.HasPrefix(msg.Subject, "cc.internal.turn."):
		t.turns.Add(1)
	}
}

// Chats that fail hold back their own commands, however many, and those of no
// other chat. When they are healed all is done, in order.
// It fills the machine, and has it for itself.
func TestManyFailingChats(t *testing.T) {
	const chats, each = 20, 40
	o := newOutsider(t, bpsim.Options{})
	o.start()
	a, spent := o.listen(), &traffic{}
	w := o.watch(spent.hear)
	var failing, ids []string
	for range chats {
		chat := o.openChat()
		failing = append(failing, chat)
		o.injectOn(chat, bpsim.SendEvents, statusFault(503, ""), 0)
	}
	for _, chat := range failing {
		ids = append(ids, o.giveMany(chat, 0, each)...)
	}
	for range 5 { // and between them, and behind
		sound := o.openChat()
		for _, id := range o.giveMany(sound, 0, 4) {
			a.mustSucceed(id)
			ids = append(ids, id)
		}
		o.checkInOrder(sound, 4)
	}
	for _, id := range ids[:chats*each] {
		if len(a.of(id)) > 0 {
			t.Fatalf("%s has a result, and its chat fails", id)
		}
	}
	o.sim.ClearFaults()
	a.checkOnce(ids...)
	w.end()
	for _, chat := range failing {
		o.checkInOrder(chat, each)
	}
	stream, err := o.js.Stream(o.ctx, "CC_COMMANDS")
	o.check(err)
	runners, err := stream.Consumer(o.ctx, "runners")
	o.check(err)
	n := float64(len(ids))
	t.Logf("per command: %.1f deliveries, %.1f acknowledgements of all kinds, %.1f looks into the stream, %.2f words to other replicas",
		float64(runners.CachedInfo().Delivered.Consumer)/n, float64(spent.acks.Load())/n, float64(spent.api.Load())/n, float64(spent.turns.Load())/n)
}

// A call may take longer than a silent replica is waited for: its replica is
// not silent.
func TestLongCallKeepsItsCommand(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	o.start()
	a, chat := o.listen(), o.openChat()
	o.injectOn(chat, bpsim.SendEvents, bpsim.Fault{Kind: "delay", Delay: 4 * time.Second}, 1)
	form := o.give("chat.form", "a form", chat, fields{"formRequestId": "7", "formName": "f", "data": fields{}})
	ids := o.giveMany(chat, 0, 3) // whoever thought it dead could not look for a form
	for _, id := range append(ids, form) {
		a.mustSucceed(id)
	}
	a.checkOnce(append(ids, form)...)
	o.checkInOrder(chat, 3)
	if n := o.record(chat).Calls[bpsim.SendEvents]; n != 4 {
		t.Errorf("%d calls for 4 commands", n)
	}
}

// A replica that leaves in order ends what it runs, and what waits is taken
// over at once: nobody waits for its silence.
func TestOrderlyStopWithCommands(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}
	first := o.start()
	a, chats, ids := o.listen(), []string{}, []string{}
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "hang", Times: 3})
	for range 3 {
		chat := o.openChat()
		chats, ids = append(chats, chat), append(ids, o.giveMany(chat, 0, 10)...)
	}
	o.eventually("all three are in a call", func() bool { return len(o.sim.Faults()) == 0 })
	o.start()
	o.giveMany(chats[0], 10, 15) // which some other replica may have in hand
	var offered atomic.Int64
	w := o.watch(func(msg *nats.Msg) {
		if strings.HasPrefix(msg.Subject, "$JS.ACK.CC_COMMANDS.") && string(msg.Data) == "-NAK" {
			offered.Add(1)
		}
	})
	left := make(chan struct{})
	go func() { defer close(left); first.stop() }()
	o.eventually("what waits is offered to the other", func() bool { return offered.Load() >= 27 })
	o.giveMany(chats[0], 15, 20)
	if n := len(a.of(ids[1])); n > 0 {
		t.Error("a command has overtaken one that runs")
	}
	o.sim.ClearFaults()
	<-left
	w.end()
	for i := 10; i < 20; i++ {
		ids = append(ids, fmt.Sprintf("%s-%d", chats[0], i))
	}
	a.checkOnce(ids...)
	for i, chat := range chats {
		o.checkInOrder(chat, []int{20, 10, 10}[i])
	}
}

// Again and again, with replicas that come and go in the middle of their work.
func TestReplicasComeAndGoUnderCommands(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}
	running := []*replica{o.start(), o.start()}
	a, chats, ids := o.listen(), []string{}, []string{}
	for range 4 {
		chats = append(chats, o.openChat())
	}
	for round := range 5 {
		for _, chat := range chats {
			ids = append(ids, o.giveMany(chat, 8*round, 8*round+8)...)
		}
		running[round].stop()
		running = append(running, o.start())
	}
	a.checkOnce(ids...)
	for _, chat := range chats {
		o.checkInOrder(chat, 40)
	}
}

// NATS goes away while a command runs, and while others wait.
func TestNATSRestartsUnderCommands(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{})}
	defer o.start().stop()
	chat := o.openChat()
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "delay", Delay: time.Second, Times: 1})
	ids := o.giveMany(chat, 0, 8)
	watched{o.rig, chat}.untilStruck()
	o.shutNATSDown()()
	a := o.listen()
	ids = append(ids, o.giveMany(chat, 8, 10)...)
	for _, id := range ids {
		a.mustSucceed(id)
	}
	a.checkOnce(ids...)
	o.checkInOrder(chat, 10)
}

// A stream that is missing at run time is named, and all goes on when it is
// there again.
func TestCommandStreamsGoMissing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"CC_COMMANDS", "KV_CC_JOURNAL", "CC_DEADLETTER"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := outsider{newRig(t, bpsim.Options{}).provided()}
			replica := o.start()
			a, chat := o.listen(), o.openChat()
			a.mustSucceed(o.give("chat.send", "before", chat, fields{"text": "0"}))
			a.awaitIdle()
			o.check(o.js.DeleteStream(o.ctx, name))
			o.eventually("readiness names it", func() bool {
				err := replica.Ready()
				return err != nil && strings.Contains(err.Error(), name) && strings.Contains(err.Error(), "missing")
			})
			if name == "KV_CC_JOURNAL" {
				e := o.send("chat.send", fields{"chatId": chat, "text": "live"})
				if e.failure()["code"] != "unavailable" || e.failure()["outcome"] != "not_done" {
					t.Errorf("without a journal a live command is answered %v", e.data)
				}
				o.give("chat.send", "during", chat, fields{"text": "1"})
			} else {
				o.mustSend("chat.send", fields{"chatId": chat, "text": "1"})
			}
			o.config.Provision = true
			o.start() // makes it again
			o.eventually("it is ready again", func() bool { return replica.Ready() == nil })
			a.mustSucceed(o.give("chat.send", "after", chat, fields{"text": "2"}))
			a.awaitIdle()
			o.checkInOrder(chat, 3)
		})
	}
}

// The first of two that are the same is taken out of the stream by hand.
func TestRemovedCommandLeavesItsPlace(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	o.injectOn(chat, bpsim.SendEvents, statusFault(503, ""), 0)
	g := given{command: "chat.send", id: "same", source: "//s", data: fields{"text": "0"}}
	first := o.keep(durably(writeStructured(g), chat))
	o.eventually("it was tried", func() bool { return o.attempts("same") > 0 })
	o.keep(durably(writeStructured(g), chat))
	ids := o.giveMany(chat, 1, 3)
	stream, err := o.js.Stream(o.ctx, "CC_COMMANDS")
	o.check(err)
	o.check(stream.DeleteMsg(o.ctx, first.Sequence))
	o.sim.ClearFaults()
	a.checkOnce(append(ids, "same")...)
	o.checkInOrder(chat, 3)
}

// checkDied expects the outcome of a live command whose replica has died.
func checkDied(o outsider, e cloudEvent) {
	o.Helper()
	if e.failure()["code"] != "internal" || e.failure()["outcome"] != "unknown" || e.failure()["retryable"] != true {
		o.Errorf("the answer is %v", e.data)
	}
}

// untold is a result without what was asked for, which is told by who knows it.
func untold(data fields) fields {
	data = maps.Clone(data)
	delete(data, "request")
	return data
}

// A live command whose replica dies has one result, by another replica, and
// its repeat gets that.
func TestLiveCommandOfADeadReplica(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{})}
	doomed := o.startMortal()
	a, chat := o.listen(), o.openChat()
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "hang", Times: 2})
	g := given{command: "chat.send", id: "same", source: "//s", data: fields{"chatId": chat, "text": "0"}, attributes: attributesGiven}
	form := given{command: "chat.form", id: "form", data: fields{"chatId": chat, "formRequestId": "7", "formName": "f", "data": fields{}}}
	o.askLater(writeStructured(g))
	o.askLater(writePlain(form))
	watched{o.rig, chat}.untilStruck()
	dead := make(chan struct{})
	go func() { defer close(dead); doomed.kill() }()
	o.start()
	o.start()
	repeat := o.askLater(writeStructured(g))
	o.keep(durably(writeBinary(g), chat))
	e := a.await("same")
	checkDied(o, e)
	if e.attributes["correlationid"] != attributesGiven["correlationid"] || e.attributes["traceparent"] != attributesGiven["traceparent"] || e.attributes["subject"] != tokenOf(chat) {
		t.Errorf("the result has the attributes %v", e.attributes)
	}
	if r := repeat.answer(); r.id() != e.id() || diff(untold(r.data), untold(e.data)) != "" {
		t.Errorf("the repeat is answered %v", r.data)
	}
	checkDied(o, a.await("form"))
	after := o.request(writeStructured(g))
	if diff(untold(after.data), untold(e.data)) != "" || after.data["request"] == nil {
		t.Errorf("a later repeat is answered %v", after.data)
	}
	a.mustSucceed(o.give("chat.send", "next", chat, fields{"text": "1"}))
	a.checkOnce("same", "form", "next")
	<-dead
	if id := a.mustSucceed("next")["messageId"]; id != chat+":1" {
		t.Errorf("the next message is %v: no number may be given twice", id)
	}
}

// A durable command whose replica dies is gone on with by another.
func TestDurableCommandOfADeadReplica(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, shortCalls)}
	doomed := o.startMortal()
	a, chat, other := o.listen(), o.openChat(), o.openChat()
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "cut_after", Times: 2})
	o.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: 503})
	ids := o.giveMany(chat, 0, 5)
	form := o.give("chat.cobrowsing", "final", other, fields{"action": "ended"})
	watched{o.rig, chat}.until("they were called", func(bpsim.Record) bool { return len(o.sim.Faults()) == 1 })
	doomed.kill()
	o.sim.ClearFaults()
	o.start()
	for _, id := range ids {
		a.mustSucceed(id)
	}
	if e := a.await(form); e.failure()["outcome"] != "unknown" {
		t.Errorf("the one that cannot be repeated is answered %v", e.data)
	}
	a.checkOnce(append(ids, form)...)
	o.checkInOrder(chat, 5)
}
