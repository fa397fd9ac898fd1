package connector_test

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// What comes on the subjects of commands and is none, and what a command may
// not make the connector do.

// stranger is a user who may publish on a few subjects, and has an inbox.
const stranger = "stranger"

func withStranger(publish ...string) func(*rig) {
	return func(r *rig) {
		r.nats = startNATS(r.T, &server.Options{
			Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: r.TempDir(), NoSigs: true, NoLog: true,
			Users: []*server.User{{Username: stranger, Password: password, Permissions: &server.Permissions{
				Publish:   &server.SubjectPermission{Allow: publish},
				Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX_" + stranger + ".>"}},
			}}},
		})
	}
}

func (r *rig) asStranger(options ...nats.Option) *nats.Conn {
	r.Helper()
	return r.connect(append(options, nats.UserInfo(stranger, password), nats.CustomInboxPrefix("_INBOX_"+stranger))...)
}

// A reply goes nowhere where its sender could not publish, and the command is not run.
func TestReplyWhereOnlyTheConnectorMayPublish(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, withStranger("cc.chat.typing", "cc.service.version"))}
	replica := o.start()
	chat, nc := o.openChat(), o.asStranger()
	o.check(nc.PublishMsg(&nats.Msg{Subject: "cc.chat.typing", Data: o.json(fields{"chatId": chat})}))
	o.awaitStored(chat, ".result.chat.typing", 1)
	replies := []string{
		"$JS.API.STREAM.DELETE.CC_DEADLETTER", "$JS.API.STREAM.PURGE.CC_EVENTS", "$SYS.x", "$KV.CC_CHATS." + tokenOf(chat),
		"cc.chat." + tokenOf(chat) + ".event.message", "cc.durable.chat.request", "cc.chat.request", "cc.internal.x", "cc", "cc.", "_DELIVER_cc-consumer.CC_EVENTS",
		"a.*", "a.>", "a..b", ".a", "inbox." + strings.Repeat("x", 2000),
	}
	forged := o.watch(func(msg *nats.Msg) {
		if strings.Contains(string(msg.Data), `"command":"chat.typing"`) && !strings.Contains(msg.Subject, ".result.") || msg.Header.Get("Nats-Service-Error") != "" {
			t.Errorf("something is said on %s", msg.Subject)
		}
	})
	for i, reply := range replies {
		o.check(nc.PublishMsg(&nats.Msg{Subject: "cc.chat.typing", Reply: reply, Data: o.json(fields{"chatId": chat})}))
		o.eventually("the request is counted", func() bool { return replica.ignored(t, metrics.IgnoredReply) == i+1 })
	}
	forged.end()
	if said := o.record(chat).Client; len(said) != 1 {
		t.Errorf("the contact center was told %v, want one typing", said)
	}
	if lines := strings.Count(o.log.String(), metrics.IgnoredReply); lines != 1 {
		t.Errorf("%d lines in the log tell of it, want 1", lines)
	}
}

// An inbox may be called anything else.
func TestReplyToAnyInbox(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for _, inbox := range []string{"my.own.inbox", "ccx.y", "_R_x", "x", "_INBOX.x", "x.cc.chat.C.event.message"} {
		sub, err := o.nc.SubscribeSync(inbox)
		o.check(err)
		o.check(o.nc.PublishRequest("cc.service.version", inbox, nil))
		_, err = sub.NextMsg(patience)
		o.check(err)
	}
}

// Whoever may ask what the service is, may not have its answers go anywhere either.
func TestQuestionsAboutTheServiceAreNoWayIn(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, withStranger("$SRV.>"))}
	replica, nc := o.start(), o.asStranger()
	for i, subject := range []string{"$SRV.PING", "$SRV.INFO.cc-connector", "$SRV.STATS"} {
		o.check(nc.PublishRequest(subject, "$JS.API.STREAM.DELETE.CC_DEADLETTER", nil))
		o.eventually("the question is counted", func() bool { return replica.ignored(t, metrics.IgnoredReply) == i+1 })
		_, err := nc.Request(subject, nil, patience)
		o.check(err)
	}
	if _, err := o.js.Stream(o.ctx, "CC_DEADLETTER"); err != nil {
		t.Errorf("the stream of dead letters: %v", err)
	}
}

// deliver makes a consumer that gives what is stored to a command.
func (o outsider) deliver(nc *nats.Conn, name, to, more string) {
	o.Helper()
	body := fmt.Sprintf(`{"stream_name":"CC_EVENTS","config":{"name":%q,"filter_subject":"cc.chat.*.>","deliver_subject":%q,"deliver_group":"cc-connector","deliver_policy":"all",%s}}`, name, to, more)
	reply, err := nc.Request("$JS.API.CONSUMER.CREATE.CC_EVENTS."+name+".cc.chat.*.>", []byte(body), patience)
	o.check(err)
	if strings.Contains(string(reply.Data), `"error"`) {
		o.Fatalf("the consumer: %s", reply.Data)
	}
}

