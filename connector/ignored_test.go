package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
)

// ignored is how many messages were taken for no commands, for a reason.
func (r *replica) ignored(t *testing.T, reason string) (count int) {
	t.Helper()
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "cc_messages_ignored_total" && m.GetLabel()[0].GetValue() == reason {
				count += int(m.GetCounter().GetValue())
			}
		}
	}
	return count
}

const (
	statusHeader = "status_header"
	unreadable   = "unreadable"
	noCommand    = "no_command"
)

// noCommands are blocks of headers by what the messages that have them are.
func noCommands() map[string][]string {
	statuses, garbage := natstest.NoMessages()
	return map[string][]string{statusHeader: statuses, unreadable: garbage}
}

// byHand signs in as a user that may publish one kind of durable command.
func (r *rig) byHand() *natstest.Hand {
	r.Helper()
	return natstest.ByHand(r, r.nats.Addr().String(), typist, password)
}

// A message that a client would take for the server's own word, or cannot read
// at all, is removed. What waits behind it in its chat runs at once, and in order.
func TestNoCommandsAmongCommands(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}
	replica, second := o.start(), o.start()
	a, hand := o.listen(), o.byHand()
	chats := []string{o.openChat(), o.openChat()}
	var ids []string
	for reason, all := range noCommands() {
		for i, headers := range all {
			chat := chats[i%2]
			for _, data := range []string{"", "{}"} {
				hand.Publish("cc.durable.chat.typing."+tokenOf(chat), headers, data)
			}
			hand.Flush()
			ids = append(ids, o.give("chat.send", fmt.Sprint(reason, i), chat, fields{"text": fmt.Sprint(len(ids))}))
		}
	}
	for _, id := range ids {
		a.mustSucceed(id)
	}
	a.checkOnce(ids...)
	for reason, all := range noCommands() {
		if n := replica.ignored(t, reason) + second.ignored(t, reason); n != 2*len(all) {
			t.Errorf("%d of %d are counted as %s", n, 2*len(all), reason)
		}
	}
	said := append(o.saidTexts(chats[0]), o.saidTexts(chats[1])...)
	if len(said) != len(ids) || len(a.all) != len(ids)+len(chats) {
		t.Errorf("of %d commands %d have reached the contact center, and there are %d results", len(ids), len(said), len(a.all))
	}
	if err := replica.Ready(); err != nil || strings.Contains(o.log.String(), "does not succeed") {
		t.Errorf("readiness says %v; log:\n%s", err, o.log)
	}
}

// However many of them there are, on chats that nobody knows, a sound chat's
// command is done, and all are removed.
func TestBurstsOfNoCommands(t *testing.T) {
	t.Parallel()
	for reason, burst := range map[string]int{statusHeader: 300, unreadable: 400} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}
			replica := o.start()
			a, hand, chat := o.listen(), o.byHand(), o.openChat()
			headers := noCommands()[reason]
			for i := range burst {
				hand.Publish(fmt.Sprint("cc.durable.chat.typing.invented-", i), headers[i%len(headers)], "")
			}
			hand.Flush()
			a.mustSucceed(o.give("chat.send", "sound", chat, fields{"text": "x"}))
			a.checkOnce("sound")
			if n := replica.ignored(t, reason); n != burst {
				t.Errorf("%d of %d are counted", n, burst)
			}
			if err := replica.Ready(); err != nil {
				t.Errorf("readiness says %v", err)
			}
		})
	}
}

// An administrator may have anything stored among the durable commands. What
// is on no durable command's subject is removed, also when it is the head of a
// chat's queue; nothing of it is run or answered.
func TestSubjectsOfNoCommand(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}
	replica := o.start()
	a, chat := o.listen(), o.openChat()
	token := tokenOf(chat)
	strange := []string{
		"cc.durable.foo.bar." + token, "cc.durable.Chat.SEND." + token, "cc.durable.chat.photo." + token, "cc.durable.chat.active." + token,
		"cc.durable.service.version", "cc.durable.chat.send", "cc.durable.chat.send." + token + ".more", "cc.durable.foo.bar.a=2e", "cc.durable.chat",
		"imported.chat.send", "imported." + token,
	}
	config := o.streamConfig("CC_COMMANDS")
	config.Subjects = []string{"cc.durable.>", "imported.>"}
	_, err := o.js.UpdateStream(o.ctx, config)
	o.check(err)
	var ids []string
	for i, subject := range strange {
		_, err := o.js.PublishMsg(o.ctx, &nats.Msg{Subject: subject, Data: o.json(fields{"chatId": chat, "text": subject})})
		o.check(err)
		ids = append(ids, o.give("chat.send", fmt.Sprint("sound ", i), chat, fields{"text": fmt.Sprint(i)}))
	}
	for _, id := range ids {
		a.mustSucceed(id)
	}
	a.checkOnce(ids...)
	o.checkInOrder(chat, len(ids))
	if n := replica.ignored(t, noCommand); n != len(strange) || len(a.all) != len(ids)+1 {
		t.Errorf("%d of %d are counted, and there are %d results", n, len(strange), len(a.all))
	}
}

// Whoever has outcomes stored among the commands, has them there under their
// own subjects: a result is no command, though its subject names one.
func TestOutcomesAmongCommands(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(outsider){
		"by sourcing": func(o outsider) {
			config := o.streamConfig("CC_COMMANDS")
			config.Sources = []*jetstream.StreamSource{{Name: "CC_EVENTS"}}
			_, err := o.js.UpdateStream(o.ctx, config)
			o.check(err)
		},
		"by delivery": func(o outsider) {
			consumer := `{"stream_name":"CC_EVENTS","config":{"durable_name":"loop","deliver_subject":"cc.durable.chat.active","ack_policy":"none","filter_subject":"cc.result.>"}}`
			reply, err := o.nc.Request("$JS.API.CONSUMER.DURABLE.CREATE.CC_EVENTS.loop", []byte(consumer), patience)
			o.check(err)
			if strings.Contains(string(reply.Data), `"error"`) {
				o.Fatalf("the consumer is not made: %s", reply.Data)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := outsider{newRig(t, bpsim.Options{}, aDayToFailOver)}
			replica := o.start()
			a, chat := o.listen(), o.openChat()
			o.send("service.version", nil)
			arrange(o)
			first := o.give("chat.send", "first", chat, fields{"text": "0"})
			second := o.give("chat.send", "second", chat, fields{"text": "1"})
			a.mustSucceed(first)
			a.mustSucceed(second)
			o.push(chat, fields{"event": "chat_session_message", "party_id": "agent", "msg_id": "1", "msg": "Hello"})
			o.awaitStored(chat, ".event.message", 1)
			stored := len(o.kept("cc.result.>"))
			o.eventually("all that was stored twice is removed", func() bool { return replica.ignored(t, noCommand)+replica.ignored(t, metrics.IgnoredOwn) >= stored })
			a.checkOnce(first, second)
			if said := o.saidTexts(chat); !slices.Equal(said, []string{"0", "1"}) || len(a.all) != 4 {
				t.Errorf("the contact center got %q, and there are %d results", said, len(a.all))
			}
		})
	}
}
