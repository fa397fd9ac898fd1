package connector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// lateJoiner reads a chat's entry first, and then the stream behind it.
type lateJoiner struct {
	watched
	entry    schema.Chat
	messages jetstream.MessagesContext
}

func (w watched) joinsLate() *lateJoiner {
	w.Helper()
	return &lateJoiner{watched: w, entry: w.entry()}
}

// listen begins behind the entry. Without a place in the stream it reads all.
func (l *lateJoiner) listen() {
	l.Helper()
	stream, err := l.js.Stream(l.ctx, "CC_EVENTS")
	l.check(err)
	consumer, err := stream.OrderedConsumer(l.ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{l.config.Prefix.Event(l.token(), "*"), l.config.Prefix.Session(l.token(), "*")},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy, OptStartSeq: l.entry.StreamSequence + 1,
	})
	l.check(err)
	l.messages, err = consumer.Messages()
	l.check(err)
	l.Cleanup(l.messages.Stop)
}

// checkSees compares what it sees, up to the chat's last message, with what comes
// behind the entry.
func (l *lateJoiner) checkSees(last uint64) {
	l.Helper()
	for next := l.entry.Sequence + 1; next <= last; {
		msg, err := l.messages.Next(jetstream.NextMaxWait(patience))
		l.check(err)
		ce, _, err := schema.Decode(msg.Headers(), msg.Data())
		l.check(err)
		n, err := schema.Sequence(ce)
		l.check(err)
		switch {
		case n == next:
			next++
		case n > next, l.entry.StreamSequence != 0:
			l.Fatalf("after the entry, of sequence %d and at %d in the stream, %d is seen, want %d", l.entry.Sequence, l.entry.StreamSequence, n, next)
		}
	}
}

// checkPlace compares the place that the entry tells with what stands there.
func (l *lateJoiner) checkPlace() {
	l.Helper()
	stream, err := l.js.Stream(l.ctx, "CC_EVENTS")
	l.check(err)
	msg, err := stream.GetMsg(l.ctx, l.entry.StreamSequence)
	l.check(err)
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	l.check(err)
	if n, err := schema.Sequence(ce); err != nil || n != l.entry.Sequence || ce.Subject() != string(l.token()) {
		l.Errorf("the entry tells up to %d, and where it says that this stands is %s, %d", l.entry.Sequence, msg.Subject, n)
	}
}

// Who reads a chat's entry and then the stream behind it sees each event once,
// whenever that is: while events flow, while the chat is handed over, and long after.
func TestLateJoiners(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
	holder := r.start()
	party := &joiners{watched: watchNew(r)}
	for round := range 12 {
		party.speak(20)
		party.push(party.chat, map[string]any{"event": "chat_session_party_joined", "party_id": fmt.Sprint(round), "display_name": "Zoe"})
		party.join()
		if round == 4 || round == 8 {
			next := r.start()
			holder.stop()
			holder = next
		}
		party.awaitStored(party.chat, ".event.message", party.said-15)
		party.join()
	}
	r.check(r.sim.End(party.chat))
	party.awaitEnd(schema.ClosedEnded)
	party.join()
	party.checkAll(r.lastSequence(party.chat))
}

// joiners are all that have joined a chat.
type joiners struct {
	watched
	all  []*lateJoiner
	said int
}

func (j *joiners) speak(more int) {
	j.Helper()
	for range more {
		j.says(fmt.Sprint(j.said))
		j.said++
	}
}

// join is done by two who read the entry: one who listens at once, and one only at the end.
func (j *joiners) join() {
	j.Helper()
	now := j.joinsLate()
	now.listen()
	j.all = append(j.all, now, j.joinsLate())
}

func (j *joiners) checkAll(last uint64) {
	j.Helper()
	for _, l := range j.all {
		if l.messages == nil {
			l.listen()
		}
		l.checkSees(last)
		l.checkPlace()
	}
	if n := j.all[len(j.all)-1].entry.Sequence; n != last {
		j.Errorf("the closed chat's entry tells up to %d of %d", n, last)
	}
}

