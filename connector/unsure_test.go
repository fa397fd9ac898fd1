package connector_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
)

// A holder that lets go because it is not sure of its lease leaves no heartbeat
// behind that would keep the chat from everybody.
func TestUnsureLeaseIsLetGo(t *testing.T) {
	t.Parallel()
	var holder atomic.Pointer[replica]
	var chat atomic.Pointer[watched]
	type doubt struct {
		isHeld  func() bool
		confirm func()
	}
	var last atomic.Pointer[doubt]
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, failOverAfter(8*time.Second), func(r *rig) {
		r.config.At(func(point string) {
			d := last.Load()
			if point == "Polled" && (d == nil || d.isHeld()) {
				isHeld, confirm := holder.Load().WakeUp(chat.Load().token())
				last.Store(&doubt{isHeld, confirm})
			}
		})
	})
	holder.Store(r.start())
	w := watchNew(r)
	w.untilListening()
	chat.Store(&w)
	said := 0
	r.eventually("the holder has let go", func() bool {
		if d := last.Load(); d != nil && !d.isHeld() {
			return true
		}
		if len(r.stored(r.config.Prefix.Event(w.token(), "message"))) == said { // a heartbeat that was on its way has dispelled the doubt
			said++
			w.says(fmt.Sprint("message ", said))
		}
		return false
	})
	last.Load().confirm()
	before := w.record().Polls
	w.until("it is polled again", func(r bpsim.Record) bool { return r.Chat.Pending == 0 && r.Polls > before })
	w.says("the last")
	r.awaitStored(w.chat, ".event.message", said+1)
	w.checkAccount()
}

// An event of a command's answer is stored, and that is not confirmed for
// longer than it may be tried again: the next holder reads back what stands.
func TestUnconfirmedPublicationEndsTheHolding(t *testing.T) {
	t.Parallel()
	var lost atomic.Bool
	lost.Store(true)
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond}, failOverAfter(time.Minute), func(r *rig) {
		r.config.EventsMaxAge = 20 * time.Second
		r.prepare = func(c *connector.Connector) { c.LoseAcks(".event.typing", &lost) }
	})
	intercept(r, answering(http.MethodPost, `{"events":[{"event":"chat_session_typing","party_id":"p","timestamp":"1"}]}`))
	r.start()
	w := watchNew(r)
	w.untilListening()
	r.check(r.nc.Publish("cc.chat.typing", []byte(`{"chatId":"`+w.chat+`"}`)))
	r.awaitStored(w.chat, ".event.typing", 1)
	r.awaitLogged("chat given back")
	lost.Store(false)
	w.says("one")
	r.awaitStored(w.chat, ".event.message", 1)
	r.checkSequence(w.chat)
}

// awaitLogged waits until the words are in the log.
func (r *rig) awaitLogged(words string) {
	r.Helper()
	r.eventually("it is logged: "+words, func() bool { return strings.Contains(r.log.String(), words) })
}
