package connector_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// crowd are chats that all talk.
type crowd struct {
	*rig
	chats []watched
	said  int // by each
}

func newCrowd(r *rig, size int) *crowd {
	r.Helper()
	c := &crowd{rig: r}
	for range size {
		c.chats = append(c.chats, watchNew(r))
	}
	return c
}

func (c *crowd) speak() {
	c.Helper()
	for _, w := range c.chats {
		w.says(fmt.Sprint("message ", c.said))
	}
	c.said++
}

// speakUntil has the chats talk now and then, until it holds.
func (c *crowd) speakUntil(what string, holds func() bool) {
	c.Helper()
	looks := 0
	c.eventually(what, func() bool {
		if looks%20 == 0 {
			c.speak()
		}
		looks++
		return holds()
	})
}

// checkAll proves that everything said is stored, once and in order, and that
// nobody was ever afraid of a loss.
func (c *crowd) checkAll() {
	c.Helper()
	c.speak()
	for _, w := range c.chats {
		c.awaitStored(w.chat, ".event.message", c.said)
		w.untilListening()
		w.checkAccount()
	}
	c.checkCalm()
}

func (c *crowd) checkCalm() {
	c.Helper()
	for _, w := range c.chats {
		w.checkGaps()
		w.checkRecovered()
		w.checkWellBehaved()
		if n := w.record().Calls[bpsim.GetHistory]; n > 0 {
			c.Errorf("the history of %s was read %d times", w.chat, n)
		}
	}
}

// awaitRest proves that the replicas come to rest: what was agreed before is
// done by the time that all have announced themselves twice, and after it they
// reckon again and again and no chat changes hands.
func (c *crowd) awaitRest() {
	c.Helper()
	c.awaitRenewals(2)
	before := c.deliveries()
	c.awaitRenewals(4)
	if after := c.deliveries(); after != before {
		c.Errorf("%d chats changed hands though all had their share; log:\n%s", after-before, c.log)
	}
}

// awaitRenewals waits until every replica has announced itself so often.
func (r *rig) awaitRenewals(times int) {
	r.Helper()
	seen := map[string]map[uint64]bool{}
	for _, key := range r.announced() {
		seen[key] = map[uint64]bool{}
	}
	r.eventually("every replica has announced itself a few times", func() bool {
		few := true
		for key, revisions := range seen {
			revisions[r.revision(key)] = true
			few = few && len(revisions) > times
		}
		return few
	})
}

func (r *rig) revision(key string) uint64 {
	r.Helper()
	bucket, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	value, err := bucket.Get(r.ctx, key)
	r.check(err)
	return value.Revision()
}

// deliveries is how often a chat was given to a replica.
func (r *rig) deliveries() uint64 {
	r.Helper()
	consumer, err := r.js.Consumer(r.ctx, "CC_SESSIONS", "holders")
	r.check(err)
	info, err := consumer.Info(r.ctx)
	r.check(err)
	return info.Delivered.Consumer
}

// Late joiners get their share of chats that talk all the time, one of them in
// a call, and nobody notices; then they leave, one by one.
func TestNewReplicasGetTheirShare(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, onlyCrashesFailOver)
	first := r.startMortal()
	c := newCrowd(r, 12)
	c.chats[0].untilListening()
	c.chats[0].signals("REQUEST_CALL")
	r.awaitStored(c.chats[0].chat, ".event.signaling", 1)

	second := r.startMortal()
	c.speakUntil("two share", func() bool { return near(first.chats(), 6) && near(second.chats(), 6) })
	third := r.startMortal()
	c.speakUntil("three share", func() bool {
		return near(first.chats(), 4) && near(second.chats(), 4) && near(third.chats(), 4)
	})
	c.awaitRest()
	c.checkAll()

	c.chats = c.chats[1:] // the cut of a poll of the one with signaling is a gap
	second.stop()
	c.speakUntil("two share", func() bool { return first.chats()+third.chats() == 12 && near(first.chats(), 6) })
	first.stop()
	c.speakUntil("one has all", func() bool { return third.chats() == 12 })
	c.speak()
	for _, w := range c.chats {
		c.awaitStored(w.chat, ".event.message", c.said)
		w.checkAccount()
		w.checkGaps()
	}
}

// onlyCrashesFailOver has no replica on a busy machine be thought dead. Shares are reckoned within seconds all the same.
func onlyCrashesFailOver(r *rig) { r.config.FailoverAfter = 4 * time.Second }

// near: a chat more or less than the share is not worth a hand-over.
func near(chats, share int) bool { return chats >= share-1 && chats <= share+1 }

// Chats that are silent are handed over when their polls come back.
func TestSilentChatsAreShared(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 700 * time.Millisecond}, onlyCrashesFailOver)
	first := r.startMortal()
	c := newCrowd(r, 5)
	second := r.startMortal()
	r.eventually("two share", func() bool { return near(first.chats(), 3) && near(second.chats(), 2) })
	c.checkAll()
}