// An entry of an earlier version tells no place, and gets one.
func TestEntryWithoutAPlace(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.agentsJoin(2)
	first.stop()
	w.forgetPlace()
	r.start()
	w.untilListening()
	early := w.joinsLate()
	early.listen()
	w.agentsJoin(3)
	r.check(r.sim.End(w.chat))
	w.awaitEnd(schema.ClosedEnded)
	early.checkSees(r.lastSequence(w.chat))
	if w.joinsLate().checkPlace(); early.entry.StreamSequence != 0 {
		t.Errorf("the entry of an earlier version tells the place %d", early.entry.StreamSequence)
	}
}

// Who takes a chat over that an earlier one has not told all of knows where it
// stands: also where the checkpoint counts what the entry does not tell.
func TestPlaceOfWhatIsReadBack(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*rig) (end func()){
		"stopped": func(r *rig) func() { return r.start().stop },
		"severed": func(r *rig) func() { return r.startCabled().sever },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond})
			end := leave(r)
			w := watchNew(r)
			for range 10 { // no reason to write the entry
				w.types()
			}
			w.awaitStored(w.chat, ".event.typing", 10)
			end()
			r.start()
			w.eventually("the entry is written again", func() bool { return w.entry().Sequence >= 11 })
			w.joinsLate().checkPlace()
		})
	}
}

// A holder dies when it has said the last word, before the entry has it.
func TestPlaceOfTheLastWord(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond})
	var dying *cable
	started := make(chan struct{})
	r.config.At(func(name string) {
		if name == "Closed" {
			<-started
			dying.cut.Store(true)
		}
	})
	dying = r.startCabled()
	close(started)
	w := watchNew(r)
	w.says("hello")
	w.awaitStored(w.chat, ".event.message", 1)
	r.config.At(func(string) {})
	r.check(r.sim.End(w.chat))
	w.awaitStored(w.chat, ".session.closed", 1)
	if w.entry().ClosedAt != nil {
		t.Fatal("the entry is closed already")
	}
	r.start()
	w.awaitEnd(schema.ClosedEnded)
	l := w.joinsLate()
	if l.checkPlace(); l.entry.ClosedAt == nil || l.entry.Sequence != r.lastSequence(w.chat) {
		t.Errorf("the entry is %+v", l.entry)
	}
}

// The stream is made anew, and counts from 1: the place in the old one is forgotten.
func TestLateJoinerOfAStreamMadeAgain(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]bool{"while the chat is held": true, "while nobody holds it": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
			first := r.start()
			w := watchNew(r)
			for range 40 {
				w.types()
			}
			w.agentsJoin(2)
			if held {
				r.vanish("CC_EVENTS", first)
			} else {
				first.stop()
				r.check(r.js.DeleteStream(r.ctx, "CC_EVENTS"))
				r.start()
				w.untilListening()
			}
			w.says("in the new one")
			w.awaitStored(w.chat, ".event.message", 1)
			l := w.joinsLate()
			l.listen()
			w.says("more")
			w.awaitStored(w.chat, ".event.message", 2)
			w.eventually("the entry tells where it stands in the new stream", func() bool {
				w.types()
				p := w.entry().StreamSequence
				return p > 0 && p < 200
			})
			l.checkSees(l.entry.Sequence + 1)
		})
	}
}

// forgetPlace makes the entry one of an earlier version.
func (w watched) forgetPlace() {
	w.Helper()
	bucket, err := w.js.KeyValue(w.ctx, "CC_CHATS")
	w.check(err)
	entry := w.entry()
	entry.StreamSequence = 0
	data, err := schema.JSON(entry)
	w.check(err)
	_, err = bucket.Put(w.ctx, string(w.token()), data)
	w.check(err)
}
