package permissions_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/intake"
	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

const patience = 30 * time.Second // only a hanging test ever waits as long

// event is stored under a subject of the connector's.
func (b *bus) event(subject string) {
	b.Helper()
	_, err := b.jetstream(permissions.Connector).Publish(b.Context(), subject, []byte("{}"))
	b.check(err)
}

func (b *bus) makeConsumerOf(role permissions.Role) {
	b.Helper()
	_, err := b.jetstream(permissions.Connector).CreatePushConsumer(b.Context(), b.prefix.StreamName("EVENTS"), permissions.ReaderConsumer(b.prefix, b.users[role].Name))
	b.check(err)
}

// next takes the next message that is delivered, and acknowledges it.
func (b *bus) next(delivered <-chan jetstream.Msg) (subject string) {
	b.Helper()
	select {
	case msg := <-delivered:
		b.check(msg.DoubleAck(b.Context()))
		return msg.Subject()
	case <-time.After(2 * patience): // also what was delivered while nobody listened comes again
		b.Fatal("nothing is delivered")
	}
	return ""
}

// Each reader gets what it may know of the stream of events, from its beginning,
// and goes on where it was.
func TestReadersConsumer(t *testing.T) {
	for _, role := range []permissions.Role{reader, auditor} {
		t.Run(string(role), func(t *testing.T) {
			b := startBus(t, "acme.eu")
			b.event("acme.eu.internal.events.x")
			b.event("acme.eu.chat.a.event.message")
			b.makeConsumerOf(role)
			b.makeConsumerOf(role) // once more does no harm
			b.event("acme.eu.result.chat.request")
			b.checkReads(role, "acme.eu.chat.a.event.message", "acme.eu.result.chat.request")
			b.event("acme.eu.chat.a.session.closed")
			b.checkReads(role, "acme.eu.chat.a.session.closed")
		})
	}
}

// Who may send the connector a command says where its reply goes: not to where
// events are delivered to somebody else.
func TestNoReplyIsDelivered(t *testing.T) {
	for _, prefix := range []subjects.Prefix{"cc", "acme.eu"} {
		guard := intake.NewGuard(prefix, nil, nil)
		for _, user := range permissions.Users(prefix, chat) {
			if to := permissions.DeliverSubject(prefix, user.Name); guard.MayReply(to) {
				t.Errorf("a reply may go to %s", to)
			}
			if to := user.InboxPrefix + ".x"; !guard.MayReply(to) {
				t.Errorf("no reply may go to %s", to)
			}
		}
	}
}

func (b *bus) checkReads(role permissions.Role, want ...string) {
	b.Helper()
	consumer, err := b.jetstream(role).PushConsumer(b.Context(), "ACME_EU_EVENTS", b.users[role].Name)
	b.check(err)
	delivered := make(chan jetstream.Msg, 16)
	consuming, err := consumer.Consume(func(msg jetstream.Msg) { delivered <- msg })
	b.check(err)
	var got []string
	for range want {
		got = append(got, b.next(delivered))
	}
	consuming.Stop()
	<-consuming.Closed()
	if !slices.Equal(got, want) {
		b.Errorf("%s reads %q, want %q", role, got, want)
	}
}

// requests by which a user could have stored messages delivered where it likes.
func aimed(users map[permissions.Role]permissions.User) (subjects []string) {
	const events = "CC_EVENTS"
	names := []string{"mine", "runners"}
	for _, user := range users {
		names = append(names, user.Name)
	}
	for _, stream := range []string{events, "CC_COMMANDS", "CC_DEADLETTER", "KV_CC_CHATS", "OBJ_CC_FILES"} {
		subjects = append(subjects, "$JS.API.CONSUMER.CREATE."+stream, "$JS.API.DIRECT.GET."+stream, "$JS.API.STREAM.SNAPSHOT."+stream)
		for _, name := range names {
			of := stream + "." + name
			subjects = append(subjects, "$JS.API.CONSUMER.CREATE."+of, "$JS.API.CONSUMER.DURABLE.CREATE."+of, "$JS.API.CONSUMER.MSG.NEXT."+of)
			for _, filter := range []string{"cc.chat.*.>", "cc.chat.example.session.closed", "cc.result.>", ">"} {
				subjects = append(subjects, "$JS.API.CONSUMER.CREATE."+of+"."+filter)
			}
		}
	}
	return append(subjects, "$JS.API.DIRECT.GET.CC_EVENTS.cc.chat.example.session.closed", "$JS.API.DIRECT.GET.OBJ_CC_FILES.$O.CC_FILES.C.x")
}

