package connector_test

import (
	"encoding/json"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// aDayToFailOver shows that a chat was given back: nobody waits so long for a
// silent replica.
func aDayToFailOver(r *rig) { r.config.FailoverAfter = 24 * time.Hour }

// sends sends a text and returns the message id that it was given.
func (w watched) sends(text string) string {
	w.Helper()
	var sent schema.ChatSendResult
	w.check(json.Unmarshal(w.must("chat.send", map[string]any{"chatId": w.chat, "text": text}), &sent))
	return sent.MessageID
}

// The poll of a process that has left can stay open for a while, and what is
// given to it is gone: the next replica finds it in the history.
func TestChatsOutliveTheirReplica(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute, StalePoll: time.Minute}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	if id := w.sends("hello"); id != w.chat+":0" {
		t.Errorf("the first message is %s", id)
	}
	w.untilListening()

	first.stop()
	w.says("two")
	w.until("the stale poll has taken it", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
	r.start()
	r.awaitStored(w.chat, ".event.message", 2)
	w.untilListening()
	w.says("three")
	r.awaitStored(w.chat, ".event.message", 3)
	if id := w.sends("are you there?"); id != w.chat+":1" {
		t.Errorf("the second message is %s", id)
	}
	w.checkTrail("session.opened", "message/poll", "message/history", "session.recovered", "message/poll")
	w.checkRecovered(1)
	w.checkGaps()
	w.checkAccount()
}

// Nothing happened meanwhile, so nothing is told.
func TestHandOverOfQuietChats(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	first := r.start()
	quiet, calling := watchNew(r), watchNew(r)
	calling.untilListening()
	calling.signals("REQUEST_CALL")
	r.awaitStored(calling.chat, ".event.signaling", 1)
	for range 3 {
		quiet.untilListening()
		calling.untilListening()
		first.stop()
		first = r.start()
	}
	quiet.untilListening()
	calling.untilListening()
	quiet.says("hello")
	r.awaitStored(quiet.chat, ".event.message", 1)
	quiet.checkTrail("session.opened", "message/poll")
	calling.checkGaps() // yet
	r.check(r.sim.End(calling.chat))
	calling.awaitEnd(schema.ClosedEnded)
	calling.checkGaps(schema.GapSignaling)
	r.checkSequence(calling.chat)
	quiet.checkWellBehaved()
}

// However often they are handed over, no token is left where nobody has it.
func TestNoChatIsLostInHandOvers(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	holder := r.start()
	var chats []watched
	for range 8 {
		chats = append(chats, watchNew(r))
	}
	for range 12 {
		for _, w := range chats {
			w.untilListening()
		}
		holder.stop()
		holder = r.start()
	}
	for _, w := range chats {
		w.untilListening()
		w.says("hello")
		r.awaitStored(w.chat, ".event.message", 1)
		w.checkTrail("session.opened", "message/poll")
		w.checkWellBehaved()
	}
}

// A chat that ended while nobody was there is closed by whoever comes.
func TestChatsEndWithoutAReplica(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute, StalePoll: time.Minute}, aDayToFailOver)
	first := r.start()
	ended, gone := watchNew(r), watchNew(r)
	ended.untilListening()
	gone.untilListening()
	first.stop()
	ended.says("bye")
	ended.until("the stale poll has taken it", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
	r.check(r.sim.Forget(gone.chat))
	r.start()
	ended.awaitStored(ended.chat, ".event.message", 1)
	r.check(r.sim.End(ended.chat))
	ended.awaitEnd(schema.ClosedEnded)
	ended.checkAccount()
	gone.awaitEnd(schema.ClosedGone)
	gone.checkGaps(schema.GapHistoryUnavailable)
	r.checkSequence(gone.chat)
}

func TestEntryOutlivesItsReplica(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	for _, event := range []map[string]any{
		{"event": "chat_session_status", "state": "connected", "ewt": "7"},
		{"event": "chat_session_case_set", "case_id": "case-1"},
		{"event": "chat_session_party_joined", "party_id": "a", "display_name": "Alice", "type": "internal"},
		{"event": "chat_session_party_joined", "party_id": "b", "display_name": "Bob", "type": "internal"},
		{"event": "chat_session_party_left", "party_id": "a"},
	} {
		w.untilListening()
		w.push(w.chat, event)
	}
	r.awaitStored(w.chat, ".event.party_left", 1)
	w.untilListening()
	want := w.entry()
	if want.State != "connected" || want.CaseID != "case-1" || want.EstimatedWaitTime == nil || *want.EstimatedWaitTime != 7 {
		t.Errorf("the entry is %+v", want)
	}
	if !slices.Equal(want.Parties, schema.List[schema.Party]{{PartyID: "b", DisplayName: "Bob", PartyType: "internal"}}) {
		t.Errorf("parties: %+v", want.Parties)
	}
	first.stop()
	r.start()
	w.untilListening()
	w.push(w.chat, map[string]any{"event": "chat_session_party_left", "party_id": "b"})
	r.awaitStored(w.chat, ".event.party_left", 2)
	w.untilListening()
	r.eventually("the entry knows of it", func() bool { return len(w.entry().Parties) == 0 })
	if after := w.entry(); after.State != want.State || after.CaseID != want.CaseID || !after.OpenedAt.Equal(want.OpenedAt.Time) || after.Sequence != 7 {
		t.Errorf("the entry was %+v and is %+v", want, after)
	}
}