// The connector's own CloudEvents, which who may make consumers can have
// delivered to a command, open no detached chat again, and make no results.
func TestOwnCloudEventsAreNoCommands(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		for name, more := range map[string]string{
			"unacknowledged": `"ack_policy":"none"`, "acknowledged": `"ack_policy":"explicit"`, "headers alone": `"ack_policy":"none","headers_only":true`,
		} {
			t.Run(string(mode)+" "+name, func(t *testing.T) {
				t.Parallel()
				o := outsider{newRig(t, bpsim.Options{}, func(r *rig) { r.config.Mode = mode })}
				replica, chat := o.start(), o.openChat()
				o.push(chat, fields{"event": "chat_session_message", "party_id": "p", "msg_id": "1", "msg": strings.Repeat("long", 5<<10)})
				o.awaitStored(chat, ".event.message", 1)
				o.mustSend("chat.detach", fields{"chatId": chat})
				o.awaitStored(chat, ".session.closed", 1)
				before := len(o.kept("cc.chat.*.>"))
				o.deliver(o.nc, "mine", "cc.push.received", more)
				o.eventually("all are counted", func() bool { return replica.ignored(t, metrics.IgnoredOwn) >= before })
				if after := len(o.kept("cc.chat.*.>")) + len(o.kept("cc.result.>")); after != before {
					t.Errorf("%d messages were stored, and then %d", before, after)
				}
			})
		}
	}
}

// What has the form of one is refused to a sender who waits for a reply; a type
// of the sender's own is free.
func TestTypesOfCommands(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for typ, fine := range map[string]bool{
		"com.brightpattern.chat.session.closed.v1": false, "com.brightpattern.case.result.close.v1": false, "com.brightpattern.chat.event.message.v2": false,
		"com.brightpattern.service.command.version.v1": true, "any": true, "com.brightpattern.event": true, "com.brightpattern.result": true,
		"org.example.chat.event.message.v1": true, "event:" + "x": true,
	} {
		for form, write := range map[string]func(given) *nats.Msg{"structured": writeStructured, "binary": writeBinary} {
			msg := write(given{command: "service.version", id: typ + form, source: "//s", attributes: map[string]string{"type": typ}, data: fields{}})
			msg.Header.Set("Nats-Msg-Id", "event:"+typ)
			r := o.request(msg)
			if fine != (r.status() == "ok") || !fine && !isRefusal(r, "type") {
				t.Errorf("%s, %s: %v", typ, form, r.data)
			}
		}
	}
	if found := o.kept("cc.result.>"); len(found) != 12 {
		t.Errorf("%d results are stored, want 12", len(found))
	}
}

// rawly publishes what no client library writes.
func (r *rig) rawly(subject, reply, header, payload string) {
	r.Helper()
	address, err := url.Parse(r.nats.ClientURL())
	r.check(err)
	conn, err := net.DialTimeout("tcp", address.Host, patience)
	r.check(err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"headers\":true,\"user\":%q,\"pass\":%q}\r\nHPUB %s %s %d %d\r\n%s%s\r\nPING\r\n",
		administrator, password, subject, reply, len(header), len(header)+len(payload), header, payload)
	r.check(err)
	r.check(conn.SetReadDeadline(time.Now().Add(patience)))
	for said := ""; !strings.Contains(said, "PONG"); {
		buffer := make([]byte, 4096)
		n, err := conn.Read(buffer)
		r.check(err)
		said += string(buffer[:n])
	}
}

// A message that cannot be read as one, or is the server's own, is not run.
func TestMessagesThatAreNoneOfASender(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{})}
	replica, chat := o.start(), o.openChat()
	typing := string(o.json(fields{"chatId": chat}))
	inbox, err := o.nc.SubscribeSync("an.inbox")
	o.check(err)
	o.check(o.nc.Flush())
	for i, header := range []string{"NATS/1.0\r\nno colon\r\n\r\n", "HTTP/1.1\r\n\r\n", "NATS/1.0 4\r\n\r\n"} {
		o.rawly("cc.chat.typing", "an.inbox", header, typing)
		o.eventually("it is counted", func() bool { return replica.ignored(t, metrics.IgnoredUnreadable) == i+1 })
		answer, err := inbox.NextMsg(patience)
		o.check(err)
		if r := (reply{o.read(answer.Header, answer.Data), answer}); !isRefusal(r, "headers") {
			t.Errorf("%q: %v", header, r.data)
		}
	}
	for i, header := range []string{"NATS/1.0 503\r\n\r\n", "NATS/1.0 100 Idle Heartbeat\r\n\r\n", "NATS/1.0\r\nStatus: 404\r\n\r\n"} {
		o.rawly("cc.chat.typing", "an.inbox", header, typing)
		o.eventually("it is counted", func() bool { return replica.ignored(t, metrics.IgnoredStatus) == i+1 })
	}
	if said := o.record(chat).Client; len(said) != 0 {
		t.Errorf("the contact center was told %v", said)
	}
	if n, _, _ := inbox.Pending(); n != 0 {
		t.Errorf("%d more answers", n)
	}
}

