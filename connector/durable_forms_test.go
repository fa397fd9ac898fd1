package connector_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// Every durable command, in every form, with the chat in the subject alone and
// in the data as well.
func TestDurableCommandsInEveryForm(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{IDs: oddIDs(), Tenant: tenant})
	t.Cleanup(func() { o.checkLogKeepsSecrets() })
	a := o.listen()
	for _, spec := range schema.Commands {
		if !spec.Durable {
			continue
		}
		t.Run(spec.Name, func(t *testing.T) {
			t.Parallel()
			for i, form := range messageForms {
				x := trial{o.in(t), spec.Name, rows[spec.Name], form, schema.Structured}
				x.runDurably(a, spec.NamesChat(), i%2 == 0)
				if spec.NamesChat() && i == 0 {
					x.form.name += "-twice"
					x.runDurably(a, true, false)
				}
			}
		})
	}
}

// runDurably is run on the durable lane. The chat stands in the subject, and
// in the data too, unless it is bare.
func (x trial) runDurably(a *answers, namesChat, bare bool) {
	x.Helper()
	chat := x.chat()
	g := given{command: x.command, id: x.command + ` "` + x.form.name + `" 1% é`, source: "//sender/" + x.command, data: x.data(chat)}
	if x.form.attributes {
		g.attributes = attributesGiven
	}
	token := chat
	if !namesChat {
		token = ""
	} else if bare {
		delete(g.data, "chatId")
		delete(g.data, "chatID")
	}
	if x.row.prepare != nil {
		x.row.prepare(x.outsider, chat)
	}
	before, began := x.carriedOut(chat), time.Now()
	x.keep(durably(x.form.write(g), token))
	x.eventually("it has a result", func() bool { return len(a.of(g.id)) > 0 })
	got := a.await(g.id)
	if got.status() != "ok" {
		x.Fatalf("refused: %v", got.failure())
	}
	if x.command == "chat.request" {
		chat, _ = got.data["result"].(fields)["chatId"].(string)
	}
	x.checkAttributes(got, g, chat, began)
	x.checkData(got.data, chat, g.data, true)
	x.checkContactCenter(chat, before)
}

// Data that name another chat than the subject are refused by name.
func TestDurableChatsDisagree(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat, other := o.listen(), o.openChat(), o.openChat()
	for name, c := range map[string]struct {
		command, field string
		data           fields
	}{
		"another":      {"chat.send", "chatId", fields{"text": "x"}},
		"of a push":    {"push.received", "chatID", fields{}},
		"a push's own": {"push.received", "chatId", fields{}},
		"attached":     {"chat.attach", "chatId", fields{"clientId": "c"}},
	} {
		for _, form := range messageForms {
			g := given{command: c.command, id: name + form.name, source: "//s", data: fields{c.field: other}}
			for field, value := range c.data {
				g.data[field] = value
			}
			o.keep(durably(form.write(g), chat))
			checkRefused(a.await(g.id), o, c.field)
		}
	}
	a.awaitIdle()
	if said := append(o.saidNames(chat), o.saidNames(other)...); len(said) > 0 {
		t.Errorf("the contact center got %q", said)
	}
}

// checkRefused: validation refused it, and named the field.
func checkRefused(e cloudEvent, o outsider, field string) {
	o.Helper()
	message, _ := e.failure()["message"].(string)
	if e.failure()["code"] != "invalid_command" || e.failure()["outcome"] != "not_done" || !strings.HasPrefix(strings.Trim(message, `"`), field) {
		o.Errorf("the answer is %v, want invalid_command for %s", e.data, field)
	}
}

