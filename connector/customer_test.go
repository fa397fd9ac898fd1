package connector_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// customer is what a chat.request came to, as its sender and everybody else see it.
type customer struct {
	reply, event schema.ChatRequestResult
	opened       *schema.SessionOpened
	entry        schema.Chat
}

// ask requests a chat under an id, by a client, "" for one of the connector's.
func (r *rig) askAs(id, client string) (a customer) {
	r.Helper()
	data := map[string]any{"from": "Ada"}
	if client != "" {
		data["clientId"] = client
	}
	result := r.ask(&nats.Msg{Subject: "cc.chat.request", Header: nats.Header{"Nats-Msg-Id": {id}}, Data: []byte(encode(data))})
	r.check(json.Unmarshal(result.Result, &a.reply))
	r.check(json.Unmarshal(r.awaitResult(id).Result, &a.event))
	w := watched{r, a.reply.ChatID}
	r.awaitStored(w.chat, ".session.opened", 1)
	a.opened, a.entry = w.sessions("opened")[0].(*schema.SessionOpened), w.entry()
	return a
}

// ref checks that the client's reference is the same wherever it stands, and
// that only the reply tells the client.
func (a customer) ref(t *testing.T) string {
	t.Helper()
	ref := a.reply.ClientRef
	if ref == "" || a.event.ClientRef != ref || a.opened.ClientRef != ref || a.entry.ClientRef != ref {
		t.Errorf("the references are %q, %q, %q and %q", ref, a.event.ClientRef, a.opened.ClientRef, a.entry.ClientRef)
	}
	if a.reply.ClientID == "" || a.event.ClientID != "" {
		t.Errorf("the reply has the client %q, and the event %q", a.reply.ClientID, a.event.ClientID)
	}
	return ref
}

// A client has one reference for ever, on every replica; and a client that the
// connector makes is the command's, and cannot be computed from what is public.
func TestWhatCustomersAreKnownBy(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	first := r.start()
	ada, eve, made := r.askAs("1", "ada"), r.askAs("2", "eve"), r.askAs("3", "")
	refs := map[string]string{"ada": ada.ref(t), "eve": eve.ref(t), "made": made.ref(t)}
	if refs["ada"] == refs["eve"] || refs["ada"] == refs["made"] {
		t.Errorf("the references are %v", refs)
	}
	if client := made.reply.ClientID; client == translate.ID("client", "", "3") || client != r.clientOf("3") {
		t.Errorf("the connector made the client %q", client)
	}
	for range 2 {
		first.stop()
		first = r.start()
		if again := r.askAs("again "+first.id(), "ada"); again.ref(t) != refs["ada"] || again.reply.ChatID != ada.reply.ChatID {
			t.Errorf("after a restart the reference is %+v", again)
		}
		if client := r.clientOf("3"); client != made.reply.ClientID {
			t.Errorf("after a restart a repeat has the client %q, and had %q", client, made.reply.ClientID)
		}
	}
	other := newRig(t, bpsim.Options{})
	other.start()
	if a, e := other.askAs("3", ""), other.askAs("2", "eve"); a.reply.ClientID == made.reply.ClientID || e.ref(t) == refs["eve"] {
		t.Error("another connector makes the same of the same")
	}
}

// id is another one for each replica.
func (r *replica) id() string { return fmt.Sprintf("%p", r.Connector) }

// clientOf is the one that a repeat of the chat.request is answered with.
func (r *rig) clientOf(id string) string {
	r.Helper()
	var a customer
	result := r.ask(&nats.Msg{Subject: "cc.chat.request", Header: nats.Header{"Nats-Msg-Id": {id}}, Data: []byte(`{"from":"Ada"}`)})
	r.check(json.Unmarshal(result.Result, &a.reply))
	return a.reply.ClientID
}

// The id of a refusal rests on what was asked. Whoever knows the rest of it must
// not be able to try out by that what is secret.
func TestConflictGivesNothingAway(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	r.askAs("1", "ada")
	conflict := nats.NewMsg("cc.chat.request")
	conflict.Header.Set("Nats-Msg-Id", "1")
	conflict.Data = []byte(`{"from":"Ada","clientId":"eve"}`)
	reply, err := r.nc.RequestMsg(conflict, patience)
	r.check(err)
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	r.check(err)
	tried := translate.ID("refusal", "", "1", "chat.request", "", fingerprintOf(&schema.ChatRequest{From: "Ada", ClientID: "eve"}))
	if result, err := schema.DecodeResult(ce); err != nil || result.Error.Code != schema.CodeCommandConflict || ce.ID() == tried {
		t.Errorf("the result %s is %+v, %v", ce.ID(), result, err)
	}
}

