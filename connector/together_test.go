package connector_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
)

// meddled is a chat with a live command that others meddle with: at a point, or
// before something of it is published.
type meddled struct {
	outsider
	chat string
	made *connector.Connector

	mu  sync.Mutex
	all map[string][]func() // by the point or publication; each is done once, in this order
}

const (
	atRecord = "$KV.CC_JOURNAL." // before an outcome is recorded
	atEvent  = ".result."        // before a result event is published
)

func newMeddled(t *testing.T, memory time.Duration) *meddled {
	t.Helper()
	m := &meddled{outsider: outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}, all: map[string][]func(){}}
	m.start().stop() // which makes the streams
	m.config.At(m.meddle)
	m.prepare = func(made *connector.Connector) {
		m.made = made
		made.BeforePublishing(func(msg *nats.Msg) error {
			for _, at := range []string{atRecord, atEvent} {
				if strings.Contains(msg.Subject, at) {
					m.meddle(at)
				}
			}
			return nil
		})
	}
	m.config.Provision = false
	m.rememberFor(memory)
	m.start()
	m.chat = m.openChat()
	return m
}

// rememberFor has the stream of events know repeats for so long.
func (r *rig) rememberFor(long time.Duration) {
	r.Helper()
	config := r.streamConfig("CC_EVENTS")
	config.Duplicates = long
	_, err := r.js.UpdateStream(r.ctx, config)
	r.check(err)
}

func (m *meddled) meddle(at string) {
	m.mu.Lock()
	var do func()
	if queue := m.all[at]; len(queue) > 0 {
		do, m.all[at] = queue[0], queue[1:]
	}
	m.mu.Unlock()
	if do != nil {
		do()
	}
}

func (m *meddled) on(at string, do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all[at] = append(m.all[at], do)
}

// settle does what another replica does that takes this one for dead.
func (m *meddled) settle() {
	if err := m.made.SettleAsDead(); err != nil {
		m.Error(err)
	}
}

// untilAwaited returns when a repeat waits for the command's outcome.
func (m *meddled) untilAwaited() {
	for m.Context().Err() == nil {
		s, err := m.js.Stream(m.ctx, "KV_CC_JOURNAL")
		if err != nil {
			m.Error(err)
			return
		}
		if s.CachedInfo().State.Consumers > 0 {
			return
		}
	}
}

// meddlings are what may come between the ends of one command: all that another
// one may do, and the order in which it may do it.
var meddlings = map[string]struct {
	isUnknown, isLate bool
	meddle            func(*meddled)
}{
	"settled before the call is answered": {true, false, func(m *meddled) { m.on("Called", m.settle) }},
	"settled, and long forgotten, before the call is answered": {true, true, func(m *meddled) {
		m.on("Called", func() { m.settle(); m.forget() })
	}},
	"published, and settled before it is recorded": {false, false, func(m *meddled) {
		published := make(chan struct{})
		m.on("ResultPublished", func() { close(published) })
		m.on(atRecord, func() { <-published; m.settle() })
	}},
	"settled by one who had not published yet when its event was": {false, false, func(m *meddled) {
		recorded, published := make(chan struct{}), make(chan struct{})
		m.on(atRecord, func() { go m.settle(); <-recorded })
		m.on("Recorded", func() { close(recorded); <-published }) // the settler's
		m.on(atEvent, func() { <-recorded })
		m.on("ResultPublished", func() { close(published) })
	}},
	"settled by one who was about to publish when its event was": {false, false, func(m *meddled) {
		recorded, publishing, published := make(chan struct{}), make(chan struct{}), make(chan struct{})
		m.on(atRecord, func() { go m.settle(); <-recorded })
		m.on("Recorded", func() { close(recorded) }) // the settler's
		m.on(atEvent, func() { <-publishing })
		m.on(atEvent, func() { close(publishing); <-published }) // the settler's
		m.on("ResultPublished", func() { close(published) })
	}},
}

// Whoever settles a command whose replica seems to have died, and whenever: it has
// one result event, and its sender, whoever repeats it and the journal say the same.
func TestEventDecides(t *testing.T) {
	t.Parallel()
	for name, c := range meddlings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			memory := time.Minute
			if c.isLate {
				memory = time.Second
			}
			m := newMeddled(t, memory)
			g := given{command: "chat.send", id: "same", data: fields{"chatId": m.chat, "text": "x"}}
			var waiting asked
			m.on("Begun", func() {
				waiting = m.askLater(writePlain(g))
				m.untilAwaited()
			})
			c.meddle(m)
			told := m.request(writePlain(g))
			m.checkAgreed(g, told.cloudEvent, c.isUnknown)
			if e := waiting.answer(); e.status() != told.status() && e.failure()["outcome"] != "unknown" {
				t.Errorf("who waited is told %v", e.data) // the settler's word may have been on record for a moment
			}
		})
	}
}

func (m *meddled) checkAgreed(g given, told cloudEvent, isUnknown bool) {
	m.Helper()
	if (told.failure()["outcome"] == "unknown") != isUnknown || isUnknown != (told.status() == "error") {
		m.Errorf("its sender is told %v", told.data)
	}
	m.eventually("all say the same", func() bool {
		again := m.request(writePlain(g))
		return again.status() == told.status() && again.attributes["time"] == told.attributes["time"]
	})
	m.eventually("nobody is at work on it", func() bool { return m.made.Owed() == 0 })
	events := m.kept("cc.chat." + tokenOf(m.chat) + ".result.chat.send")
	if len(events) != 1 {
		m.Fatalf("%d result events", len(events))
	}
	m.eachRecord(func(record fields) {
		done, _ := record["done"].(fields)
		if from, _ := done["from"].(float64); record["id"] == g.id && (from < 1 || from >= float64(events[0].Sequence)) {
			m.Errorf("its event stands at %d, and is looked for behind %v", events[0].Sequence, from)
		}
	})
	if e := m.read(events[0].Header, events[0].Data); e.status() != told.status() || e.attributes["time"] != told.attributes["time"] {
		m.Errorf("its sender is told %v, and all others %v", told.data, e.data)
	}
}