// No replica polls more chats than it may, and what one cannot take another does.
func TestSharesOfUnequalReplicas(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, onlyCrashesFailOver)
	r.config.MaxChats = 10
	large := r.startMortal()
	c := newCrowd(r, 10)
	r.config.MaxChats = 2
	small := r.startMortal()
	within := func() {
		if large.chats() > 10 || small.chats() > 2 {
			t.Errorf("%d of 10 chats, and %d of 2", large.chats(), small.chats())
		}
	}
	c.speakUntil("the small one has its share", func() bool { within(); return near(large.chats(), 8) && near(small.chats(), 2) })
	c.awaitRest()
	more := newCrowd(r, 2)
	c.speakUntil("both are full", func() bool { within(); return large.chats() == 10 && small.chats() == 2 })
	third := r.startMortal()                                                                                               // small as well
	c.speakUntil("the third one has its share", func() bool { within(); return third.chats() >= 1 && large.chats() <= 9 }) // small differences are left alone
	c.checkAll()
	more.checkAll()
}

// The replica that the surplus goes to dies. Its chats come back, and no chat
// waits for it.
func TestReceiverOfTheSurplusDies(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond})
	first := r.startMortal()
	c := newCrowd(r, 16)
	second := r.startMortal()
	r.eventually("the first chats are there", func() bool { return second.chats() > 0 })
	second.kill()
	c.speak()
	for _, w := range c.chats {
		r.awaitStored(w.chat, ".event.message", c.said)
		w.checkAccount()
		w.checkGaps()
	}
	r.eventually("one has all", func() bool { return first.chats() == 16 })
	r.awaitMembers(1)
	c.awaitRest()
}

// inPause makes the chat's next polls fail, and waits until the connector
// pauses: it knows then that nothing was given away.
func (w watched) inPause() {
	w.Helper()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusServiceUnavailable, RetryAfter: time.Minute, Times: 1})
	w.eventually("the connector pauses", func() bool { return strings.Contains(w.log.String(), "polling does not succeed") })
}

// A chat that is handed over while nobody polls it has lost nothing.
func TestOrderlyStopBetweenPolls(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
	first := r.start()
	c := newCrowd(r, 1)
	w := c.chats[0]
	w.signals("REQUEST_CALL")
	r.awaitStored(w.chat, ".event.signaling", 1)
	w.inPause()
	first.stop()
	w.says("meanwhile")
	r.start()
	c.said++
	c.checkAll()
}

// What was to be reconciled still is, however orderly the chat is handed over.
func TestReconcileStateOutlivesAnOrderlyStop(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: http.StatusServiceUnavailable})
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "lose", Times: 1})
	w.says("lost")
	r.eventually("the loss is noticed", func() bool { return strings.Contains(r.log.String(), "polling does not succeed") })
	first.stop()
	r.sim.ClearFaults()
	r.start()
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkRecovered(1)
	w.checkAccount()
}

// That nothing was lost is true until somebody polls again.
func TestOrderlyStopBeforeACrash(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute, StalePoll: time.Minute})
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusServiceUnavailable, RetryAfter: time.Minute, Times: 1})
	w.says("two")
	r.eventually("the connector pauses", func() bool { return strings.Contains(r.log.String(), "polling does not succeed") })
	first.stop()
	second := r.startMortal()
	w.untilListening()
	second.kill()
	w.says("to the dead")
	w.until("the dead process's poll has taken it", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
	r.start()
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkRecovered(1)
	w.checkGaps()
	w.untilListening()
	w.says("goes on")
	r.awaitStored(w.chat, ".event.message", 4)
	w.checkAccount()
}

// Whoever takes a chat over reads its events back, not the many results among them.
func TestResultsAreNotReadBack(t *testing.T) {
	t.Parallel()
	const commands = 60
	r := newRig(t, bpsim.Options{}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	for range commands {
		w.must("chat.typing", map[string]any{"chatId": w.chat})
	}
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	first.stop()
	var reads atomic.Int64
	heard, err := r.nc.Subscribe("$JS.API.*.GET.CC_EVENTS.>", func(*nats.Msg) { reads.Add(1) })
	r.check(err)
	also, err := r.nc.Subscribe("$JS.API.STREAM.MSG.GET.CC_EVENTS", func(*nats.Msg) { reads.Add(1) })
	r.check(err)
	r.check(r.nc.Flush())
	r.start()
	w.untilListening()
	r.check(heard.Unsubscribe())
	r.check(also.Unsubscribe())
	if n := reads.Load(); n == 0 || n > commands/2 {
		t.Errorf("%d reads for a chat with 3 messages", n)
	}
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	w.checkAccount()
}