// fingerprintOf is that of a chat.request.
func fingerprintOf(data *schema.ChatRequest) string {
	return translate.ID("fingerprint", "chat.request", translate.Canonical(json.RawMessage(encode(data))))
}

// No command waits longer because the chat's entry does not tell its client.
func TestClientIsReadOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	w := watchNew(r)
	r.start() // which takes commands on a chat that it does not hold
	reads, err := r.nc.SubscribeSync("$JS.API.DIRECT.GET.KV_CC_STATE.$KV.CC_STATE.client.>")
	r.check(err)
	for range 40 {
		r.must("chat.typing", map[string]any{"chatId": w.chat})
	}
	r.check(r.nc.Flush())
	if n, _, err := reads.Pending(); n > 1 || err != nil {
		t.Errorf("the client was read %d times by two connectors, %v", n, err)
	}
}

// putRecord writes into one of the connector's buckets as another version does.
func (r *rig) putRecord(bucket, key, value string) {
	r.Helper()
	kv, err := r.js.KeyValue(r.ctx, bucket)
	r.check(err)
	_, err = kv.PutString(r.ctx, key, value)
	r.check(err)
}

// earlierLives has a replica live of a version that knows no references.
func (r *rig) earlierLives() (dies func()) {
	r.Helper()
	r.putRecord("CC_STATE", "replica.earlier", `{"maxChats":0,"chats":0}`)
	return func() {
		r.Helper()
		kv, err := r.js.KeyValue(r.ctx, "CC_STATE")
		r.check(err)
		r.check(kv.Purge(r.ctx, "replica.earlier"))
	}
}

// entryHas tells whether the chat's entry has the text where everybody reads it.
func (w watched) entryHas(text string) bool {
	w.Helper()
	kv, err := w.js.KeyValue(w.ctx, "CC_CHATS")
	w.check(err)
	value, err := kv.Get(w.ctx, string(w.token()))
	w.check(err)
	return strings.Contains(string(value.Value()), text)
}

// During an update entries and clients are such that either version can go on
// with what the other has begun; afterwards they tell nobody who the customers are.
func TestCustomersDuringAnUpdate(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start().stop() // which makes the streams
	dies := r.earlierLives()
	r.start()
	during := r.askAs("during", "")
	during.ref(t)
	if want := translate.ID("client", "", "during"); during.reply.ClientID != want {
		t.Errorf("the client is %q, and an earlier version would go on with %q", during.reply.ClientID, want)
	}
	w := watched{r, during.reply.ChatID}
	if !w.entryHas(`"clientId":"` + during.reply.ClientID + `"`) {
		t.Error("an earlier version does not find the chat's client")
	}
	dies()
	r.eventually("the entry tells the client no more", func() bool { return !w.entryHas("clientId") })
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	if client := r.clientOf("during"); client != during.reply.ClientID {
		t.Errorf("a repeat has the client %q, and had %q", client, during.reply.ClientID)
	}
	if after := r.askAs("after", ""); after.reply.ClientID == translate.ID("client", "", "after") {
		t.Error("when no earlier version lives, everybody can compute the client")
	}
	r.earlierLives()
	r.eventually("the entry tells the client to an earlier version that is back", func() bool { return w.entryHas("clientId") })
}

const earlierTime = "2020-02-29T12:30:01.123456789Z"

// What an earlier version had open is followed on, by what it wrote, and is
// then told to nobody.
func TestChatOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openElsewhere("eve")
	w := watched{o.rig, chat}
	o.putRecord("CC_CHATS", string(w.token()), `{"chatId":"`+chat+`","clientId":"eve","app":"main","appId":"app-1","state":"queued","parties":[],"sequence":0,"openedAt":"`+earlierTime+`"}`)
	o.must("chat.typing", map[string]any{"chatId": chat})
	_, err := o.js.Publish(o.ctx, o.config.Prefix.Internal("session", string(w.token())),
		[]byte(`{"opening":"opening","chatId":"`+chat+`","clientId":"eve","app":"main","appId":"app-1","isNewChat":false,"state":"queued","openedAt":"`+earlierTime+`"}`))
	o.check(err)
	o.awaitStored(chat, ".session.opened", 1)
	o.eventually("the entry tells the client no more", func() bool { return !w.entryHas("eve") && w.entryHas("clientRef") })
	o.must("chat.typing", map[string]any{"chatId": chat})
	o.mustSend("chat.detach", fields{"chatId": chat})
	o.must("chat.typing", map[string]any{"chatId": chat})
	o.mustSend("push.received", fields{"chatID": chat})
	o.awaitStored(chat, ".session.opened", 2)
}

