package connector_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// pollAside polls the chat as a process would that died without the contact
// center's notice: what it is given reaches nobody. It returns when its poll
// is held; stop ends it.
func (w watched) pollAside() (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	entry := w.entry()
	query := url.Values{"tenantUrl": {tenant}, "timestamp": {"1"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http.URL+"/clientweb/api/v2/chats/"+w.chat+"/events?"+query.Encode(), nil)
	w.check(err)
	request.Header.Set("Authorization", `MOBILE-API-140-327-PLAIN appId="`+entry.AppID+`", clientId="`+w.record().Chat.ClientID+`"`)
	request.Header.Set("User-Agent", "MobileClient")
	request.Header.Set("Cache-Control", "no-cache")
	done := make(chan struct{})
	go func() {
		defer close(done)
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
	}()
	return func() { cancel(); <-done }
}

// What the contact center gives to the poll of a dead process is found in the
// history, once that poll is out of the way.
func TestEventsGivenToADeadPoll(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 8 * time.Second}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	first.stop()
	w.until("nobody polls", func(r bpsim.Record) bool { return r.Held == 0 })
	stop := w.pollAside()
	w.untilListening()

	r.start()
	r.eventually("the connector is refused", func() bool { return w.record().Refused > 0 })
	w.says("to the dead")
	r.awaitStored(w.chat, ".event.message", 1)
	stop()
	w.untilListening()
	w.says("to the living")
	r.awaitStored(w.chat, ".event.message", 2)
	w.checkAccount()
	w.checkTrail("session.opened", "message/history", "session.recovered", "message/poll")
	w.checkGaps()
}

// A gateway that gave up says nothing of what the contact center had answered.
func TestAnswersLostBehindAGateway(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "status", Status: http.StatusGatewayTimeout, HTML: true, AfterEffect: true, Times: 1})
	w.says("lost behind it")
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkTrail("session.opened", "message/history", "session.recovered")
	w.checkGaps()
}

// A store that takes nothing makes the connector unready, and holds no reply
// back for long.
func TestFullStore(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.config.CallTimeout = patience / 2 })
	replica := r.start()
	w := watchNew(r)
	stream, err := r.js.Stream(r.ctx, "CC_EVENTS")
	r.check(err)
	config := stream.CachedInfo().Config
	config.MaxMsgSize = 16
	_, err = r.js.UpdateStream(r.ctx, config)
	r.check(err)
	_, err = r.nc.Request("cc.chat.typing", []byte(`{"chatId":"`+w.chat+`"}`), patience) // which may lie beside the bus
	r.check(err)
	if err := replica.Ready(); err == nil {
		t.Error("the connector is ready though nothing can be stored")
	}
	config.MaxMsgSize = -1
	_, err = r.js.UpdateStream(r.ctx, config)
	r.check(err)
	r.awaitStored(w.chat, ".result.chat.typing", 1)
	r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
}

// A history that is away for longer than anybody waits is tried until it is there.
func TestHistoryComesBackLate(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond})
	r.start()
	w := watchNew(r)
	w.untilListening()
	w.inject(bpsim.Fault{Method: bpsim.GetHistory, Kind: "status", Status: 503})
	w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "lose", Times: 1})
	w.says("lost")
	r.eventually("the connector polls on without the history", func() bool {
		return strings.Contains(r.log.String(), "history cannot be read for the moment")
	})
	w.says("after")
	r.awaitStored(w.chat, ".event.message", 1)
	w.checkGaps()
	r.sim.ClearFaults()
	r.awaitStored(w.chat, ".session.recovered", 1)
	w.checkTrail("session.opened", "message/poll", "message/history", "session.recovered")
	w.checkGaps()
}

// A history that cannot be read although polls are well leaves one gap, whatever
// comes in its place.
func TestUnreadableHistoryIsAGap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault bpsim.Fault
		want  schema.GapReason
	}{
		"garbage":  {bpsim.Fault{Kind: "garbage"}, schema.GapHistoryUnreadable},
		"a page":   {bpsim.Fault{Kind: "page"}, schema.GapHistoryUnreadable},
		"bare 404": {bpsim.Fault{Kind: "status", Status: 404}, schema.GapHistoryUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond})
			r.start()
			w := watchNew(r)
			w.untilListening()
			c.fault.Method = bpsim.GetHistory
			w.inject(c.fault)
			w.inject(bpsim.Fault{Method: bpsim.PollEvents, Kind: "lose", Times: 1})
			w.says("lost")
			r.awaitStored(w.chat, ".session.gap", 1)
			w.untilListening()
			w.says("goes on")
			r.awaitStored(w.chat, ".event.message", 1)
			polls := w.record().Polls
			w.until("it has been polled on", func(r bpsim.Record) bool { return r.Polls > polls+3 })
			w.checkGaps(c.want)
		})
	}
}

