package connector_test

import (
	"fmt"
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
