package connector_test

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// sequences are those of the chat's messages, in the order of the stream.
func (w watched) sequences() []uint64 {
	w.Helper()
	var all []uint64
	for _, m := range w.sequenced() {
		n, err := schema.Sequence(m.event)
		w.check(err)
		all = append(all, n)
	}
	return all
}

func (w watched) checkSequences(want ...uint64) {
	w.Helper()
	if got := w.sequences(); !slices.Equal(got, want) {
		w.Errorf("sequences are %v, want %v", got, want)
	}
}

// unready waits until readiness says all of these words.
func (r *rig) unready(replica *replica, words ...string) {
	r.Helper()
	said := ""
	r.eventually("readiness says "+strings.Join(words, ", "), func() bool {
		err := replica.Ready()
		if err == nil {
			return false
		}
		said = err.Error()
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(said, word) })
	})
}

// changeEvents changes the stream of events' definition.
func (r *rig) changeEvents(change func(*jetstream.StreamConfig)) {
	r.Helper()
	config := r.streamConfig("CC_EVENTS")
	change(&config)
	_, err := r.js.UpdateStream(r.ctx, config)
	r.check(err)
}

// sitOut returns when so many polls at another contact center were held for
// half a second: long enough for whoever polls here meanwhile to be seen.
func (r *rig) sitOut(holds int) {
	r.Helper()
	elsewhere := bpsim.New(bpsim.Options{Hold: 500 * time.Millisecond})
	front := httptest.NewServer(elsewhere)
	defer front.Close()
	defer elsewhere.Close()
	client, err := brightpattern.New(brightpattern.Config{BaseURL: front.URL})
	r.check(err)
	defer client.Close()
	cred := brightpattern.Credentials{App: appID, Client: "elsewhere"}
	chat, err := client.RequestChat(r.ctx, cred, brightpattern.ChatRequest{From: "Eve"})
	r.check(err)
	for range holds {
		_, err := client.Poll(r.ctx, cred, chat.ID)
		r.check(err)
	}
}

// While NATS is away nobody polls: what a poll brought could not be published.
func TestNobodyPollsWithoutNATS(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, aDayToFailOver)
	replica := r.start()
	defer replica.stop() // before the server that is started below
	w := watchNew(r)
	w.untilListening()
	restart := r.shutNATSDown()
	w.until("nobody polls", func(r bpsim.Record) bool { return r.Held == 0 })
	r.unready(replica, "NATS")
	before := w.record().Polls
	r.sitOut(4)
	if n := w.record().Polls - before; n > 0 {
		t.Errorf("the chat was polled %d times without NATS", n)
	}
	w.says("hello")
	restart()
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkTrail("session.opened", "message/poll")
	w.checkAccount()
	r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
}

// A store without room is named, no chat takes an answer that it could not
// publish beside the one that it has, and all goes on when there is room.
func TestStoreWithoutRoom(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fill, free func(*rig)
		words      []string
	}{
		"the stream's limit": {
			func(r *rig) {
				r.changeEvents(func(c *jetstream.StreamConfig) { c.MaxBytes, c.Discard = 2048, jetstream.DiscardNew })
			},
			func(r *rig) { r.changeEvents(func(c *jetstream.StreamConfig) { c.MaxBytes = -1 }) },
			[]string{"the stream CC_EVENTS is full", "raise the stream's limits", "maximum bytes exceeded"},
		},
		"the account's limit": {
			func(r *rig) { r.limitAccount(64 << 10) },
			func(r *rig) { r.limitAccount(1 << 30) },
			[]string{"the stream CC_EVENTS is full", "the account's JetStream limits"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, aDayToFailOver, func(r *rig) { r.limitAccount(1 << 30) })
			replica := r.start()
			busy, idle := watchNew(r), watchNew(r)
			busy.untilListening()
			c.fill(r)
			said := 0
			for replica.Ready() == nil { // until it is full
				busy.says(strings.Repeat("x", 1000+said))
				said++
			}
			r.unready(replica, c.words...)
			polled := busy.record().Polls
			idle.until("nobody polls", func(r bpsim.Record) bool { return r.Held == 0 })
			polledIdle := idle.record().Polls
			busy.says("waits at the contact center")
			r.sitOut(4)
			r.unready(replica, c.words...)
			if n := busy.record().Polls; n != polled {
				t.Errorf("the chat was polled %d times while its events could not be published", n-polled)
			}
			if n := idle.record().Polls; n != polledIdle {
				t.Errorf("an idle chat was polled %d times while nothing could be published", n-polledIdle)
			}
			c.free(r)
			r.awaitStored(busy.chat, ".event.message", said+1)
			idle.says("hello")
			r.awaitStored(idle.chat, ".event.message", 1)
			busy.checkAccount()
			idle.checkAccount()
			busy.checkGaps()
			r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
		})
	}
}

