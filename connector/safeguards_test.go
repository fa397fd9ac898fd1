package connector_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// mechanismTrial is what a safeguard is there for.
type mechanismTrial struct {
	options   bpsim.Options
	configure func(*rig)
	play      func(*rig) *ledger
}

// trials has one for each safeguard.
var trials = map[string]mechanismTrial{
	"fence":               {bpsim.Options{Hold: 200 * time.Millisecond}, nil, twoHolders},
	"self-fence":          {bpsim.Options{Hold: time.Minute}, failOverAfter(3 * time.Second), cutOffWhilePolling},
	"publish before poll": {bpsim.Options{Hold: time.Minute}, failOverAfter(3 * time.Second), cutOffWithAnswer},
	"counting":            {bpsim.Options{Hold: time.Minute, Now: atOnce()}, nil, lookAlikes},
	"journal":             {bpsim.Options{}, nil, repeatedCommand},
	"debts":               {bpsim.Options{}, leaveQuickly, cutOffWhileCalling},
	"event decides":       {bpsim.Options{}, leaveQuickly, cutOffWithItsEvent},
	"numbers":             {bpsim.Options{}, nil, sendsInTurn},
	"record first":        {bpsim.Options{}, dyingSoon, cutOffInADurableCall},
	"acknowledge last":    {bpsim.Options{}, dyingSoon, cutOffInADurableCall},
	"outcome first":       {bpsim.Options{}, nil, recordIsAway},
	"order":               {bpsim.Options{}, nil, failingCommand},
	"look-up":             {bpsim.Options{}, impatient, lostAnswerToASend},
	"re-fence":            {bpsim.Options{Hold: 200 * time.Millisecond}, forgetful, handOverLate},
	"checkpoint":          {bpsim.Options{Hold: 200 * time.Millisecond}, forgetful, handOverForgotten},
	"good order":          {bpsim.Options{Hold: time.Minute, StalePoll: time.Minute}, nil, handOverWhilePolling},
}

// Each safeguard keeps a promise that nothing else keeps: with it the account
// is clean, and without it is not.
func TestSafeguards(t *testing.T) {
	t.Parallel()
	all := slices.Sorted(maps.Keys(connector.Safeguards()))
	if tried := slices.Sorted(maps.Keys(trials)); !slices.Equal(all, tried) {
		t.Errorf("the safeguards are %q, and tried are %q", all, tried)
	}
	for name, tr := range trials {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if wrong := tr.run(t, ""); len(wrong) > 0 {
				t.Errorf("with all safeguards:\n%s", strings.Join(wrong, "\n"))
			}
			wrong := tr.run(t, name)
			if len(wrong) == 0 {
				t.Error("without it, nothing is amiss")
			}
			t.Logf("without it:\n%s", strings.Join(wrong, "\n"))
		})
	}
}

// run plays the trial and returns what is wrong in the end.
func (tr mechanismTrial) run(t *testing.T, without string) (wrong []string) {
	t.Helper()
	name := "with"
	if without != "" {
		name = "without"
	}
	t.Run(name, func(t *testing.T) {
		r := newRig(t, tr.options)
		if tr.configure != nil {
			tr.configure(r)
		}
		if without != "" {
			r.config.Without(without)
		}
		wrong = tr.play(r).account()
	})
	return wrong
}

func failOverAfter(d time.Duration) func(*rig) {
	return func(r *rig) { r.config.FailoverAfter = d }
}

// leaveQuickly is for a replica that is cut off, and cannot finish what it has begun.
func leaveQuickly(r *rig) { r.config.DrainTimeout = time.Second }

func impatient(r *rig) {
	r.config.CallTimeout, r.client.Timeout = 500*time.Millisecond, 500*time.Millisecond
}

func forgetful(r *rig) { r.config.EventsMaxAge = 2 * time.Second; aDayToFailOver(r) }

// atOnce is a clock that stands.
func atOnce() func() time.Time {
	now := time.Now()
	return func() time.Time { return now }
}

