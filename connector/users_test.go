package connector_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

// as signs in as one of the generated users.
func (r *rig) as(role permissions.Role) (*nats.Conn, jetstream.JetStream) {
	r.Helper()
	nc := r.connect(nats.UserInfo(permissions.UserName(r.config.Prefix, role), password),
		nats.CustomInboxPrefix(permissions.InboxPrefix(r.config.Prefix, role)))
	js, err := jetstream.New(nc)
	r.check(err)
	return nc, js
}

// A whole conversation in which everybody may do the least: one asks for the
// chat, another sends on the durable lane, a third reads it all, a fourth looks on.
func TestConversationOfUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{}, func(r *rig) { r.payload(smallPayload) })
	r.start()
	live, _ := r.as(permissions.CommanderLive)
	_, durable := r.as(permissions.CommanderDurable)
	_, reader := r.as(permissions.Consumer)

	reply, err := live.Request("cc.chat.request", []byte(`{"from":"Ada"}`), patience)
	r.check(err)
	chat := r.chatOf(reply)
	_, err = durable.Publish(r.ctx, "cc.durable.chat.send."+tokenOf(chat), []byte(`{"text":"Hello"}`))
	r.check(err)
	c := r.consume(reader, "CC_EVENTS", "mine", "cc.chat."+tokenOf(chat)+".>")
	r.readUntil(c, ".result.chat.send")
	r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p1", "msg_id": "long", "msg": strings.Repeat("x", longText)})
	r.readFiles(reader, r.readUntil(c, ".event.message"))
	r.readChats(reader, tokenOf(chat))
	r.lookOn()
}

func (r *rig) chatOf(reply *nats.Msg) string {
	r.Helper()
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	r.check(err)
	result, err := schema.DecodeResult(ce)
	r.check(err)
	if result.Status != schema.StatusOK {
		r.Fatalf("the reply is %+v", result.Error)
	}
	return result.ChatID
}

// consume makes a consumer with one filter.
func (r *rig) consume(js jetstream.JetStream, stream, name, filter string) jetstream.Consumer {
	r.Helper()
	c, err := js.CreateConsumer(r.ctx, stream, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: filter})
	r.check(err)
	return c
}

// readUntil takes messages, and acknowledges them, until one has a subject with the ending.
func (r *rig) readUntil(c jetstream.Consumer, ending string) jetstream.Msg {
	r.Helper()
	for {
		msg, err := c.Next(jetstream.FetchMaxWait(patience))
		r.check(err)
		r.check(msg.DoubleAck(r.ctx))
		if strings.HasSuffix(msg.Subject(), ending) {
			return msg
		}
	}
}

// readFiles reads what an event refers to.
func (r *rig) readFiles(js jetstream.JetStream, msg jetstream.Msg) {
	r.Helper()
	ce, _, err := schema.Decode(msg.Headers(), msg.Data())
	r.check(err)
	_, object, elsewhere := schema.DataRef(ce)
	if !elsewhere {
		r.Fatal("the long event has its data with it")
	}
	files, err := js.ObjectStore(r.ctx, "CC_FILES")
	r.check(err)
	data, err := files.GetBytes(r.ctx, object)
	r.check(err)
	if !json.Valid(data) || len(data) < longText {
		r.Errorf("the object has %d bytes", len(data))
	}
}

// readChats reads the bucket of chats in the ways that there are.
func (r *rig) readChats(js jetstream.JetStream, token string) {
	r.Helper()
	chats, err := js.KeyValue(r.ctx, "CC_CHATS")
	r.check(err)
	_, err = chats.Get(r.ctx, token)
	r.check(err)
	keys, err := chats.Keys(r.ctx)
	r.check(err)
	if len(keys) != 1 || keys[0] != token {
		r.Errorf("CC_CHATS has %v", keys)
	}
	watcher, err := chats.WatchAll(r.ctx)
	r.check(err)
	if entry := <-watcher.Updates(); entry == nil || entry.Key() != token {
		r.Errorf("the watcher tells of %v", entry)
	}
	r.check(watcher.Stop())
}

// lookOn is what the auditor may see.
func (r *rig) lookOn() {
	r.Helper()
	nc, js := r.as(permissions.Auditor)
	for _, name := range r.streamNames() {
		_, err := js.Stream(r.ctx, name)
		r.check(err)
	}
	_, err := js.Consumer(r.ctx, "CC_COMMANDS", "runners")
	r.check(err)
	_, err = js.AccountInfo(r.ctx)
	r.check(err)
	stats, err := nc.Request("$SRV.STATS.cc-connector", nil, patience)
	r.check(err)
	if !strings.Contains(string(stats.Data), "chat-send") {
		r.Errorf("the statistics are %s", stats.Data)
	}
	r.readUntil(r.consume(js, "CC_EVENTS", "audit", "cc.chat.*.>"), ".session.opened")
	advisories, err := nc.SubscribeSync("$JS.EVENT.ADVISORY.>")
	r.check(err)
	r.check(nc.Flush())
	r.check(js.DeleteConsumer(r.ctx, "CC_EVENTS", "audit"))
	advisory, err := advisories.NextMsg(patience)
	r.check(err)
	if !strings.HasPrefix(advisory.Subject, "$JS.EVENT.ADVISORY.CONSUMER.") {
		r.Errorf("the first advisory is on %s", advisory.Subject)
	}
}

// What the subject of a request says, its body must say, too: the permission rests on it.
func TestFilterOfAConsumerIsHeld(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{})
	r.start()
	nc, _ := r.as(permissions.Consumer)
	for name, config := range map[string]string{
		"another filter": `"filter_subject":"cc.internal.>"`, "no filter": `"description":"all"`, "several": `"filter_subjects":["cc.internal.>","cc.chat.*.>"]`,
	} {
		body := `{"stream_name":"CC_EVENTS","config":{"durable_name":"mine","ack_policy":"explicit",` + config + `}}`
		reply, err := nc.Request("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine.cc.chat.*.>", []byte(body), patience)
		r.check(err)
		if !strings.Contains(string(reply.Data), `"error"`) {
			t.Errorf("with %s it is made: %s", name, reply.Data)
		}
	}
}

// exampleChat is the chat of the commander of one chat.
const exampleChat = "example"

// The commander of one chat is heard on it, and hears what comes of it.
func TestCommanderOfOneChat(t *testing.T) {
	t.Parallel()
	ids := []string{exampleChat}
	r := newRig(t, bpsim.Options{IDs: func() (id string) {
		ids = append(ids, uuid.NewString())
		id, ids = ids[0], ids[1:]
		return id
	}})
	r.start()
	if chat := r.openChat(); chat != exampleChat {
		t.Fatalf("the chat is %s", chat)
	}
	nc, js := r.as(permissions.CommanderChat)
	heard, err := nc.SubscribeSync("cc.chat.example.event.>")
	r.check(err)
	results, err := nc.SubscribeSync("cc.chat.example.result.>")
	r.check(err)
	r.check(nc.Flush())
	_, err = js.Publish(r.ctx, "cc.durable.chat.send.example", []byte(`{"text":"Hello"}`))
	r.check(err)
	_, err = results.NextMsg(patience)
	r.check(err)
	r.push(exampleChat, map[string]any{"event": "chat_session_message", "party_id": "p1", "msg_id": "1", "msg": "Hi"})
	_, err = heard.NextMsg(patience)
	r.check(err)
}
