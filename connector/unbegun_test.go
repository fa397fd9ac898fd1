package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// stalled is a chat whose count of message numbers can be made to stand still.
type stalled struct {
	outsider
	chat  string
	stall atomic.Pointer[chan struct{}]
}

func newStalled(t *testing.T) *stalled {
	t.Helper()
	s := &stalled{outsider: outsider{newRig(t, bpsim.Options{}, aDayToFailOver).provided()}}
	s.prepare = func(made *connector.Connector) {
		made.BeforePublishing(func(msg *nats.Msg) error {
			if over := s.stall.Load(); over != nil && strings.Contains(msg.Subject, ".number.") {
				<-*over
			}
			return nil
		})
	}
	s.start()
	s.chat = s.openChat()
	return s
}

// during does something while no number can be taken.
func (s *stalled) during(do func()) {
	over := make(chan struct{})
	s.stall.Store(&over)
	defer close(over)
	defer s.stall.Store(nil)
	do()
}

func (s *stalled) sends(text string) cloudEvent {
	s.Helper()
	return s.request(writePlain(given{command: "chat.send", id: text, data: fields{"chatId": s.chat, "text": text}})).cloudEvent
}

func (s *stalled) checkSent(number int, e cloudEvent) {
	s.Helper()
	if result, _ := e.data["result"].(fields); result["messageId"] != fmt.Sprint(s.chat, ":", number) {
		s.Errorf("it is answered %v, want the number %d", e.data, number)
	}
}

// A repeat is told what is on record, and waits for no number, which is left to the
// next one.
func TestRepeatWaitsForNoNumber(t *testing.T) {
	t.Parallel()
	s := newStalled(t)
	s.checkSent(0, s.sends("first"))
	s.during(func() { s.checkSent(0, s.sends("first")) })
	s.checkSent(1, s.sends("second"))
}

// A command that cannot be recorded is refused in its time, and waits for no number.
func TestRefusalWaitsForNoNumber(t *testing.T) {
	t.Parallel()
	s := newStalled(t)
	s.checkSent(0, s.sends("first"))
	s.check(s.js.DeleteStream(s.ctx, "KV_CC_JOURNAL"))
	s.during(func() {
		if e := s.sends("second"); e.failure()["code"] != string(schema.CodeUnavailable) || e.failure()["outcome"] != "not_done" || e.failure()["retryable"] != true {
			t.Errorf("it is answered %v", e.data)
		}
	})
}

// A number is taken of a command that is on record, and of none else: a replica that
// dies in between, or a command that turns out to be a repeat, would leave a hole.
func TestDeathBeforeTheRecordLeavesNoHole(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, leaveQuickly).provided()}
	doomed := o.startMortal()
	a, chat := o.listen(), o.openChat()
	send := func(id string) given {
		return given{command: "chat.send", id: id, data: fields{"chatId": chat, "text": id}}
	}
	o.request(writePlain(send("first")))
	o.keep(durably(writePlain(send("first")), chat))
	a.awaitIdle()
	o.check(o.js.DeleteStream(o.ctx, "KV_CC_JOURNAL"))
	o.keep(durably(writePlain(send("durable")), chat))
	if e := o.request(writePlain(send("live"))); e.failure()["outcome"] != "not_done" {
		t.Errorf("without a record it is answered %v", e.data)
	}
	doomed.kill()
	o.config.Provision = true
	o.start()
	if result := a.mustSucceed("durable"); result["messageId"] != fmt.Sprint(chat, ":1") {
		t.Errorf("the durable one is %v, and its number would be 1", result)
	}
	e := o.request(writePlain(send("live")))
	if result, _ := e.data["result"].(fields); result["messageId"] != fmt.Sprint(chat, ":2") {
		t.Errorf("the repeat is answered %v, and its number would be 2", e.data)
	}
	if said := o.saidTexts(chat); !slices.Equal(said, []string{"first", "durable", "live"}) {
		t.Errorf("the contact center got %q", said)
	}
}
