package connector_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
)

// shortLived is for chats of which nothing is to be left soon.
func shortLived(r *rig) {
	r.config.EventsMaxAge, r.config.FilesMaxAge, r.config.IdempotencyWindow = 4*time.Second, 4*time.Second, 2*time.Second
}

// subjectsIn are all that a stream has messages of, but for the markers of keys
// that hold nothing any more.
func (r *rig) subjectsIn(name string) []string {
	r.Helper()
	stream, err := r.js.Stream(r.ctx, name)
	r.check(err)
	info, err := stream.Info(r.ctx, jetstream.WithSubjectFilter(">"))
	r.check(err)
	return slices.Sorted(maps.Keys(info.State.Subjects))
}

// leftovers are what is left of chats. The connector has a secret, a record for
// each replica, and a note on the stream of tokens, for good.
func (r *rig) leftovers() (left []string) {
	r.Helper()
	for _, name := range []string{"CC_SESSIONS", "CC_COMMANDS", "KV_CC_CHATS", "KV_CC_STATE", "OBJ_CC_FILES", "CC_EVENTS"} {
		left = append(left, r.subjectsIn(name)...)
	}
	return slices.DeleteFunc(left, func(subject string) bool {
		key, isState := strings.CutPrefix(subject, "$KV.CC_STATE.")
		return isState && (key == "secret" || key == "tokens" || strings.HasPrefix(key, "replica."))
	})
}

// Nothing stays of a chat that is over, however it ended and whatever was done with it.
func TestNothingIsLeftOfClosedChats(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{Hold: 300 * time.Millisecond}, tinyBus, shortLived)
	all := o.openAndUse(50)
	o.closeAll(all)
	o.eventually("nobody polls any more", func() bool { return len(o.subjectsIn("CC_SESSIONS")) == 0 })
	var left []string
	defer func() {
		if t.Failed() {
			t.Logf("left are %q", left)
		}
	}()
	o.eventually("nothing is left", func() bool { left = o.leftovers(); return len(left) == 0 })
	for _, w := range all[:4] {
		o.checkFailure(o.send("chat.typing", fields{"chatId": w.chat}), verdict{"unknown_chat", "", 0, false, "not_done"})
	}
	if age := o.streamConfig("KV_CC_JOURNAL").MaxAge; age <= 0 || age > 2*time.Hour {
		t.Errorf("the journal keeps commands for %v", age)
	}
}

// openAndUse opens chats, on which something happens.
func (o outsider) openAndUse(n int) []watched {
	o.Helper()
	var all []watched
	for i := range n {
		w := watchNew(o.rig)
		all = append(all, w)
		w.sends("hello")
		o.give("chat.send", fmt.Sprint("durable ", i), w.chat, fields{"text": "hello"})
		w.says("hello")
		if i%10 == 0 {
			w.says(strings.Repeat("x", longText))
			_, err := w.nc.Request("cc.chat.history", []byte(`{"chatId":"`+w.chat+`"}`), patience)
			w.check(err)
		}
	}
	return all
}

// closeAll ends chats in all ways that there are.
func (o outsider) closeAll(all []watched) {
	o.Helper()
	for i, w := range all {
		switch i % 4 {
		case 0:
			o.must("chat.end", fields{"chatId": w.chat})
		case 1:
			o.check(o.sim.End(w.chat))
		case 2:
			o.must("chat.detach", fields{"chatId": w.chat})
			o.call("chat.send", fields{"chatId": w.chat, "text": "detached"})
		case 3:
			o.check(o.sim.Forget(w.chat))
		}
	}
}

// Nor of one that could not be followed when it was attached.
func TestNothingIsLeftOfFailedAttaching(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, shortLived).provided()} // nobody makes the list again meanwhile
	o.start()
	chat := o.openElsewhere("eve")
	app{o, "eve"}.say(chat, fields{"event": "chat_session_message", "msg_id": chat + ":7", "msg": "x"})
	sessions := o.streamConfig("CC_SESSIONS")
	o.check(o.js.DeleteStream(o.ctx, "CC_SESSIONS"))
	if failed := o.send("chat.attach", fields{"chatId": chat, "clientId": "eve"}); failed.status() != "error" {
		t.Errorf("attached without a list of chats: %v", failed.data)
	}
	_, err := o.js.CreateStream(o.ctx, sessions)
	o.check(err)
	o.check(o.sim.End(chat))
	var left []string
	defer func() {
		if t.Failed() {
			t.Logf("left are %q", left)
		}
	}()
	o.eventually("nothing is left", func() bool { left = o.leftovers(); return len(left) == 0 })
}