// What would stand in a path at the contact center is refused by name.
func TestIDsThatAreNoPartOfAPath(t *testing.T) {
	t.Parallel()
	untouched(t, func(o outsider, chat string) {
		for _, id := range []string{"../../../../admin/x", "a/b", `a\b`, ".", "..", "a\x00b", "a\nb", "\u0085"} {
			for command, data := range map[string]fields{
				"chat.attach":   {"chatId": id, "clientId": "c"},
				"push.received": {"chatID": id, "clientId": "c"},
			} {
				if r := o.send(command, data); !isRefusal(r, "chatId") {
					t.Errorf("%s of %q: %v", command, id, r.data)
				}
			}
			data := fields{"chatId": chat, "partyId": id, "signal": fields{"type": "x"}}
			if r := o.send("chat.signal", data); !isRefusal(r, "partyId") {
				t.Errorf("a signal to %q: %v", id, r.data)
			}
		}
		if r := o.send("push.received", fields{"chatID": "a/b"}); r.failure()["code"] != "unknown_chat" {
			t.Errorf("without a clientId: %v", r.data)
		}
	})
}

// resultOf is the id of the result of a recorded command, as anybody can work it out.
func resultOf(source, id string) string { return translate.ID("result", source, id) }

// Whatever somebody else asks under the id of a command that is yet to come,
// its only result event is published.
func TestNobodyTakesAnothersResult(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	chat := o.openChat()
	typing := "cc.chat." + tokenOf(chat) + ".result.chat.typing"
	for name, before := range map[string]func(id string){
		"a read": func(id string) { o.request(writePlain(given{command: "service.version", id: id, data: fields{}})) },
		"a read of the chat": func(id string) {
			o.request(writePlain(given{command: "chat.history", id: id, data: fields{"chatId": chat}}))
		},
		"a refused command": func(id string) {
			o.request(writePlain(given{command: "chat.typing", id: id, data: fields{"chatId": chat, "extra": 1}}))
		},
		"a foreign event": func(id string) {
			_, err := o.js.Publish(o.ctx, "cc.result.chat.typing", []byte(`{}`), jetstream.WithMsgID("result:"+resultOf("", id)))
			o.check(err)
		},
		"a result of another": func(id string) {
			other := o.request(writePlain(given{command: "service.version", id: id, data: fields{}}))
			msg := &nats.Msg{Subject: typing, Header: other.Header, Data: other.Data}
			_, err := o.js.PublishMsg(o.ctx, msg, jetstream.WithMsgID("result:"+resultOf("", id)))
			o.check(err)
		},
	} {
		before(name)
		o.check(o.nc.PublishMsg(writePlain(given{command: "chat.typing", id: name, data: fields{"chatId": chat}})))
		o.eventually("the command has its result event after "+name, func() bool { return len(o.successes(typing, name)) == 1 })
	}
	var ids []string
	for range 2 {
		refused := o.request(writePlain(given{command: "chat.typing", id: "bad", data: fields{"chatId": chat, "extra": 1}}))
		ids = append(ids, refused.id())
		if found := o.resultEvents(typing, refused.id()); len(found) != 1 {
			t.Errorf("a refusal has %d result events", len(found))
		}
	}
	if ids[0] == ids[1] {
		t.Error("two refusals share the id of their result")
	}
}

// successes are the results of a command that were published under a subject.
func (o outsider) successes(subject, id string) (found []cloudEvent) {
	o.Helper()
	for _, msg := range o.kept(subject) {
		if e := o.read(msg.Header, msg.Data); e.attributes["causationid"] == id && e.status() == "ok" && e.data["command"] == "chat.typing" {
			found = append(found, e)
		}
	}
	return found
}

// What lies in the object store for one result is never that of another.
func TestLargeResultsShareNoObject(t *testing.T) {
	t.Parallel()
	o := outsider{newRig(t, bpsim.Options{}, func(r *rig) { r.payload(smallPayload) })}
	o.start()
	chat := o.openChat()
	o.push(chat, fields{"event": "chat_session_message", "party_id": "p", "msg_id": "1", "msg": strings.Repeat("x", longText)})
	o.awaitStored(chat, ".event.message", 1)
	refs := map[string]bool{}
	for range 3 {
		answer, err := o.nc.RequestMsg(writePlain(given{command: "chat.history", id: "the same", data: fields{"chatId": chat}}), patience)
		o.check(err)
		ce, _, err := schema.Decode(answer.Header, answer.Data)
		o.check(err)
		refs[schema.Extension(ce, schema.AttrDataRef)] = true
	}
	if len(refs) != 3 || refs[""] {
		t.Errorf("three reads have the data in %v", refs)
	}
}