// Validation is the same on both lanes.
func TestDurableCommandIsRefused(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	for field, c := range map[string]struct {
		command string
		data    fields
	}{
		"text":      {"chat.send", fields{"text": strings.Repeat("x", 64<<10+1)}},
		"txt":       {"chat.send", fields{"txt": "x"}},
		"messageId": {"chat.read", fields{}},
		"latitude":  {"chat.location", fields{"latitude": "1", "longitude": 2}},
		"action":    {"chat.cobrowsing", fields{"action": "begun"}},
	} {
		checkRefused(a.await(o.give(c.command, field, chat, c.data)), o, field)
	}
	checkRefused(a.await(o.give("chat.request", "no name", "", fields{"from": 7})), o, "from")
	a.awaitIdle()
	if n := len(o.deadLetters()); n > 0 {
		t.Errorf("%d dead letters: a permanent failure is a result", n)
	}
	unknown := a.await(o.give("chat.send", "unknown", "never-seen", fields{"text": "x"}))
	if unknown.failure()["code"] != "unknown_chat" || unknown.failure()["outcome"] != "not_done" {
		t.Errorf("on an unknown chat the answer is %v", unknown.data)
	}
	if said := o.saidNames(chat); len(said) > 0 {
		t.Errorf("the contact center got %q", said)
	}
}

// JetStream refuses at once what is no durable command.
func TestMisspeltDurableSubjects(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := tokenOf(o.openChat())
	for _, subject := range []string{
		"chat.sned." + chat, "caht.send." + chat, "chat.send", "chat.send." + chat + ".x", "chat.request." + chat, "chat.active.x", "send." + chat,
		"chat.secureform." + chat, "chat.signal." + chat, "chat.history." + chat, "chat.photo." + chat, "case.history." + chat,
		"service.version", "service.version." + chat, "service.availability",
	} {
		if ack, err := o.js.Publish(o.ctx, "cc.durable."+subject, []byte(`{}`)); err == nil {
			t.Errorf("%s is taken by %s", subject, ack.Stream)
		}
	}
	if n := o.waiting(); n > 0 {
		t.Errorf("%d commands are waiting", n)
	}
}

// A token that is not in escaped form names no chat. It holds up nothing.
func TestDurableTokensInNoForm(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	for i, token := range []string{"a%b", "=41", "=e9", "=", "=4", "a=XYb", "é", "a+b", "=C3=2f"} {
		msg := nats.NewMsg("cc.durable.chat.send." + token)
		id := fmt.Sprint("token ", i)
		msg.Header.Set("Nats-Msg-Id", id)
		msg.Data = o.json(fields{"chatId": chat, "text": "x"})
		o.keep(msg)
		e := a.await(id)
		checkRefused(e, o, "subject")
		if e.data["command"] != "chat.send" || e.attributes["subject"] != "" {
			t.Errorf("the answer is %v %v", e.attributes, e.data)
		}
	}
	a.mustSucceed(o.give("chat.typing", "sound", chat, fields{}))
	a.awaitIdle()
	for _, msg := range o.kept("cc.result.>") {
		if msg.Subject != "cc.result.chat.send" {
			t.Errorf("a result on %s", msg.Subject)
		}
	}
	if said := o.saidNames(chat); len(said) != 1 {
		t.Errorf("the contact center got %q", said)
	}
}

// Of one chat and verb a thousand wait; the next one's sender knows.
func TestWaitingCommandsAreLimited(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	stream, err := o.js.Stream(o.ctx, "CC_COMMANDS")
	o.check(err)
	runners, err := stream.Consumer(o.ctx, "runners")
	o.check(err)
	if c := runners.CachedInfo().Config; c.MaxDeliver != -1 || c.MaxAckPending != -1 {
		t.Errorf("deliveries are limited to %d, waiting ones to %d", c.MaxDeliver, c.MaxAckPending)
	}
	chat, other := o.openChat(), o.openChat()
	o.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 503, RetryAfter: time.Hour})
	for i := range 1000 {
		o.give("chat.typing", fmt.Sprint(i), chat, fields{})
	}
	if _, err := o.js.PublishMsg(o.ctx, durably(writePlain(given{command: "chat.typing", id: "too many", data: fields{}}), chat)); err == nil {
		t.Error("one more is taken")
	}
	o.give("chat.nottyping", "another verb", chat, fields{})
	o.give("chat.typing", "another chat", other, fields{})
	if n := o.waiting(); n != 1002 {
		t.Errorf("%d commands are waiting", n)
	}
}
