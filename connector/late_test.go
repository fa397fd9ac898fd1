package connector_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// A poll tells that the session is gone before the answer arrives that has its end.
func TestTheEndIsInALateAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond, AnswerSends: true})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Kind: "delay", Delay: time.Second, AfterEffect: true, Method: bpsim.SendEvents, Times: 1})
	r.must("chat.end", map[string]any{"chatId": w.chat})
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "ended/history", "session.closed")
	w.checkAccount()
}

// A replica may die between any two things that it tells NATS. So that somebody
// will know that it owes an outcome, this goes out before the command is on record:
// once for many commands, and during an update for each.
func TestDebtIsToldBeforeTheRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		isUpdate bool
		told     string
		commands int
	}{
		"for all commands":                 {false, ".commands.live", 1},
		"for each, while an earlier lives": {true, ".command.", 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, aDayToFailOver)
			r.start().stop() // which makes the streams
			if c.isUpdate {
				r.earlierLives()
			}
			written, err := r.nc.SubscribeSync("$KV.>")
			r.check(err)
			r.start()
			chat := r.openChat() // the first command
			for range c.commands {
				told := false
				for isBegun := false; !isBegun; {
					msg, err := written.NextMsgWithContext(r.ctx)
					r.check(err)
					isDebt := strings.Contains(msg.Subject, ".owed.") && strings.Contains(msg.Subject, c.told) && msg.Header.Get("KV-Operation") == ""
					told = told || isDebt
					isBegun = strings.HasPrefix(msg.Subject, "$KV.CC_JOURNAL.")
				}
				if !told {
					t.Fatal("a command is on record, and its debt is not")
				}
				r.drain(written)
				r.must("chat.typing", map[string]any{"chatId": chat})
			}
		})
	}
}

// drain drops what has come so far.
func (r *rig) drain(s *nats.Subscription) {
	r.Helper()
	r.check(r.nc.Flush())
	for n, _, _ := s.Pending(); n > 0; n, _, _ = s.Pending() {
		_, err := s.NextMsgWithContext(r.ctx)
		r.check(err)
	}
}

// A contact center that carries a message out long after everybody has given
// it up may show it twice. Even then the number is the same, and the second
// one was not sent before the first one's time was over.
func TestMessageThatIsCarriedOutTooLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, impatient)
	var mu sync.Mutex
	var begun, arrived []time.Time
	r.config.At(func(point string) {
		mu.Lock()
		defer mu.Unlock()
		if point == "Begun" {
			begun = append(begun, time.Now())
		}
	})
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if request.Method == http.MethodPost && isEvents(request) {
			arrived = append(arrived, time.Now())
		}
		return false
	})
	r.start()
	w := watchNew(r)
	mu.Lock()
	begun = nil // of the request
	mu.Unlock()
	w.inject(bpsim.Fault{Kind: "delay", Delay: 2 * time.Second, Method: bpsim.SendEvents, Times: 1})
	result := r.awaitResult(w.give("chat.send", map[string]any{"text": "hello"}))
	if result.Status != schema.StatusOK || !strings.Contains(string(result.Result), w.chat+":0") {
		t.Errorf("the result is %s, %+v", result.Result, result.Error)
	}
	w.until("the first one has been carried out, too", func(r bpsim.Record) bool { return len(r.Client) == 2 })
	if said := w.said(); !slices.Equal(said, []string{"hello", "hello"}) {
		t.Errorf("the contact center got %q", said)
	}
	for _, e := range w.record().Client {
		if !strings.Contains(string(e.Event), `"`+w.chat+`:0"`) {
			t.Errorf("the contact center got %s", e.Event)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(arrived) != 2 || len(begun) != 2 || arrived[1].Sub(begun[0]) < r.config.CallTimeout {
		t.Errorf("begun %v, arrived %v: sent again before %v had passed", begun, arrived, r.config.CallTimeout)
	}
}