func (r *rig) limitAccount(bytes int64) {
	r.Helper()
	account, err := r.nats.LookupAccount("$G")
	r.check(err)
	r.check(account.UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{
		"": {MaxMemory: 1 << 20, MaxStore: bytes, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1},
	}))
}

// The stream of events is deleted and made again under an open chat: what was
// given meanwhile is published, also what no history has, and the chat's
// sequence goes on, in later replicas too.
func TestEventsStreamIsMadeAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver).provided()
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	for i := range 3 {
		w.says("before")
		r.awaitStored(w.chat, ".event.message", i+1)
	}
	w.untilListening()
	config := r.streamConfig("CC_EVENTS")
	r.check(r.js.DeleteStream(r.ctx, "CC_EVENTS"))
	w.signals("REQUEST_CALL")
	w.until("the poll has come back", func(r bpsim.Record) bool { return r.Held == 0 && r.Chat.Pending == 0 })
	r.unready(first, "the stream CC_EVENTS is missing", "CC_PROVISION=true")
	if r := w.record(); r.Held != 0 {
		t.Error("the chat is polled though nothing can be published")
	}
	w.says("meanwhile")
	_, err := r.js.CreateStream(r.ctx, config)
	r.check(err)
	r.awaitStored(w.chat, ".event.message", 1)
	r.eventually("the connector is ready again", func() bool { return first.Ready() == nil })
	w.checkTrail("signaling/poll", "message/poll")
	w.checkSequences(5, 6)
	w.checkGaps()

	w.untilListening()
	first.stop()
	second := r.start()
	w.untilListening()
	w.says("later")
	r.awaitStored(w.chat, ".event.message", 2)
	w.checkSequences(5, 6, 7)
	second.stop()
	r.start()
	w.untilListening()
	w.says("at last")
	r.awaitStored(w.chat, ".event.message", 3)
	r.check(r.sim.End(w.chat))
	w.awaitEnd(schema.ClosedEnded)
	w.checkGaps(schema.GapSignaling) // which there was before
	w.checkSequences(5, 6, 7, 8, 9, 10, 11)
}

// Nobody holds the chat when its stream is made again: the checkpoint of the
// old stream does not hide what stands in the new one.
func TestCheckpointOfAnotherStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	for i := range 300 { // enough for a checkpoint
		w.types()
		if i%50 == 0 {
			w.untilListening()
		}
	}
	r.awaitStored(w.chat, ".event.typing", 300)
	state, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	r.eventually("there is a checkpoint", func() bool {
		_, err := state.Get(r.ctx, "checkpoint."+string(w.token()))
		return err == nil
	})
	first.stop()
	config := r.streamConfig("CC_EVENTS")
	r.check(r.js.DeleteStream(r.ctx, "CC_EVENTS"))
	_, err = r.js.CreateStream(r.ctx, config)
	r.check(err)
	want := []uint64{}
	for i := range 3 {
		replica := r.start()
		w.untilListening()
		w.says("hello")
		r.awaitStored(w.chat, ".event.message", i+1)
		w.untilListening()
		replica.stop()
		for range 400 { // beyond where the old stream had been
			_, err := r.js.Publish(r.ctx, r.config.Prefix.Internal("events", "filler"), nil)
			r.check(err)
		}
		next := w.sequences()
		if len(want) > 0 {
			w.checkSequences(append(want, want[len(want)-1]+1)...)
		}
		want = next
	}
	const beyond = 300 - 256 // these the checkpoint need not have
	if typed := r.stored(r.config.Prefix.Event(w.token(), "typing")); len(typed) > beyond {
		t.Errorf("%d events of the old stream are published again", len(typed))
	}
}
