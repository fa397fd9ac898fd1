package connector_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// A bus of the smallest messages does for everything: long names, texts,
// histories, a chat of many events, one made elsewhere, and replicas that hand
// it over, or die.
func TestSmallestBus(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 300 * time.Millisecond}, tinyBus, func(r *rig) { r.config.Mode = mode })
			first := r.start()
			w := watchNew(r)
			w.agentsJoin(10)
			polled := w.saysMuch()
			for range 300 {
				w.types()
			}
			w.awaitStored(w.chat, ".event.typing", 300)
			w.checkLongHistory(w.chat, polled)
			w.checkCaseHistory(polled)
			attached := w.attachElsewhere()

			second := r.startCabled()
			first.stop() // hands over
			w.says("handed over" + much)
			attached.says("handed over" + much)
			w.awaitStored(w.chat, ".event.message", 2)
			attached.awaitStored(attached.chat, ".event.message", 42)
			second.cut.Store(true) // dies
			w.says("unheard")
			r.start()
			w.awaitStored(w.chat, ".event.message", 3)
			for _, chat := range []watched{w, attached} {
				r.check(r.sim.End(chat.chat))
				chat.awaitEnd(schema.ClosedEnded)
				chat.checkGaps()
				chat.checkWholeAccount()
			}
		})
	}
}

// much is more than the smallest bus takes in one message.
var much = strings.Repeat("x", 20<<10)

// saysMuch returns what is published of it.
func (w watched) saysMuch() *schema.Message {
	w.Helper()
	w.push(w.chat, map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": "much", "msg": much})
	published := w.awaitStored(w.chat, ".event.message", 1)
	e, err := schema.DecodeEvent(w.resolve(published[0].event))
	w.check(err)
	if e.(*schema.Message).HTML != much {
		w.Error("the message is another")
	}
	return e.(*schema.Message)
}

// agentsJoin lets agents with long names join, who then stand in the entry, the
// later ones at least.
func (w watched) agentsJoin(n int) {
	w.Helper()
	for i := range n {
		w.push(w.chat, map[string]any{
			"event": "chat_session_party_joined", "party_id": fmt.Sprint("agent ", i), "type": "internal",
			"display_name": strings.Repeat("\u2028", 700), "first_name": strings.Repeat("\x01", 300),
		})
	}
	w.awaitStored(w.chat, ".event.party_joined", n)
	w.eventually("the entry has the last agent", func() bool {
		parties := w.entry().Parties
		return len(parties) > 1 && parties[len(parties)-1].PartyID == fmt.Sprint("agent ", n-1)
	})
}

// checkCaseHistory reads the sessions of a case, which are too long for the bus.
func (w watched) checkCaseHistory(want *schema.Message) {
	w.Helper()
	w.check(w.sim.SetCase(w.chat, "case-1"))
	w.awaitStored(w.chat, ".event.case_set", 1)
	reply, err := w.nc.Request("cc.case.history", []byte(`{"chatId":"`+w.chat+`"}`), patience)
	w.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	w.check(err)
	result, err := schema.DecodeResult(w.resolve(ce))
	w.check(err)
	var history schema.CaseHistoryResult
	w.check(json.Unmarshal(result.Result, &history))
	if len(history.Sessions) != 1 || !hasMessage(schema.ChatHistoryResult{Events: history.Sessions[0].Events}, want) {
		w.Errorf("the case has %d sessions, and not the message", len(history.Sessions))
	}
}

// attachElsewhere attaches a chat that was made elsewhere, with a history that
// is too long for the bus.
func (w watched) attachElsewhere() watched {
	w.Helper()
	client, err := brightpattern.New(brightpattern.Config{BaseURL: w.http.URL, TenantURL: tenant})
	w.check(err)
	defer client.Close()
	chat, err := client.RequestChat(w.ctx, brightpattern.Credentials{App: appID, Client: "eve"}, brightpattern.ChatRequest{From: "Eve"})
	w.check(err)
	other := watched{w.rig, string(chat.ID)}
	other.push(other.chat, map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": "long", "msg": much})
	for i := range 40 {
		other.says(fmt.Sprint("earlier ", i))
	}
	w.must("chat.attach", map[string]any{"chatId": other.chat, "clientId": "eve"})
	other.awaitStored(other.chat, ".event.message", 41)
	return other
}

// checkWholeAccount is checkAccount where some data lie in the object store.
func (w watched) checkWholeAccount() {
	w.Helper()
	var made, published []string
	for _, e := range w.record().Server {
		made = append(made, gist(e.Event))
	}
	for _, m := range w.stored(w.config.Prefix.Event(w.token(), "*")) {
		e, err := schema.DecodeEvent(w.whole(m.event))
		w.check(err)
		published = append(published, gist(e.Header().Raw))
	}
	slices.Sort(made)
	slices.Sort(published)
	if !slices.Equal(made, published) {
		w.Errorf("published are %d events, and the contact center made %d; log:\n%s", len(published), len(made), w.log)
	}
	w.checkSequence(w.chat)
}

func (r *rig) whole(ce event.Event) event.Event {
	if _, _, elsewhere := schema.DataRef(ce); elsewhere {
		return r.resolve(ce)
	}
	return ce
}

// What comes in the answer to a call and is too large for a request to the
// chat's holder is not lost: the history gives it back. Nor does it need the
// store of files on its way there.
func TestLargeEventsInAnswersOnTheSmallestBus(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true}, tinyBus)
	hangPolls(r)
	r.start()
	w := watchNew(r)
	for i := range 12 {
		w.says(fmt.Sprint(i, strings.Repeat("y", 3<<10)))
	}
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	w.awaitStored(w.chat, ".event.message", 12)
	w.says("large" + much)
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	w.sim.ClearFaults()
	w.awaitStored(w.chat, ".event.message", 13)
	w.awaitStored(w.chat, ".session.recovered", 1)
	w.checkGaps()
	w.checkWholeAccount()
	for i, origin := range w.trail()[1:13] {
		if origin != "message/send" {
			t.Errorf("message %d came as %s", i, origin)
		}
	}
}