// Two replicas believe that they hold the chat. The older one, whose poll was
// on its way for long, takes an event.
func twoHolders(r *rig) *ledger {
	older, newer := newDoor(false), newDoor(true)
	heartbeats, err := r.nc.SubscribeSync("$JS.ACK.CC_SESSIONS.holders.>")
	r.check(err)
	r.config.MaxChats = 1 // no token comes back to it
	r.startBehindDoor(older)
	r.config.MaxChats = 10
	l := newLedger(watchNew(r))
	l.lossy = true
	r.startBehindDoor(newer)
	heartbeat, err := heartbeats.NextMsgWithContext(r.ctx)
	r.check(err)
	r.check(r.nc.Publish(heartbeat.Subject, []byte("-NAK")))
	l.untilListening()
	l.says("one")
	r.awaitStored(l.chat, ".event.message", 1)
	l.untilListening()
	newer.shut()
	l.says("two")
	r.awaitStored(l.chat, ".event.message", 2)
	r.eventually("the newer one is kept from polling", func() bool { return newer.waiting.Load() == 1 })

	older.open()
	l.untilListening()
	l.says("three")
	l.until("the older one has taken it", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
	newer.open()
	r.awaitStored(l.chat, ".event.message", 3)
	return l
}

// A replica is cut off from NATS while the contact center holds its poll.
func cutOffWhilePolling(r *rig) *ledger {
	first := r.startCabled()
	l := newLedger(watchNew(r))
	l.untilListening()
	r.start()
	before := l.record().Polls
	first.cut.Store(true)
	r.eventually("the other one polls", func() bool { return l.record().Polls > before }) // refused, maybe
	return l
}

// A replica is cut off from NATS when a poll has given it something. What
// comes next is in no history: it must not take that as well.
func cutOffWithAnswer(r *rig) *ledger {
	first := r.startCabled()
	l := newLedger(watchNew(r))
	l.lossy = true
	l.untilListening()
	r.start()
	first.cut.Store(true)
	l.says("one")
	l.until("it is taken", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
	l.signals("REQUEST_CALL")
	r.awaitStored(l.chat, ".session.recovered", 1)
	l.untilListening()
	return l
}

// Nothing but their number tells two events apart.
func lookAlikes(r *rig) *ledger {
	r.start()
	l := newLedger(watchNew(r))
	for range 2 {
		l.untilListening()
		l.types()
	}
	l.untilListening()
	return l
}

// A sender repeats its command.
func repeatedCommand(r *rig) *ledger {
	r.start()
	l := newLedger(watchNew(r))
	id := uuid.NewString()
	l.texts, l.commands = []string{"once"}, []string{id}
	for range 2 {
		msg := nats.NewMsg("cc.chat.send")
		msg.Header.Set(nats.MsgIdHdr, id)
		msg.Data, _ = json.Marshal(map[string]any{"chatId": l.chat, "text": "once"})
		r.ask(msg)
	}
	return l
}

// A command has to be tried again, and another one comes.
func failingCommand(r *rig) *ledger {
	r.start()
	l := newLedger(watchNew(r))
	l.inject(bpsim.Fault{Kind: "status", Status: http.StatusServiceUnavailable, RetryAfter: 2 * time.Second, Method: bpsim.SendEvents, Times: 1})
	l.sendsDurably("first")
	l.untilStruck()
	l.sendsDurably("second")
	l.awaitResults()
	return l
}

func (l *ledger) sendsDurably(text string) {
	l.Helper()
	l.texts = append(l.texts, text)
	l.commands = append(l.commands, l.give("chat.send", map[string]any{"text": text}))
}

func (l *ledger) awaitResults() {
	l.Helper()
	for _, id := range l.commands {
		l.awaitResult(id)
	}
}

// A message arrives, and nobody is told so.
func lostAnswerToASend(r *rig) *ledger {
	r.start()
	l := newLedger(watchNew(r))
	l.inject(bpsim.Fault{Kind: "cut_after", Method: bpsim.SendEvents, Times: 1})
	l.sendsDurably("hello")
	l.awaitResults()
	return l
}

// The replicas send messages of one chat in turn: each goes by what it knows of the numbers.
func sendsInTurn(r *rig) *ledger {
	r.start()
	r.start()
	l := newLedger(watchNew(r))
	for i := range 20 {
		text := fmt.Sprint("message ", i)
		l.texts = append(l.texts, text)
		l.must("chat.send", map[string]any{"chatId": l.chat, "text": text})
	}
	return l
}

func dyingSoon(r *rig) { r.config.CallTimeout, r.client.Timeout = time.Second, time.Second }

// A replica is cut off from NATS while it makes the call of a durable command, and
// another one takes over.
func cutOffInADurableCall(r *rig) *ledger {
	cut := make(chan *cable, 1) // by the call, before it is answered
	called := make(chan struct{})
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		if request.Method == http.MethodPost && isEvents(request) {
			select {
			case first := <-cut:
				first.cut.Store(true)
				close(called)
			default:
			}
		}
		return false
	})
	cut <- r.startCabled()
	l := newLedger(watchNew(r))
	l.lossy = true
	l.sendsDurably("hello")
	r.awaits("the command is called", called)
	r.start()
	l.eventually("no command waits", func() bool { return l.waiting() == 0 })
	l.untilListening()
	return l
}

// A chat is handed over in good order, long after its fence was put up.
func handOverLate(r *rig) *ledger {
	first := r.start()
	l := newLedger(watchNew(r))
	l.keepAll()
	l.signals("REQUEST_CALL")
	l.untilForgotten()
	l.inPause()
	first.stop()
	l.sim.ClearFaults()
	r.start()
	l.untilListening()
	l.check(l.sim.End(l.chat)) // the latest that a gap is told
	l.awaitEnd(schema.ClosedEnded)
	return l
}

// A chat is handed over when the stream has forgotten what it said.
func handOverForgotten(r *rig) *ledger {
	first := r.start()
	r.shortenMemory()
	l := newLedger(watchNew(r))
	l.keepAll()
	l.says("one")
	l.untilForgotten()
	first.stop()
	r.start()
	l.untilListening()
	l.says("two")
	r.awaitStored(l.chat, ".event.message", 1)
	l.untilListening()
	return l
}

// A replica leaves while its poll is held, and the contact center gives that an
// event before it notices.
func handOverWhilePolling(r *rig) *ledger {
	first := r.start()
	l := newLedger(watchNew(r))
	l.lossy = true
	l.untilListening()
	first.stop()
	for _, text := range []string{"to the one that left", "to the next"} {
		l.says(text)
		l.until("it is taken", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
		if text == "to the one that left" {
			r.start()
		}
		l.untilListening()
	}
	return l
}

// untilForgotten waits until the stream has forgotten all that it has now.
func (l *ledger) untilForgotten() {
	l.Helper()
	l.untilListening()
	last := l.lastIn("CC_EVENTS")
	l.eventually("the copy has it", func() bool { return l.lastIn(l.source) >= last })
	l.eventually("the stream has forgotten it", func() bool {
		s, err := l.js.Stream(l.ctx, "CC_EVENTS")
		l.check(err)
		return s.CachedInfo().State.FirstSeq > last
	})
}