// A chat.request that an earlier version has begun, or recorded, comes to the
// chat that it asked for.
func TestChatRequestOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rest string // of its record
		is   string // the chat's state, by which of both is told
	}{
		"a call was under way": {`"attempts":1,"lastCall":"` + earlierTime + `","calling":true`, "queued"},
		"it is done":           {`"attempts":1,"done":{"at":"` + earlierTime + `","chatId":"CHAT","app":"app-1","result":{"chatId":"CHAT","state":"recorded","isNewChat":true,"clientId":"CLIENT"},"from":0}`, "recorded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{})
			r.start().stop()
			o := outsider{r}
			client, result := translate.ID("client", "", "the request"), translate.ID("result", "", "the request")
			chat := o.openElsewhere(client)
			fingerprint := fingerprintOf(&schema.ChatRequest{From: "Ada"})
			record := fmt.Sprintf(`{"command":"chat.request","id":"the request","result":%q,"correlationId":"the request","fingerprint":%q,"run":"run","replica":"earlier","message":1,"firstSeen":%q,%s}`,
				result, fingerprint, earlierTime, strings.NewReplacer("CHAT", chat, "CLIENT", client).Replace(c.rest))
			r.putRecord("CC_JOURNAL", "command."+result, record)
			watched{rig: r}.giveMsg("chat.request", "the request", map[string]any{"from": "Ada"})
			r.start()
			event := string(r.awaitResult("the request").Result)
			var got schema.ChatRequestResult
			r.check(json.Unmarshal([]byte(event), &got))
			if got.ChatID != chat || got.State != c.is || !got.IsNewChat || strings.Contains(event, client) || len(got.ClientRef) != 32 {
				t.Errorf("the result is %s", event)
			}
			if n := len(r.sim.Chats()); n != 1 {
				t.Errorf("there are %d chats", n)
			}
			if repeat := r.clientOf("the request"); repeat != client {
				t.Errorf("a repeat is answered with the client %q", repeat)
			}
		})
	}
}

// The connector's memory is deleted while it runs, and made again by one that
// starts: customers are known by what they were known by, and open chats go on,
// even if the list of open chats is lost next.
func TestMemoryIsLostUnderARunningConnector(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}).provided()
	first := r.start()
	before := r.askAs("1", "ada")
	w, detached := watched{r, before.reply.ChatID}, r.askAs("2", "eve").reply.ChatID
	r.must("chat.detach", map[string]any{"chatId": detached})
	r.check(r.js.DeleteStream(r.ctx, "KV_CC_STATE"))
	r.unready(first, "CC_STATE")
	r.config.Provision = true
	r.start()
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	kv, err := r.js.KeyValue(r.ctx, "CC_STATE")
	r.check(err)
	r.eventually("the client is kept again", func() bool {
		_, err := kv.Get(r.ctx, "client."+before.reply.ClientRef)
		return err == nil && w.entryHas(before.reply.ClientRef)
	})
	first.stop()
	tries := 0
	r.eventually("the other replica knows the client by the reference of before", func() bool { // it began with a secret of its own
		tries++
		return r.askAs(fmt.Sprint("again ", tries), "ada").reply.ClientRef == before.reply.ClientRef
	})
	r.check(r.js.DeleteStream(r.ctx, "CC_SESSIONS"))
	r.start()
	w.says("hello")
	r.awaitStored(w.chat, ".event.message", 1)
	r.must("chat.typing", map[string]any{"chatId": w.chat})
	if failed := r.call("chat.typing", map[string]any{"chatId": detached}); failed.Error == nil || failed.Error.Code != schema.CodeUnknownChat {
		t.Errorf("the client of a detached chat is forgotten, and a command on it comes to %+v", failed)
	}
	r.must("push.received", map[string]any{"chatID": detached, "clientId": "eve"})
	r.must("chat.typing", map[string]any{"chatId": detached})
}