// A bus whose messages are too small is named, before anything is made on it.
func TestBusOfTooSmallMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.payload(16<<10 - 1) })
	client, err := brightpattern.New(r.client)
	r.check(err)
	defer client.Close()
	c, err := connector.New(r.config, r.connect(asConnector(r.config.Prefix)...), client, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	r.check(err)
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	err = c.Run(ctx)
	if err == nil || !strings.Contains(err.Error(), "max_payload") || !strings.Contains(err.Error(), "16383") {
		t.Errorf("it ends with %v", err)
	}
	names := r.js.StreamNames(r.ctx)
	for name := range names.Name() {
		t.Errorf("the stream %s was made", name)
	}
}

// The limit is that of the server at the other end, which may be another after
// a reconnect: readiness tells of one that is too small, and what is published
// is made for it.
func TestBusOfOtherMessagesAfterAReconnect(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: time.Minute}, aDayToFailOver)
	replica := r.start()
	defer replica.stop() // before the servers that are started below
	w := watchNew(r)
	large := func(id string) map[string]any {
		return map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": id, "msg": strings.Repeat("x", longText)}
	}
	for i, c := range []struct {
		limit     int32
		elsewhere bool
	}{{1 << 20, false}, {16 << 10, true}, {1 << 20, false}} {
		r.shutNATSDown(func(o *server.Options) { o.MaxPayload = 8 << 10 })()
		r.unready(replica, "max_payload", "8192", "16384")
		r.shutNATSDown(func(o *server.Options) { o.MaxPayload = c.limit })()
		r.eventually("the connector is ready again", func() bool { return replica.Ready() == nil })
		r.push(w.chat, large(fmt.Sprint(i)))
		published := r.awaitStored(w.chat, ".event.message", i+1)[i]
		if _, _, elsewhere := schema.DataRef(published.event); elsewhere != c.elsewhere {
			t.Errorf("where messages may have %d bytes, its data is elsewhere: %v", c.limit, elsewhere)
		}
	}
	w.checkWholeAccount()
}

// Whatever an event's size and however long its chat's id, it is published.
func TestAroundTheLimitOfTheSmallestBus(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			n := 100
			ids := func() string { n++; return strings.Repeat("\x01", schema.MaxID-3) + fmt.Sprint(n) }
			r := newRig(t, bpsim.Options{IDs: ids}, tinyBus, func(r *rig) { r.config.Mode = mode })
			r.start()
			w := watchNew(r)
			sizes, within := 0, 0
			for size := 0; size < 8<<10; size += 100 {
				w.push(w.chat, map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": fmt.Sprint(size), "msg": strings.Repeat("x", size)})
				sizes++
			}
			for _, m := range w.awaitStored(w.chat, ".event.message", sizes) {
				if _, _, elsewhere := schema.DataRef(m.event); !elsewhere {
					within++
				}
			}
			if within == 0 || within == sizes {
				t.Errorf("of %d events %d have their data with them", sizes, within)
			}
			w.checkWholeAccount()
		})
	}
}