// What a poll brings while NATS is away waits for it.
func TestNATSRestarts(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	defer r.start().stop() // before the server that is started below
	w := watchNew(r)
	w.sends("hello")
	w.untilListening()
	restart := r.shutNATSDown()
	w.says("one")
	w.until("the poll has taken it", func(r bpsim.Record) bool { return r.Chat.Pending == 0 })
	restart()
	r.awaitStored(w.chat, ".event.message", 1)
	w.untilListening()
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	if id := w.sends("again"); id != w.chat+":1" {
		t.Errorf("the second message is %s", id)
	}
	w.checkTrail("session.opened", "message/poll", "message/poll")
	w.checkAccount()
	w.checkWellBehaved()
}

// Away for so long that no replica can be sure of its chats.
func TestNATSRestartsLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	defer r.start().stop()
	w := watchNew(r)
	w.untilListening()
	restart := r.shutNATSDown()
	w.says("one")
	r.eventually("the chat is let go", func() bool { return strings.Contains(r.log.String(), "could not be confirmed in time") })
	restart()
	r.awaitStored(w.chat, ".event.message", 1)
	w.untilListening()
	w.says("two")
	r.awaitStored(w.chat, ".event.message", 2)
	w.checkTrail("session.opened", "message/history", "session.recovered", "message/poll")
	w.checkAccount()
	w.checkGaps()
}

// shutNATSDown returns what starts the server again as it was, but for what is
// changed.
func (r *rig) shutNATSDown(change ...func(*server.Options)) (restart func()) {
	r.Helper()
	options := &server.Options{
		Host: "127.0.0.1", Port: r.nats.Addr().(*net.TCPAddr).Port, JetStream: true,
		StoreDir: strings.TrimSuffix(r.nats.StoreDir(), "/"+server.JetStreamStoreDir), NoSigs: true, NoLog: true,
	}
	for _, do := range change {
		do(options)
	}
	return r.endNATS(options)
}

// The stream has dropped the chat's fence, as its limits may.
func TestForgottenFence(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	r.start()
	w := watchNew(r)
	for i := range 3 {
		w.untilListening()
		w.dropFence()
		w.types()
		r.awaitStored(w.chat, ".event.typing", i+1)
	}
	w.untilListening()
	w.checkAccount()
	w.checkGaps()
	if n := len(w.sessions("opened")); n != 1 {
		t.Errorf("the chat was opened %d times", n)
	}
}

func (w watched) fence() string {
	return w.config.Prefix.Internal("events", "fence", string(w.token()))
}

func (w watched) dropFence() {
	w.Helper()
	stream, err := w.js.Stream(w.ctx, w.config.Prefix.StreamName("EVENTS"))
	w.check(err)
	if _, err := stream.GetLastMsgForSubject(w.ctx, w.fence()); err != nil {
		w.Fatalf("there is no fence: %v", err)
	}
	w.check(stream.Purge(w.ctx, jetstream.WithPurgeSubject(w.fence())))
}

// Another replica's fence: whatever this one holds in its hands, it says no more.
func TestForeignFence(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	polls := countPolls(r)
	r.start()
	w := watchNew(r)
	w.untilListening()
	_, err := r.js.Publish(r.ctx, w.fence(), nil)
	r.check(err)
	w.says("mine no more")
	r.eventually("the chat is let go", func() bool { return strings.Contains(r.log.String(), "another replica has taken it") })
	before := polls.Load()
	r.must("chat.typing", map[string]any{"chatId": w.chat}) // commands need no holder
	w.checkTrail("session.opened")
	if !w.hasToken() {
		t.Error("the token is not this replica's to remove")
	}
	if after := polls.Load(); after != before {
		t.Errorf("%d polls of a chat that was let go", after-before)
	}
	if entry := w.entry(); entry.ClosedAt != nil {
		t.Errorf("the entry is %+v", entry)
	}
}
