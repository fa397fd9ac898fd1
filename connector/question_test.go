package connector_test

import (
	"fmt"
	"slices"
	"testing"

	"cc-connector/connector/brightpattern/bpsim"
)

const longAgo = "2001-01-01T00:00:00Z"

// A repeat gets what is on record, also when the time of its command is over:
// that nothing was done would not be true.
func TestRepeatAfterItsTime(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	g := given{command: "chat.send", id: "one", source: "//s", data: fields{"chatId": chat, "text": "x"}}
	first := o.request(writeStructured(g))
	before := o.calls()
	for _, attributes := range []map[string]string{{"expirytime": longAgo}, {"expirytime": longAgo, "question": "true"}} {
		g.attributes = attributes
		for _, form := range messageForms[1:] {
			again := o.request(form.write(g))
			if again.id() != first.id() || fmt.Sprint(again.data) != fmt.Sprint(first.data) {
				t.Errorf("%s, %v: %v, want %v", form.name, attributes, again.data, first.data)
			}
		}
	}
	if after := o.calls(); after["sendEvents"] != before["sendEvents"] {
		t.Errorf("calls before %v, after %v", before, after)
	}
}

// A question for what is not on record has it not run, and leaves no event.
func TestQuestionForNothing(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	before := o.calls()
	g := given{command: "chat.send", id: "one", source: "//s", data: fields{"chatId": chat, "text": "x"}, attributes: map[string]string{"expirytime": longAgo, "question": "true"}}
	for _, form := range messageForms[1:] {
		r := o.request(form.write(g))
		o.checkFailure(r, verdict{"expired", "", 0, false, "not_done"})
		if found := o.resultEvents("cc.chat."+tokenOf(chat)+".result.chat.send", r.id()); len(found) != 0 {
			t.Errorf("%s: %d result events", form.name, len(found))
		}
	}
	g.attributes = nil
	if r := o.request(writeStructured(g)); r.data["status"] != "ok" { // nothing stands in its way
		t.Errorf("the command itself: %v", r.data)
	}
	if after := o.calls(); after["sendEvents"] != before["sendEvents"]+1 {
		t.Errorf("calls before %v, after %v", before, after)
	}
}

// A question for a command that runs is answered at once, and counted neither as
// a command nor as a failure.
func TestQuestionForWhatRuns(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, func(r *rig) { r.client.Timeout, r.config.CallTimeout = patience, patience })}
	replica := o.start()
	chat := o.openChat()
	o.hang()
	g := given{command: "chat.send", id: "one", source: "//s", data: fields{"chatId": chat, "text": "x"}}
	inbox := o.nc.NewInbox()
	answers, err := o.nc.SubscribeSync(inbox)
	o.check(err)
	running := writeStructured(g)
	running.Reply = inbox
	o.check(o.nc.PublishMsg(running))
	g.attributes = map[string]string{"expirytime": longAgo, "question": "true"}
	asked := 0.0
	o.eventually("it is on record", func() bool { asked++; return o.request(writeStructured(g)).failure()["code"] != "expired" })
	for _, form := range messageForms[1:] {
		o.checkFailure(o.request(form.write(g)), verdict{"timeout", "", 0, true, "unknown"})
	}
	g.data = fields{"chatId": chat}
	o.checkFailure(o.request(writeStructured(g)), verdict{"invalid_command", "", 0, false, "not_done"})
	o.sim.ClearFaults()
	if _, err := answers.NextMsg(patience); err != nil {
		t.Fatal(err)
	}
	if codes := codesOf(o.rig, replica, "chat.send"); !slices.Equal(codes, []string{"ok"}) {
		t.Errorf("commands are counted as %v", codes)
	}
	if _, found := replica.metric(t, "cc_commands_repeated_total", "chat.send"); found {
		t.Error("questions are counted as repeats")
	}
	if found := o.awaitStatistics("chat-send", asked+4); found["num_errors"] != 0.0 {
		t.Errorf("the statistics are %v", found)
	}
}
