package connector_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// Somebody deletes the list of what is to be polled: the chats that are open
// are polled again when there is a new one, and those that are over are not.
func TestSessionsStreamIsMadeAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, failOverAfter(2*time.Second)).provided()
	first := r.start()
	open, over := watchNew(r), watchNew(r)
	r.check(r.sim.End(over.chat))
	over.awaitEnd(schema.ClosedEnded)
	open.says("one")
	r.awaitStored(open.chat, ".event.message", 1)
	r.check(r.js.DeleteStream(r.ctx, "CC_SESSIONS"))
	r.unready(first, "the stream CC_SESSIONS or its consumer is missing", "CC_PROVISION=true")
	open.until("nobody polls", func(r bpsim.Record) bool { return r.Held == 0 })
	open.says("two")

	r.config.Provision = true
	r.start() // which makes the stream
	r.awaitStored(open.chat, ".event.message", 2)
	r.eventually("the first connector is ready again", func() bool { return first.Ready() == nil })
	first.stop()
	open.untilListening()
	open.says("three")
	r.awaitStored(open.chat, ".event.message", 3)
	open.checkTrail("session.opened", "message/poll", "message/history", "session.recovered", "message/poll")
	open.checkAccount()
	if over.hasToken() {
		t.Error("a chat that is over is to be polled again")
	}
}

// The stream is made again by hand while connectors run.
func TestSessionsStreamIsMadeAgainByHand(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, failOverAfter(2*time.Second)).provided()
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	consumer, err := r.js.Consumer(r.ctx, "CC_SESSIONS", "holders")
	r.check(err)
	config, holders := r.streamConfig("CC_SESSIONS"), consumer.CachedInfo().Config
	r.check(r.js.DeleteStream(r.ctx, "CC_SESSIONS"))
	r.unready(first, "the stream CC_SESSIONS")
	_, err = r.js.CreateStream(r.ctx, config)
	r.check(err)
	_, err = r.js.CreateConsumer(r.ctx, "CC_SESSIONS", holders)
	r.check(err)
	w.untilListening()
	w.says("hello")
	r.awaitStored(w.chat, ".event.message", 1)
	r.eventually("the connector is ready again", func() bool { return first.Ready() == nil })
	w.checkTrail("session.opened", "message/poll")
}

// What nobody can read is in the way of its own chat only.
func TestUnreadableEntryIsNotRestored(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	chats, err := r.js.KeyValue(r.ctx, "CC_CHATS")
	r.check(err)
	_, err = chats.PutString(r.ctx, "broken", `{"chatId":7}`)
	r.check(err)
	first.stop()
	r.check(r.js.DeleteStream(r.ctx, "CC_SESSIONS"))
	r.start()
	w.untilListening()
	w.says("hello")
	r.awaitStored(w.chat, ".event.message", 1)
	r.awaitLogged("a chat's entry cannot be read")
}

// The holder of a chat whose token is to be restored publishes all the same
// what comes in the answer to a call.
func TestAnswerWhileTheTokenIsAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	intercept(r, answering(http.MethodPost, `{"events":[{"event":"chat_session_typing","party_id":"p"}]}`))
	r.start()
	w := watchNew(r)
	w.untilListening()
	tokens, err := r.js.Stream(r.ctx, "CC_SESSIONS")
	r.check(err)
	r.check(tokens.Purge(r.ctx, jetstream.WithPurgeSubject("cc.internal.session."+string(w.token()))))
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	r.awaitStored(w.chat, ".event.typing", 1)
}