// A token may come back after its opening was closed, because the server never
// heard that it was done. It must not open the chat again, whether the stream
// still has session.closed or not.
func TestTokenOfAClosedOpening(t *testing.T) {
	for name, forget := range map[string]bool{"remembered": false, "forgotten": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{})
			r.start()
			w := watchNew(r)
			sessions, err := r.js.Stream(r.ctx, r.config.Prefix.StreamName("SESSIONS"))
			r.check(err)
			subject := r.config.Prefix.Internal("session", string(w.token()))
			token, err := sessions.GetLastMsgForSubject(r.ctx, subject)
			r.check(err)
			r.must("chat.detach", map[string]any{"chatId": w.chat})
			w.awaitEnd(schema.ClosedDetached)
			if forget {
				events, err := r.js.Stream(r.ctx, r.config.Prefix.StreamName("EVENTS"))
				r.check(err)
				r.check(events.Purge(r.ctx, jetstream.WithPurgeSubject(r.of(w.chat))))
			}
			before := len(w.sequenced())
			polls := w.record().Polls
			_, err = r.js.Publish(r.ctx, subject, token.Data)
			r.check(err)
			r.eventually("the token is gone again", func() bool { return !w.hasToken() })
			if after := len(w.sequenced()); after != before {
				t.Errorf("%d messages were published for a closed opening:\n%s", after-before, strings.Join(w.trail(), "\n"))
			}
			if after := w.record().Polls; after != polls {
				t.Errorf("the chat was polled %d times more", after-polls)
			}
		})
	}
}

// Attached again at once after a detach, the chat's entry says that it is open.
func TestEntryOfAReopenedChat(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	w := watchNew(r)
	client := w.record().Chat.ClientID
	for n := range 5 {
		r.must("chat.detach", map[string]any{"chatId": w.chat})
		r.must("chat.attach", map[string]any{"chatId": w.chat, "clientId": client})
		if entry := w.entry(); entry.ClosedAt != nil || entry.ClosedReason != "" {
			t.Errorf("round %d: the entry is %+v", n, entry)
		}
	}
	r.awaitStored(w.chat, ".session.opened", 6)
	w.untilStored(5, 6)
	w.checkSequence(w.chat)
}

// untilStored waits until so many closings and openings are told.
func (w watched) untilStored(closed, opened int) {
	w.Helper()
	w.awaitStored(w.chat, ".session.closed", closed)
	w.awaitStored(w.chat, ".session.opened", opened)
	if c, o := len(w.sessions("closed")), len(w.sessions("opened")); c != closed || o != opened {
		w.Errorf("closed %d times and opened %d times, want %d and %d", c, o, closed, opened)
	}
}

// An end that a holder had published before it died is the reason of the closing.
func TestEndBeforeTheClosing(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	first := r.start()
	w := watchNew(r)
	w.untilListening()
	first.stop()
	w.forgetCheckpoint() // the one that died wrote none after the end
	last := w.sequenced()
	raw, err := json.Marshal(map[string]any{"event": "chat_session_ended", "timestamp": "1700000000"})
	r.check(err)
	w.plant(last[len(last)-1], "ended", raw)
	r.start()
	w.awaitEnd(schema.ClosedEnded)
}

func (w watched) forgetCheckpoint() {
	w.Helper()
	memory, err := w.js.KeyValue(w.ctx, "CC_STATE")
	w.check(err)
	w.check(memory.Purge(w.ctx, "checkpoint."+w.chat))
}

// plant stores an event of the chat as its holder would have, after the message like.
func (w watched) plant(like message, name string, raw json.RawMessage) {
	w.Helper()
	n, err := schema.Sequence(like.event)
	w.check(err)
	e := like.event.Clone()
	e.SetID("planted")
	e.SetType(schema.EventType(name))
	e.SetDataSchema(strings.Replace(like.event.DataSchema(), "session.opened", "event."+name, 1))
	e.SetExtension(schema.AttrCausationID, nil)
	e.SetExtension(schema.AttrOrigin, schema.OriginPoll)
	e.SetExtension(schema.AttrRecordedTime, like.event.Time())
	e.SetExtension(schema.AttrSequence, schema.FormatSequence(n+1))
	w.check(e.SetData("application/json", map[string]any{"chatId": w.chat, "raw": raw}))
	msg, err := schema.Encode(e, schema.Structured)
	w.check(err)
	msg.Subject = strings.Replace(like.subject, ".session.opened", ".event."+name, 1)
	msg.Header.Set("Cc-Sequence", "2")
	msg.Header.Set("Cc-Likeness", "planted")
	_, err = w.js.PublishMsg(w.ctx, msg)
	w.check(err)
}
