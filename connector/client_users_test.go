package connector_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/client"
	"cc-connector/connector/permissions"
	"cc-connector/schema"
)

// helpersOf is a client that may do no more than the user.
func (r *rig) helpersOf(role permissions.Role) *client.Client {
	r.Helper()
	nc, _ := r.as(role)
	nc.SetErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}) // what it may not hear is refused
	c, err := client.New(nc, client.Config{Timeout: patience})
	r.check(err)
	return c
}

// The helpers of package client ask for nothing that the users may not do.
func TestClientsOfUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{Hold: 200 * time.Millisecond, IDs: func() string { return exampleChat }}, func(r *rig) { r.payload(smallPayload) })
	r.start()
	opened, err := client.As[schema.ChatRequestResult](r.helpersOf(permissions.CommanderLive).Do(r.ctx, client.NewCommand(&schema.ChatRequest{From: "Ada"})))
	r.check(err)
	sent, err := client.As[schema.ChatSendResult](r.helpersOf(permissions.CommanderChat).DoDurable(r.ctx, client.NewCommand(&schema.ChatSend{ChatID: exampleChat, Text: "Hello"})))
	if err != nil || opened.ChatID != exampleChat || sent.MessageID != exampleChat+":0" {
		t.Fatalf("%+v, %+v, %v", opened, sent, err)
	}
	r.push(exampleChat, map[string]any{"event": "chat_session_message", "party_id": "p1", "msg_id": "long", "msg": strings.Repeat("x", longText)})
	r.check(r.sim.End(exampleChat))
	r.awaitStored(exampleChat, ".session.closed", 1)
	for _, role := range []permissions.Role{permissions.Consumer, permissions.Auditor} {
		r.makeConsumerOf(role)
		r.checkFollows(role)
	}
}

// checkFollows has a reader follow the chat, by the consumer that was made for it.
func (r *rig) checkFollows(role permissions.Role) {
	r.Helper()
	_, js := r.as(role)
	consumer, err := js.PushConsumer(r.ctx, "CC_EVENTS", permissions.UserName(r.config.Prefix, role))
	r.check(err)
	r.forgetEntry(exampleChat)
	for step, err := range r.helpersOf(role).Follow(r.ctx, exampleChat, client.FromPushConsumer(consumer)) {
		r.check(err)
		if step.Message == nil {
			continue
		}
		switch payload := step.Message.Payload.(type) {
		case *schema.Message:
			if len(payload.HTML) != longText {
				r.Errorf("%s reads %d bytes of the message", role, len(payload.HTML))
			}
		case *schema.SessionClosed:
			return
		}
	}
}

// forgetEntry has a chat's entry tell nothing that the stream does not.
func (r *rig) forgetEntry(chat string) {
	r.Helper()
	bucket, err := r.js.KeyValue(r.ctx, "CC_CHATS")
	r.check(err)
	r.check(bucket.Delete(r.ctx, tokenOf(chat)))
}
