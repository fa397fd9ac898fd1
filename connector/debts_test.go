package connector_test

import (
	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// A mark lags: most of what stands behind it is settled long since, and none of
// it is told again. What is not is told, however much it is.
func TestManyDebtsOfADeadReplica(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, func(r *rig) { r.config.CallTimeout, r.client.Timeout = patience, patience })}
	doomed := o.startMortal()
	a, chat := o.listen(), o.openChat()
	var done, open []string
	for i := range 40 {
		id := "done " + string(rune('A'+i))
		done = append(done, id)
		o.request(writePlain(given{command: "chat.typing", id: id, data: fields{"chatId": chat}}))
	}
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "hang", Times: 40})
	for i := range 40 {
		id := "open " + string(rune('A'+i))
		open = append(open, id)
		o.askLater(writePlain(given{command: "chat.typing", id: id, data: fields{"chatId": chat}}))
	}
	watched{o.rig, chat}.untilStruck()
	dead := make(chan struct{})
	go func() { defer close(dead); doomed.kill() }()
	o.moveMarksBack()
	o.start()
	for _, id := range open {
		checkDied(o, a.await(id))
	}
	o.untilSeenTo()
	a.checkOnce(slices.Concat(done, open)...)
	<-dead
}

// moveMarksBack has each replica's mark say that all of the journal may be owed.
func (o outsider) moveMarksBack() {
	o.Helper()
	kv, err := o.js.KeyValue(o.ctx, "CC_STATE")
	o.check(err)
	keys, err := kv.Keys(o.ctx)
	o.check(err)
	for _, key := range keys {
		if strings.HasSuffix(key, ".commands.live") {
			o.putRecord("CC_STATE", key, `{"v":1,"journal":0,"more":"of a later version"}`)
		}
	}
}

// While a replica lives that settles by notes and looks for no event, each command
// has a note, and its outcome is recorded before it is published. Afterwards it has none.
func TestOutcomesDuringAnUpdate(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{})}
	o.start().stop() // which makes the streams
	dies := o.earlierLives()
	var early atomic.Int32 // events that were published before their records
	var isOver atomic.Bool
	o.prepare = func(made *connector.Connector) {
		made.BeforePublishing(func(msg *nats.Msg) error {
			if !isOver.Load() && strings.HasSuffix(msg.Subject, ".result.chat.typing") && !o.isDone(o.idOf(msg)) {
				early.Add(1)
			}
			return nil
		})
	}
	o.start()
	chat := o.openChat()
	notes, err := o.nc.SubscribeSync("$KV.CC_STATE.owed.*.command.*")
	o.check(err)
	hasNote := func(id string) bool {
		o.request(writePlain(given{command: "chat.typing", id: id, data: fields{"chatId": chat}}))
		o.check(o.nc.Flush())
		n, _, _ := notes.Pending()
		o.drain(notes)
		return n > 0
	}
	for _, id := range []string{"a", "b", "c"} {
		if !hasNote(id) || early.Load() > 0 {
			t.Errorf("%s has no note, or %d events were published before their records", id, early.Load())
		}
	}
	isOver.Store(true)
	dies()
	o.eventually("a command has no note", func() bool { return !hasNote(nats.NewInbox()) })
}

func (o outsider) idOf(msg *nats.Msg) string {
	return o.read(msg.Header, msg.Data).attributes["causationid"]
}

// What a dead replica of an earlier version owes has a note, and its record does
// not say where its event would be.
func TestNoteOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	result := resultOf("", "old")
	o.putRecord("CC_JOURNAL", "command."+result, `{"command":"chat.typing","id":"old","result":"`+result+`","correlationId":"old","chatId":"`+chat+
		`","fingerprint":"f","run":"r","replica":"gone","firstSeen":"`+earlierTime+`"}`)
	o.putRecord("CC_STATE", "owed.gone.command."+result, "")
	checkDied(o, a.await("old"))
	a.checkOnce("old")
}

// A command of which the others cannot be told that it is owed is not begun.
func TestDebtThatCannotBeTold(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{})}
	o.prepare = func(made *connector.Connector) {
		made.BeforePublishing(func(msg *nats.Msg) error {
			if strings.HasSuffix(msg.Subject, ".commands.live") {
				return errAway
			}
			return nil
		})
	}
	o.start()
	e := o.request(writePlain(given{command: "chat.request", id: "untold", data: fields{"from": "Ada"}}))
	if e.failure()["code"] != string(schema.CodeUnavailable) || e.failure()["outcome"] != "not_done" || o.sim.Calls()[bpsim.RequestChat] != 0 {
		t.Errorf("it is answered %v", e.data)
	}
}

// A repeat leaves no message number out, whichever replica gets it.
func TestRepeatsLeaveNoHole(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{}, aDayToFailOver)
	o.start()
	chat := o.openChat()
	for n, id := range []string{"first", "second", "third"} {
		for range 5 {
			e := o.request(writePlain(given{command: "chat.send", id: id, data: fields{"chatId": chat, "text": id}}))
			if result, _ := e.data["result"].(fields); result["messageId"] != fmt.Sprint(chat, ":", n) {
				t.Errorf("%s is %v", id, result)
			}
		}
	}
}

// Where the stream has forgotten so much that nobody can tell any more whether an outcome
// was published, it is published: but for one that merely stands behind the mark of a
// replica which had long tried.
func TestOutcomesThatTheStreamMayHaveForgotten(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}).provided()}
	o.rememberFor(time.Second)
	o.forget()
	a := o.listen()
	done := func(of, id string, at string) (key string) {
		key = resultOf("", id)
		o.putRecord("CC_JOURNAL", "command."+key, fmt.Sprintf(`{"command":"chat.typing","id":%q,"result":%q,"correlationId":"c","chatId":"chat",
			"fingerprint":"f","run":"r","replica":%q,"firstSeen":%q,"done":{"at":%q,"chatId":"chat","app":%q,"from":0}}`, id, key, of, earlierTime, at, appID))
		return key
	}
	done("gone", "tried", earlierTime)
	done("gone", "perhaps not tried", time.Now().UTC().Format(time.RFC3339Nano))
	o.putRecord("CC_STATE", "owed.gone.commands.live", `{"v":1,"journal":0}`)
	o.putRecord("CC_STATE", "owed.failing.command."+done("failing", "not done with", earlierTime), "")
	o.start()
	a.mustSucceed("perhaps not tried")
	a.mustSucceed("not done with")
	o.untilSeenTo()
	a.checkOnce("perhaps not tried", "not done with")
	if told := a.of("tried"); len(told) > 0 {
		t.Errorf("what was told long ago is told again: %v", told)
	}
}