var errAway = errors.New("it is away")

// A live command is told when its outcome is on record: the record fails for a while.
func recordIsAway(r *rig) *ledger {
	var mu sync.Mutex
	failures, isArmed := 0, false
	r.prepare = func(made *connector.Connector) {
		made.BeforePublishing(func(msg *nats.Msg) error {
			mu.Lock()
			defer mu.Unlock()
			if isArmed && strings.HasPrefix(msg.Subject, atRecord) {
				if failures++; failures <= 6 {
					return errAway
				}
			}
			return nil
		})
	}
	r.start()
	l := newLedger(watchNew(r))
	mu.Lock()
	isArmed = true
	mu.Unlock()
	l.commands = []string{"the command"}
	r.ask(writePlain(given{command: "chat.typing", id: "the command", data: fields{"chatId": l.chat}}))
	if !(outsider{r}).isDone("the command") {
		l.amiss = append(l.amiss, "a sender is told an outcome that is not on record")
	}
	r.eventually("it is on record", func() bool { return outsider{r}.isDone("the command") })
	return l
}

// isDone tells whether the journal knows what came of a command.
func (o outsider) isDone(id string) (is bool) {
	o.Helper()
	o.eachRecord(func(record fields) { is = is || record["id"] == id && record["done"] != nil })
	return is
}

// cutOffWhileCalling: a replica is cut off from NATS while it calls. It is dead
// for all others, and owes an outcome.
func cutOffWhileCalling(r *rig) *ledger {
	first := r.startCabled()
	l := newLedger(watchNew(r))
	r.must("chat.detach", fields{"chatId": l.chat})
	l.inject(bpsim.Fault{Kind: "hang", Method: bpsim.SendEvents, Times: 1})
	l.commands = []string{"the command"}
	r.check(r.nc.PublishMsg(writePlain(given{command: "chat.typing", id: "the command", data: fields{"chatId": l.chat}})))
	l.untilStruck()
	r.start()
	first.cut.Store(true)
	r.untilSeenTo()
	return l
}

// cutOffWithItsEvent: a replica is cut off from NATS when a command's event is
// stored, and its outcome not recorded. The stream knows the event's id no more
// when somebody settles the command.
func cutOffWithItsEvent(r *rig) *ledger {
	r.start().stop() // which makes the streams
	r.config.Provision = false
	r.rememberFor(3 * time.Second) // half of it is time enough for a call
	var first *cable
	published, isCut := make(chan struct{}, 100), make(chan struct{})
	r.config.At(func(point string) {
		if point == "ResultPublished" {
			published <- struct{}{}
		}
	})
	cut := sync.OnceFunc(func() { first.cut.Store(true); close(isCut) })
	armed := make(chan struct{})
	r.prepare = func(made *connector.Connector) {
		made.BeforePublishing(func(msg *nats.Msg) error {
			select {
			case <-armed:
			default:
				return nil
			}
			if strings.HasPrefix(msg.Subject, atRecord) {
				select {
				case <-published:
				case <-isCut: // it is tried again
				}
				cut()
				return errAway
			}
			return nil
		})
	}
	first = r.startCabled()
	r.prepare = nil
	l := newLedger(watchNew(r))
	r.must("chat.detach", fields{"chatId": l.chat})
	l.awaitStored(l.chat, ".result.chat.detach", 1)
	for len(published) > 0 {
		<-published
	}
	close(armed)
	l.commands = []string{"the command"}
	r.check(r.nc.PublishMsg(writePlain(given{command: "chat.typing", id: "the command", data: fields{"chatId": l.chat}})))
	<-isCut
	r.forget()
	r.start()
	r.untilSeenTo()
	return l
}

// forget returns when the stream of events knows no id of what it has now.
func (r *rig) forget() {
	last := uint64(0)
	for {
		ack, err := r.js.Publish(r.ctx, r.config.Prefix.Internal("events", "probe"), nil, jetstream.WithMsgID("probe"))
		switch {
		case err != nil:
			r.Error(err)
			return
		case !ack.Duplicate && last != 0:
			stream, err := r.js.Stream(r.ctx, "CC_EVENTS")
			if err == nil {
				err = stream.Purge(r.ctx, jetstream.WithPurgeSubject(r.config.Prefix.Internal("events", "probe")))
			}
			if err != nil {
				r.Error(err)
			}
			return
		}
		last = ack.Sequence
	}
}

// untilSeenTo waits until nobody who is dead owes anything.
func (r *rig) untilSeenTo() {
	r.Helper()
	r.untilNothingIsOwedBy("*")
}

func (r *rig) untilNothingIsOwedBy(replica string) {
	r.Helper()
	state, err := r.js.Stream(r.ctx, "KV_CC_STATE")
	r.check(err)
	r.eventually("what is owed is seen to", func() bool {
		info, err := state.Info(r.ctx, jetstream.WithSubjectFilter("$KV.CC_STATE.owed."+replica+".commands.live"))
		r.check(err)
		return len(info.State.Subjects) == 0
	})
}
