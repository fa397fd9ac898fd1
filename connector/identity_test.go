package connector_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// telling is what polls give away, one after the other, and what the history
// says then. An empty answer is lost on its way; it had the last line.
type telling struct{ polls, history []string }

func (tl telling) to(r *rig) {
	var polls atomic.Int64
	intercept(r, func(rw http.ResponseWriter, request *http.Request) bool {
		switch {
		case isHistory(request):
			_, _ = fmt.Fprintf(rw, `{"events":[%s]}`, strings.Join(tl.history, ","))
			return true
		case request.Method == http.MethodGet && isEvents(request):
			n := int(polls.Add(1)) - 1
			if n >= len(tl.polls) {
				return false // the simulator holds it
			}
			if tl.polls[n] == "" {
				panic(http.ErrAbortHandler)
			}
			_, _ = fmt.Fprintf(rw, `{"events":[%s]}`, tl.polls[n])
			return true
		}
		return false
	})
}

const lastStraw = `{"event":"chat_session_message","party_id":"p","msg_id":"lost","msg":"lost","timestamp":1614718760}`

// An answer is lost, and the history tells otherwise what polls had given: each
// event is published once.
func TestTwoSpellingsOfOneEventArePublishedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ polled, listed string }{
		"a time":    {`{"event":"chat_session_status","ewt":"","state":"queued"}`, `{"event":"chat_session_status","ewt":"","state":"queued","timestamp":"1614718748"}`},
		"a party":   {`{"event":"chat_session_typing","timestamp":1614718748123}`, `{"event":"chat_session_typing","party_id":"p","timestamp":"1614718748"}`},
		"an id":     {`{"event":"chat_session_message","msg":"hello"}`, `{"event":"chat_session_message","msg":"hello","msg_id":7,"party_id":"p","timestamp":1614718748}`},
		"a number":  {`{"event":"chat_session_form_show","form_request_id":7,"form_name":""}`, `{"event":"chat_session_form_show","form_request_id":"7","timestamp":1614718748000}`},
		"unknown":   {`{"event":"chat_session_future","n":1,"data":{"a":1.50}}`, `{"event":"chat_session_future","n":"1","data":"{\"a\":\"1.5\",\"b\":2}","party_id":"p","timestamp":1614718748}`},
		"no prefix": {`{"event":"something","n":"1"}`, `{"event":"something","n":1,"by":"p","timestamp":1614718748}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: time.Minute})
			telling{[]string{c.polled, ""}, []string{lastStraw, c.listed}}.to(r)
			r.start()
			w := watchNew(r)
			r.awaitStored(w.chat, ".session.recovered", 1)
			w.checkRecovered(1)
			if events := r.stored(r.config.Prefix.Event(w.token(), "*")); len(events) != 2 {
				t.Errorf("%d events are published", len(events))
			}
			w.checkSequence(w.chat)
		})
	}
}

// Two events that look alike in one spelling stay two.
func TestLookAlikesOfTwoSpellingsStayTwo(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	typing := `{"event":"chat_session_typing"}`
	telling{[]string{typing, ""}, []string{
		`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`, `{"event":"chat_session_typing","party_id":"p","timestamp":"1614718750000"}`,
	}}.to(r)
	r.start()
	w := watchNew(r)
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkRecovered(1)
	w.checkTrail("session.opened", "typing/poll", "typing/history", "session.recovered")
}

// A history told an event before a poll gave it away, in another spelling.
func TestEventsToldBeforehandInAnotherSpelling(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	listed := `{"event":"chat_session_status","state":"connected","timestamp":"1614718748"}`
	telling{[]string{"", `{"event":"chat_session_status","ewt":"","state":"connected"},` + lastStraw}, []string{listed, lastStraw}}.to(r)
	r.start()
	w := watchNew(r)
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.untilListening()
	w.checkTrail("session.opened", "status/history", "message/history", "session.recovered")
}

// Polls leave out what the history tells, some of them are lost, and the
// replica is replaced: each event is published once, whatever its kind.
func TestUnevenContactCenter(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute, Uneven: true})
	first := r.startMortal()
	w := watchNew(r)
	made := 0
	for i := range 24 {
		w.untilListening()
		if i%5 == 3 {
			w.inject(loss("lost", 1))
		}
		w.push(w.chat, []map[string]any{
			{"event": "chat_session_message", "party_id": "p", "msg_id": fmt.Sprint(i / 8), "msg": "hello"},
			{"event": "chat_session_typing", "party_id": "p"},
			{"event": "chat_session_future", "n": i / 8, "party_id": "p", "x": map[string]any{"y": "1"}},
			{"event": "chat_session_status", "state": "queued", "ewt": 12},
		}[i%4])
		made++
		r.eventually("it is published", func() bool { return w.events() >= made })
	}
	w.untilListening()
	first.kill()
	r.start()
	w.untilListening()
	w.says("at last")
	r.eventually("it is published", func() bool { return w.events() > made })
	if got := w.events(); got != made+1 {
		t.Errorf("%d events are published, and %d were made: %s", got, made+1, strings.Join(w.trail(), " "))
	}
	w.checkGaps()
	w.checkSequence(w.chat)
}

// events counts those that are published.
func (w watched) events() (count int) {
	w.Helper()
	for _, step := range w.trail() {
		if !strings.HasPrefix(step, "session.") {
			count++
		}
	}
	return count
}

// The customer's own events in a history are the customer's, however it says so.
func TestClientsOwnEventsAreNotPublished(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openAttachable("ada")
	file := `{"event":"chat_session_file","msg_id":"1","file_id":"F","file_name":"id.png","file_type":"image","timestamp":"1614718750"`
	telling{nil, []string{
		file + `}`, file + `,"session_id":"` + chat + `"}`, file + `,"party_id":"` + chat + `"}`, file + `,"party_id":null}`,
		`{"event":"chat_form_data_cancel","form_request_id":"1"}`, `{"event":"chat_form_data_cancel","form_request_id":1,"party_id":"p"}`,
		`{"event":"chat_session_navigation","party_id":"p","page":"/"}`, `{"event":"chat_session_message","party_id":"` + chat + `","msg":"hello"}`,
		file + `,"party_id":"agent"}`,
	}}.to(o.rig)
	if r := o.send("chat.attach", fields{"chatId": chat, "clientId": "ada"}); r.status() != "ok" {
		t.Fatalf("got %v", r.data)
	}
	log := o.awaitLog(chat, "session.opened", "event.file/history")
	if log[1].data["partyId"] != "agent" {
		t.Errorf("published is %v", log[1].data)
	}
}

// However long a chat is, and however small the bus's messages: what the
// stream has forgotten is not published again by the next replica, and the
// numbers go on.
func TestLongChatsOnSmallBuses(t *testing.T) {
	for limit, events := range map[int32]int{64 << 10: 2000, 16 << 10: 600} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: time.Minute}, func(r *rig) {
				r.payload(limit)
				r.config.EventsMaxAge, r.config.EventsMaxBytes = time.Hour, 256<<10
			})
			first := r.startMortal()
			w := watchNew(r)
			heard, err := r.nc.SubscribeSync(r.config.Prefix.ChatAll(w.token()))
			r.check(err)
			r.check(heard.SetPendingLimits(-1, -1))
			for i := range events {
				w.push(w.chat, map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": fmt.Sprint(i), "msg": fmt.Sprint("text ", i)})
				if i%50 == 0 {
					w.untilListening()
				}
			}
			w.untilListening()
			first.kill()
			second := r.start()
			w.untilListening()
			w.says("at last")
			w.untilListening()
			checkHeard(r, heard, events+1)
			r.check(second.Ready())
			r.check(r.sim.End(w.chat))
			w.awaitEnd(schema.ClosedEnded)
			w.checkExpiring()
		})
	}
}

// checkExpiring sees that nothing is kept for ever of what was known of the
// chat's events.
func (w watched) checkExpiring() {
	w.Helper()
	stream, err := w.js.Stream(w.ctx, "KV_CC_STATE")
	w.check(err)
	info, err := stream.Info(w.ctx, jetstream.WithSubjectFilter("$KV.CC_STATE.checkpoint."+string(w.token())+".>"))
	w.check(err)
	if len(info.State.Subjects) == 0 {
		w.Error("no segment is kept")
	}
	for subject := range info.State.Subjects {
		msg, err := stream.GetLastMsgForSubject(w.ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		w.check(err)
		if msg.Header.Get(jetstream.MsgTTLHeader) == "" {
			w.Errorf("%s stays for ever", subject)
		}
	}
}

// checkHeard sees that each message came once, and no number is missing. One
// that the stream refused is heard, too, and then once more. On a busy machine
// some may come from the history.
func checkHeard(r *rig, heard *nats.Subscription, events int) {
	r.Helper()
	r.check(r.nc.FlushTimeout(patience))
	ids, texts := map[string]uint64{}, map[string]string{}
	for {
		waiting, _, err := heard.Pending()
		r.check(err)
		if waiting == 0 {
			break
		}
		msg, err := heard.NextMsg(patience)
		r.check(err)
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		r.check(err)
		number, err := schema.Sequence(ce)
		r.check(err)
		if earlier, again := ids[ce.ID()]; again && earlier != number || !again && number != uint64(len(ids))+2 {
			r.Fatalf("%s has the number %d, behind %d others; log:\n%s", ce.ID(), number, len(ids), r.log)
		}
		ids[ce.ID()] = number
		if event, err := schema.DecodeEvent(ce); err == nil {
			text := event.(*schema.Message).HTML
			if id, again := texts[text]; again && id != ce.ID() {
				r.Fatalf("%q is published twice; log:\n%s", text, r.log)
			}
			texts[text] = ce.ID()
		}
	}
	if len(texts) != events {
		r.Errorf("%d events are published, and %d were made", len(texts), events)
	}
}