// target is a command's subject, and what of the stream of events would be
// replayed on it: a closed session is no command to open the chat again, and
// results are no commands that have results.
type target struct{ subject, filter string }

var targets = []target{{"cc.push.received", "cc.chat.example.session.closed"}, {"cc.durable.chat.active", "cc.result.>"}}

// bodies are those of every request that could be aimed at the target.
func (t target) bodies(stream, name string) [][]byte {
	consumer := map[string]any{
		"ack_policy": "none", "filter_subject": t.filter, "deliver_subject": t.subject, "deliver_group": "cc-connector",
	}
	if name != "" {
		consumer["durable_name"] = name
	}
	create, _ := json.Marshal(map[string]any{"stream_name": stream, "config": consumer})
	return [][]byte{
		create, fmt.Appendf(nil, `{"seq":1,"next_by_subj":%q}`, t.filter), fmt.Appendf(nil, `{"deliver_subject":%q}`, t.subject),
		[]byte(`{"batch":100,"expires":1000000000}`), nil,
	}
}

// A stored message cannot be had delivered on a command's subject: not by a
// push consumer, nor by the reply subject of a pull, of a direct get or of an
// acknowledgement that asks for the next message.
func TestStoredMessagesAreNotAimed(t *testing.T) {
	b := startBus(t, "cc")
	b.event("cc.chat.example.session.closed")
	b.event("cc.result.chat.active")
	b.event("$O.CC_FILES.C.x")
	b.makeConsumerOf(reader)
	b.makeConsumerOf(auditor)
	heard, err := b.connect(bot).QueueSubscribeSync("cc.push.*", "cc-connector")
	b.check(err)
	for _, role := range roles[1:] {
		nc := b.connect(role)
		for _, subject := range aimed(b.users) {
			b.aim(nc, subject)
		}
		b.check(nc.Flush())
		if nc.LastError() == nil {
			t.Errorf("%s is refused nothing", role)
		}
	}
	b.checkNothingAimed(heard)
	b.checkConsumers("CC_EVENTS", "cc-consumer", "cc-auditor")
	b.checkConsumers("OBJ_CC_FILES")
}

// checkConsumers finds those that a stream should not have.
func (b *bus) checkConsumers(stream string, want ...string) {
	b.Helper()
	s, err := b.jetstream(permissions.Connector).Stream(b.Context(), stream)
	b.check(err)
	if got := s.CachedInfo().State.Consumers; got != len(want) {
		b.Errorf("%s has %d consumers, want %q", stream, got, want)
	}
}

// aim sends a request in all ways that could have messages delivered on the targets.
func (b *bus) aim(nc *nats.Conn, subject string) {
	b.Helper()
	parts := strings.Split(strings.TrimPrefix(subject, "$JS.API.CONSUMER.CREATE.")+".", ".")
	for _, t := range targets {
		for _, body := range t.bodies(parts[0], parts[1]) {
			b.check(nc.PublishRequest(subject, t.subject, body))
		}
		for _, name := range []string{"cc-consumer", "cc-auditor"} {
			b.check(nc.PublishRequest("$JS.ACK.CC_EVENTS."+name+".1.1.1.1.0", t.subject, []byte("+NXT 10")))
		}
	}
}

// checkNothingAimed looks for what was stored. A refusal without data may come:
// it is no message of a stream.
func (b *bus) checkNothingAimed(heard *nats.Subscription) {
	b.Helper()
	last := b.connect(permissions.CommanderLive)
	b.check(last.Publish("cc.push.cancel", nil))
	for {
		msg, err := heard.NextMsg(patience)
		b.check(err)
		if msg.Subject == "cc.push.cancel" {
			break
		}
		if len(msg.Data) > 0 || msg.Header.Get("Status") == "" {
			b.Errorf("%s is delivered on a command's subject: %s", msg.Subject, msg.Data)
		}
	}
	commands, err := b.jetstream(permissions.Connector).Stream(b.Context(), "CC_COMMANDS")
	b.check(err)
	info, err := commands.Info(b.Context(), jetstream.WithSubjectFilter(">"))
	b.check(err)
	for subject := range info.State.Subjects {
		msg, err := commands.GetLastMsgForSubject(b.Context(), subject)
		b.check(err)
		if len(msg.Data) > 0 {
			b.Errorf("%s is stored as a command: %s", subject, msg.Data)
		}
	}
}
