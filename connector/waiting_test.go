package connector_test

import (
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
)

// The history also lists what waits to be given away. Whoever reads it then
// publishes an event that a poll is still to bring.

func TestEventsWaitForTheNextReplica(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	first.stop()
	w.says("one")
	w.types()
	r.start()
	w.untilListening()
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	w.untilListening()
	w.checkAccount()
	w.checkGaps()
	w.checkWellBehaved()
}

// One replica publishes what waits and leaves before it could poll it.
func TestEventsWaitForTheReplicaAfterNext(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	first.stop()
	w.says("one")
	hangPolls(r)
	second := r.start()
	r.awaitStored(w.chat, ".session.recovered", 1)
	second.stop()
	r.sim.ClearFaults()
	r.start()
	w.untilListening()
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	w.untilListening()
	w.checkAccount()
	w.checkRecovered(1)
}

func TestEventsWaitWhileTheHistoryIsRead(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := newRig(t, bpsim.Options{Hold: time.Minute, Now: func() time.Time { return now }})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "hang", Times: 1})
	w.inject(loss("lost", 1))
	w.types() // is lost
	w.untilStruck()
	w.types() // looks just the same, and waits
	w.says("one")
	w.sim.ClearFaults()
	w.untilListening()
	w.types() // looks just the same, and is new
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	w.untilListening()
	w.checkAccountUnordered()
	w.checkRecovered(3)
	w.checkGaps()
}

// A look-alike comes between the history and the poll.
func TestLookAlikesAfterTheHistory(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := newRig(t, bpsim.Options{Hold: time.Minute, Now: func() time.Time { return now }}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	first.stop()
	w.types()
	hangPolls(r)
	r.start()
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.types()
	w.types()
	r.sim.ClearFaults()
	w.untilListening()
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkAccount()
}

func TestEventsWaitForTheAttaching(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	r.start()
	client, err := brightpattern.New(r.client)
	r.check(err)
	t.Cleanup(client.Close)
	elsewhere, err := client.RequestChat(r.ctx, brightpattern.Credentials{App: appID, Client: "elsewhere"}, brightpattern.ChatRequest{From: "Ada"})
	r.check(err)
	w := watched{r, string(elsewhere.ID)}
	w.says("one")
	w.types()
	r.must("chat.attach", map[string]any{"chatId": w.chat, "clientId": "elsewhere"})
	w.untilListening()
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	w.untilListening()
	w.checkTrail("session.opened", "message/history", "typing/history", "message/poll")
	w.checkAccount()
}

// Everything at once: polls are lost, sends bring events, and more events come
// all the time.
func TestSendsAndLostPollsCompete(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true, Hold: 600 * time.Millisecond})
	for _, name := range []string{"lost", "truncated", "unreadable"} {
		injectInto(r, loss(name, 1))
	}
	r.start()
	w := watchNew(r)
	const each = 40
	w.compete(each)
	r.awaitStored(w.chat, ".event.message", each)
	for len(r.sim.Faults()) > 0 {
		w.untilListening()
		w.types()
	}
	w.untilListening()
	w.says("last")
	r.awaitStored(w.chat, ".event.message", each+1)
	w.untilListening()
	w.checkAccountUnordered()
	w.checkGaps()
	w.checkWellBehaved()
}
