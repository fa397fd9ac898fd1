package connector_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

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
	readerConn, reader := r.as(permissions.Consumer)
	r.makeConsumerOf(permissions.Consumer)

	reply, err := live.Request("cc.chat.request", []byte(`{"from":"Ada"}`), patience)
	r.check(err)
	chat := r.chatOf(reply)
	_, err = durable.Publish(r.ctx, "cc.durable.chat.send."+tokenOf(chat), []byte(`{"text":"Hello"}`))
	r.check(err)
	delivered := r.read(reader, permissions.Consumer)
	r.readUntil(delivered, ".result.chat.send")
	r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p1", "msg_id": "long", "msg": strings.Repeat("x", longText)})
	r.readFile(readerConn, r.readUntil(delivered, ".event.message"))
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

// makeConsumerOf makes the consumer of somebody who reads.
func (r *rig) makeConsumerOf(role permissions.Role) {
	r.Helper()
	name := permissions.UserName(r.config.Prefix, role)
	_, err := r.js.CreatePushConsumer(r.ctx, r.config.Prefix.StreamName("EVENTS"), permissions.ReaderConsumer(r.config.Prefix, name))
	r.check(err)
}

// read has what is stored delivered to the user, by the consumer that was made for it.
func (r *rig) read(js jetstream.JetStream, role permissions.Role) <-chan jetstream.Msg {
	r.Helper()
	consumer, err := js.PushConsumer(r.ctx, "CC_EVENTS", permissions.UserName(r.config.Prefix, role))
	r.check(err)
	delivered := make(chan jetstream.Msg, 256)
	consuming, err := consumer.Consume(func(msg jetstream.Msg) { delivered <- msg })
	r.check(err)
	r.Cleanup(consuming.Stop)
	return delivered
}

// readUntil takes messages, and acknowledges them, until one has a subject with the ending.
func (r *rig) readUntil(delivered <-chan jetstream.Msg, ending string) jetstream.Msg {
	r.Helper()
	for {
		select {
		case msg := <-delivered:
			r.check(msg.DoubleAck(r.ctx))
			if strings.HasSuffix(msg.Subject(), ending) {
				return msg
			}
		case <-time.After(patience):
			r.Fatalf("nothing on %s is delivered", ending)
		}
	}
}

// readFile reads what an event refers to.
func (r *rig) readFile(nc *nats.Conn, msg jetstream.Msg) {
	r.Helper()
	ce, _, err := schema.Decode(msg.Headers(), msg.Data())
	r.check(err)
	bucket, object, elsewhere := schema.DataRef(ce)
	if !elsewhere {
		r.Fatal("the long event has its data with it")
	}
	data, err := schema.ReadObject(r.ctx, nc, bucket, object)
	r.check(err)
	if !json.Valid(data) || len(data) < longText {
		r.Errorf("the object has %d bytes", len(data))
	}
	if _, err := schema.ReadObject(r.ctx, nc, bucket, "none"); !errors.Is(err, schema.ErrNoObject) {
		r.Errorf("an object that is not there: %v", err)
	}
}

// readChats reads the bucket of chats in the ways that there are.
func (r *rig) readChats(js jetstream.JetStream, token string) {
	r.Helper()
	chats, err := js.KeyValue(r.ctx, "CC_CHATS")
	r.check(err)
	entry, err := chats.Get(r.ctx, token)
	r.check(err)
	stream, err := js.Stream(r.ctx, "KV_CC_CHATS")
	r.check(err)
	first, err := stream.GetMsg(r.ctx, 1, jetstream.WithGetMsgSubject("$KV.CC_CHATS.>"))
	r.check(err)
	if first.Subject != "$KV.CC_CHATS."+token || first.Sequence != entry.Revision() {
		r.Errorf("CC_CHATS begins with %s", first.Subject)
	}
	info, err := stream.Info(r.ctx, jetstream.WithSubjectFilter("$KV.CC_CHATS.>"))
	r.check(err)
	if len(info.State.Subjects) != 1 || info.State.Subjects["$KV.CC_CHATS."+token] != 1 {
		r.Errorf("CC_CHATS has %v", info.State.Subjects)
	}
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
	r.makeConsumerOf(permissions.Auditor)
	r.readUntil(r.read(js, permissions.Auditor), ".session.opened")
	advisories, err := nc.SubscribeSync("$JS.EVENT.ADVISORY.>")
	r.check(err)
	r.check(nc.Flush())
	r.check(r.js.DeleteConsumer(r.ctx, "CC_EVENTS", "cc-auditor"))
	advisory, err := advisories.NextMsg(patience)
	r.check(err)
	if !strings.HasPrefix(advisory.Subject, "$JS.EVENT.ADVISORY.CONSUMER.") {
		r.Errorf("the first advisory is on %s", advisory.Subject)
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
