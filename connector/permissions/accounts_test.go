package permissions_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/permissions"
)

// startAccounts is NATS as deploy/README.md says it for users that have accounts of their own.
func startAccounts(t *testing.T) *bus {
	t.Helper()
	b := newBus(t, "cc")
	users, dir := permissions.Users("cc", chat), t.TempDir()
	readme, err := os.ReadFile("../../deploy/README.md")
	b.check(err)
	_, conf, found := strings.Cut(string(readme), "```conf\n")
	conf, _, _ = strings.Cut(conf, "```\n")
	if !found {
		t.Fatal("deploy/README.md shows no accounts")
	}
	for _, made := range regexp.MustCompile(`permissions --only (\S+) > (\S+)`).FindAllStringSubmatch(string(readme), -1) {
		only := slices.DeleteFunc(slices.Clone(users), func(u permissions.User) bool { return !slices.Contains(strings.Split(made[1], ","), u.Name) })
		b.check(os.Mkdir(filepath.Join(dir, filepath.Dir(made[2])), 0o700))
		writePasswords(t, filepath.Join(dir, filepath.Dir(made[2])), only)
		write(t, dir, made[2], permissions.Conf("cc", only))
	}
	b.start(write(t, dir, "nats.conf", fmt.Sprintf("jetstream { store_dir: %q }\n%s", t.TempDir(), conf)))
	b.makeStreams()
	return b
}

// In accounts of their own users do what they are for.
func TestAccounts(t *testing.T) {
	b := startAccounts(t)
	connector := b.connect(bot)
	_, err := connector.QueueSubscribe("cc.chat.*", "cc-connector", func(msg *nats.Msg) { _ = msg.Respond([]byte("done")) })
	b.check(err)
	b.check(connector.Flush())
	reply, err := b.connect(live).Request("cc.chat.send", nil, patience)
	b.check(err)
	if string(reply.Data) != "done" {
		t.Errorf("the reply is %q", reply.Data)
	}
	ack, err := b.jetstream(durable).Publish(t.Context(), "cc.durable.chat.send.example", []byte("{}"), jetstream.WithMsgID("1"))
	b.check(err)
	if ack.Stream != "CC_COMMANDS" {
		t.Errorf("the acknowledgement is %+v", ack)
	}
	b.event("cc.chat.a.event.message")
	b.makeConsumerOf(reader)
	b.readInAccount()
}

// Readers ask for the schemas out of their account, and send no other command.
func TestSchemasAcrossAccounts(t *testing.T) {
	b := startAccounts(t)
	connector, heard := b.connect(bot), make(chan string, 8)
	_, err := connector.QueueSubscribe("cc.service.*", "cc-connector", func(msg *nats.Msg) {
		heard <- msg.Subject
		_ = msg.Respond([]byte("the schemas"))
	})
	b.check(err)
	b.check(connector.Flush())
	for _, role := range []permissions.Role{reader, live} {
		nc := b.connect(role)
		if role == reader {
			b.check(nc.Publish("cc.service.version", nil))
		}
		reply, err := nc.Request("cc.service.schemas", nil, patience)
		b.check(err)
		if string(reply.Data) != "the schemas" {
			t.Errorf("the reply to %s is %q", role, reply.Data)
		}
		if subject := <-heard; subject != "cc.service.schemas" || len(heard) > 0 {
			t.Errorf("of %s the connector hears %s, and %d more", role, subject, len(heard))
		}
	}
}

// readInAccount reads without asking JetStream for anything.
func (b *bus) readInAccount() {
	b.Helper()
	nc := b.connect(reader)
	delivered, err := nc.SubscribeSync(permissions.DeliverSubject(b.prefix, b.users[reader].Name))
	b.check(err)
	msg, err := delivered.NextMsg(patience)
	b.check(err)
	if msg.Subject != "cc.chat.a.event.message" {
		b.Errorf("%s is delivered", msg.Subject)
	}
	_, err = nc.Request(msg.Reply, nil, patience) // JetStream confirms the acknowledgement
	b.check(err)
	heard, err := nc.SubscribeSync("cc.chat.*.>")
	b.check(err)
	b.check(nc.Flush())
	b.event("cc.chat.a.event.typing")
	_, err = heard.NextMsg(patience)
	b.check(err)
}

// aims are subjects of the connector's own.
var aims = []string{
	"$KV.CC_CHATS.example", "$KV.CC_STATE.example", "$KV.CC_JOURNAL.example", "cc.chat.example.event.message", "cc.internal.session.example",
	"cc.internal.events.example", "cc.result.chat.send", "cc.deadletter.chat.send.example", "$O.CC_FILES.M.example",
}

// What JetStream answers goes where its sender says, and that may be one of the
// connector's own streams; but not out of another account.
func TestAnswersStayInTheAccount(t *testing.T) {
	for name, start := range map[string]func(*testing.T) *bus{
		"one account":           func(t *testing.T) *bus { return startBus(t, "cc") },
		"accounts of their own": startAccounts,
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t)
			for _, aim := range aims {
				b.aimAnswers(aim)
			}
			spoilt := b.spoilt()
			if apart := name != "one account"; apart && len(spoilt) > 0 {
				t.Errorf("answers are stored in %q", spoilt)
			} else if !apart && len(spoilt) == 0 {
				t.Error("NATS now keeps answers away by itself: deploy/README.md says otherwise")
			}
		})
	}
}

// aimAnswers has those who are not to be trusted ask for what JetStream, or a service, answers.
func (b *bus) aimAnswers(aim string) {
	b.Helper()
	for role, subject := range map[permissions.Role]string{
		live: "cc.chat.send", durable: "cc.durable.chat.send.x", oneChat: "cc.durable.chat.send.example", reader: "$JS.API.STREAM.INFO.CC_EVENTS",
	} {
		nc := b.connect(role)
		b.check(nc.PublishRequest(subject, aim, nil))
		b.check(nc.Flush())
		nc.Close()
	}
}

// spoilt are the streams in which something stands that nobody has published there.
func (b *bus) spoilt() (names []string) {
	b.Helper()
	js := b.jetstream(bot)
	b.eventAnswered(js)
	for _, name := range []string{"CC_EVENTS", "CC_SESSIONS", "CC_DEADLETTER", "KV_CC_CHATS", "KV_CC_STATE", "KV_CC_JOURNAL", "OBJ_CC_FILES"} {
		stream, err := js.Stream(b.Context(), name)
		b.check(err)
		if stream.CachedInfo().State.Msgs > 0 {
			names = append(names, name)
		}
	}
	return names
}

// eventAnswered returns when all that was sent before has been answered.
func (b *bus) eventAnswered(js jetstream.JetStream) {
	b.Helper()
	want := uint64(2 * len(aims))
	for deadline := time.Now().Add(patience); ; {
		stream, err := js.Stream(b.Context(), "CC_COMMANDS")
		b.check(err)
		switch got := stream.CachedInfo().State.Msgs; {
		case got == want:
			return
		case time.Now().After(deadline):
			b.Fatalf("%d durable commands are stored, want %d", got, want)
		}
	}
}
