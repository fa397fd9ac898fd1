package connector_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// Older servers give events away in the answers to sends.

func TestEventsInAnswersToSends(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true})
	hangPolls(r)
	r.start()
	w := watchNew(r)
	w.says("one")
	w.types()
	r.must("chat.send", map[string]any{"chatId": w.chat, "text": "hello"})
	w.says("two")
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	r.awaitStored(w.chat, ".event.message", 2)
	w.sim.ClearFaults()
	w.untilListening()
	w.says("three")
	r.awaitStored(w.chat, ".event.message", 3)
	w.checkTrail("session.opened", "message/send", "typing/send", "message/send", "message/poll")
	w.checkAccount()
	w.checkGaps()
}

// The end comes in the answer to a send, while a poll is held.
func TestTheEndInAnAnswerToASend(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	intercept(r, answering(http.MethodPost, `{"events":[{"event":"chat_session_typing","party_id":"p"},{"event":"chat_session_inactivity_timeout"}]}`))
	r.start()
	w := watchNew(r)
	w.untilListening()
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	w.awaitEnd(schema.ClosedInactivityTimeout)
	w.checkTrail("session.opened", "typing/send", "inactivity_timeout/send", "session.closed")
	w.checkClosedEntry(schema.ClosedInactivityTimeout)
}

// The poll that is cut by such an end may have held something.
func TestTheEndInAnAnswerToASendCutsThePoll(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true})
	hangPolls(r)
	r.start()
	w := watchNew(r)
	w.says("one")
	r.must("chat.end", map[string]any{"chatId": w.chat})
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "message/send", "ended/send", "session.closed")
	w.checkAccount()
	w.checkGaps()
}

// The answer to a send is lost, and with it the events in it.
func TestLostAnswersToSendsAreRecovered(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"cut_after", "truncate", "garbage"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{AnswerSends: true})
			hangPolls(r)
			r.start()
			w := watchNew(r)
			w.says("one")
			w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: kind, Times: 1})
			result := r.call("chat.typing", map[string]any{"chatId": w.chat})
			if result.Error == nil || result.Error.Outcome != schema.OutcomeUnknown {
				t.Errorf("the command whose answer was lost: %+v", result)
			}
			w.sim.ClearFaults()
			r.awaitStored(w.chat, ".session.recovered", 1)
			w.untilListening()
			w.says("two")
			r.awaitStored(w.chat, ".event.message", 2)
			w.checkTrail("session.opened", "message/history", "session.recovered", "message/poll")
			w.checkAccount()
			w.checkGaps()
		})
	}
}

// The loss of a send's answer is known when a poll tells that the chat is over.
func TestLossIsMendedBeforeTheEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true})
	hangPolls(r)
	r.start()
	w := watchNew(r)
	w.says("one")
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "cut_after", Times: 1})
	heard, err := r.nc.SubscribeSync(r.config.Prefix.Internal("holder", string(w.token())))
	r.check(err)
	r.call("chat.typing", map[string]any{"chatId": w.chat})
	request, err := heard.NextMsgWithContext(r.ctx)
	r.check(err)
	// The same once more, to know that the holder has heard of it.
	_, err = r.nc.RequestWithContext(r.ctx, request.Subject, request.Data)
	r.check(err)
	r.check(r.sim.End(w.chat))
	w.sim.ClearFaults()
	w.awaitEnd(schema.ClosedEnded)
	w.checkTrail("session.opened", "ended/poll", "message/history", "session.recovered", "session.closed")
	w.checkAccountUnordered()
}

// Polls and sends compete for the events; nobody knows who gets which.
func TestSendsAndPollsCompete(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true})
	r.start()
	w := watchNew(r)
	const each = 30
	w.untilListening()
	w.compete(each)
	r.awaitStored(w.chat, ".event.message", each)
	w.untilListening()
	w.checkAccountUnordered()
	w.checkGaps()
	w.checkWellBehaved()
}

// compete lets the contact center speak and three customers' devices send, all at once.
func (w watched) compete(each int) {
	var all sync.WaitGroup
	all.Go(func() {
		for i := range each {
			w.says(fmt.Sprint("message ", i))
		}
	})
	for range 3 {
		all.Go(func() {
			for range each {
				w.must("chat.typing", map[string]any{"chatId": w.chat})
			}
		})
	}
	all.Wait()
}

// An answer comes while the chat is on its way to another replica: nobody has
// it when its events are to be published, and they wait for who comes.
func TestEventsInAnAnswerDuringAHandOver(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	sent, answer := make(chan struct{}), make(chan struct{})
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		if request.Method != http.MethodPost || !isEvents(request) {
			return false
		}
		close(sent)
		<-answer
		_, _ = rw.Write([]byte(`{"events":[{"event":"chat_session_typing","party_id":"p"}]}`))
		return true
	})
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	asked, err := r.nc.SubscribeSync(r.config.Prefix.Internal("holder", string(w.token())))
	r.check(err)
	r.check(r.nc.Flush())
	done := make(chan schema.Result)
	go func() { done <- r.call("chat.typing", map[string]any{"chatId": w.chat}) }()
	<-sent
	go first.stop()
	r.awaitLogged("chat given back")
	close(answer)
	_, err = asked.NextMsgWithContext(r.ctx)
	r.check(err)
	r.start()
	if told := <-done; told.Error != nil {
		t.Errorf("the command: %+v", told.Error)
	}
	r.awaitStored(w.chat, ".event.typing", 1)
	w.checkTrail("session.opened", "typing/send")
}
