package permissions_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/permissions"
)

const (
	bot     = permissions.Connector
	live    = permissions.CommanderLive
	durable = permissions.CommanderDurable
	oneChat = permissions.CommanderChat
	reader  = permissions.Consumer
	auditor = permissions.Auditor
	sender  = permissions.Role("files") // of commands and files
)

// attempt is something that a user may try. Whoever is not named must be refused.
type attempt struct {
	subject string
	may     []permissions.Role
}

func by(subject string, may ...permissions.Role) attempt { return attempt{subject, may} }

var publications = []attempt{
	by("cc.service.version", live, sender), by("cc.service.schemas", live, sender, reader, auditor), by("cc.service.schemas.x"), by("cc.chat.send", live, sender), by("cc.chat.detach", bot, live, sender), by("cc.case.close", live, sender), by("cc.push.apns", live, sender),
	by("cc.durable.chat.request", bot, durable, sender), by("cc.durable.chat.send.other", bot, durable, sender), by("cc.durable.case.close.other", bot, durable, sender),
	by("cc.durable.chat.send.example", bot, durable, oneChat, sender), by("cc.durable.push.apns.example", bot, durable, oneChat, sender),

	by("cc.chat.example.event.message", bot), by("cc.chat.example.result.chat.send", bot), by("cc.chat.example.session.closed", bot),
	by("cc.result.chat.send", bot), by("cc.deadletter.chat.send.example", bot),
	by("cc.internal.session.example", bot), by("cc.internal.events.fence.example", bot), by("cc.internal.holder.example", bot),
	by("cc.other"), by("cc.other.thing"), by("other.thing"), by("ccx.chat.send"),

	by("$KV.CC_CHATS.example", bot), by("$KV.CC_STATE.replica.x", bot), by("$KV.CC_JOURNAL.x", bot), by("$KV.OTHER.x"),
	by("$O.CC_FILES.C.x", bot, sender), by("$O.CC_FILES.M.x", bot, sender), by("$O.CC_FILES.x", bot), by("$O.CC_FILES.M.x.y", bot), by("$O.OTHER.M.x"),

	by("$JS.API.INFO", bot, auditor), by("$JS.API.STREAM.NAMES", bot, auditor), by("$JS.API.STREAM.LIST", auditor),
	by("$JS.API.STREAM.INFO.CC_EVENTS", bot, reader, auditor), by("$JS.API.STREAM.INFO.KV_CC_CHATS", bot, reader, auditor),
	by("$JS.API.STREAM.INFO.OBJ_CC_FILES", bot, reader, auditor, sender),
	by("$JS.API.STREAM.INFO.CC_COMMANDS", bot, auditor), by("$JS.API.STREAM.INFO.CC_SESSIONS", bot, auditor),
	by("$JS.API.STREAM.INFO.CC_DEADLETTER", bot, auditor), by("$JS.API.STREAM.INFO.KV_CC_JOURNAL", bot, auditor),
	by("$JS.API.STREAM.INFO.OTHER"),
	by("$JS.API.STREAM.MSG.GET.KV_CC_CHATS", bot, reader, auditor), by("$JS.API.STREAM.MSG.GET.OBJ_CC_FILES", bot, reader, auditor, sender),
	by("$JS.API.STREAM.MSG.GET.CC_DEADLETTER", bot, auditor),
	by("$JS.API.STREAM.MSG.GET.CC_EVENTS", bot), by("$JS.API.STREAM.MSG.GET.CC_COMMANDS", bot), by("$JS.API.STREAM.MSG.GET.CC_SESSIONS", bot),
	by("$JS.API.STREAM.MSG.GET.KV_CC_STATE", bot), by("$JS.API.STREAM.MSG.GET.KV_CC_JOURNAL", bot), by("$JS.API.STREAM.MSG.GET.OTHER"),
	by("$JS.API.DIRECT.GET.KV_CC_JOURNAL.$KV.CC_JOURNAL.x", bot), by("$JS.API.DIRECT.GET.KV_CC_STATE.$KV.CC_STATE.x", bot),
	by("$JS.API.DIRECT.GET.OBJ_CC_FILES.$O.CC_FILES.M.x", bot), by("$JS.API.DIRECT.GET.OBJ_CC_FILES"), by("$JS.API.DIRECT.GET.KV_CC_CHATS.$KV.CC_CHATS.x"),
	by("$JS.API.DIRECT.GET.CC_EVENTS.cc.internal.events.x"), by("$JS.API.DIRECT.GET.CC_EVENTS"),

	by("$JS.API.STREAM.CREATE.OTHER"), by("$JS.API.STREAM.UPDATE.OTHER"),
	by("$JS.API.STREAM.PURGE.OBJ_CC_FILES", bot), by("$JS.API.STREAM.PURGE.CC_EVENTS"), by("$JS.API.STREAM.PURGE.CC_COMMANDS"),
	by("$JS.API.STREAM.PURGE.KV_CC_JOURNAL", bot), by("$JS.API.STREAM.PURGE.KV_CC_CHATS", bot), by("$JS.API.STREAM.PURGE.KV_CC_STATE", bot), by("$JS.API.STREAM.PURGE.CC_SESSIONS"), by("$JS.API.STREAM.PURGE.OTHER"),
	by("$JS.API.STREAM.MSG.DELETE.OBJ_CC_FILES", bot), by("$JS.API.STREAM.MSG.DELETE.CC_EVENTS", bot), by("$JS.API.STREAM.MSG.DELETE.CC_COMMANDS", bot), by("$JS.API.STREAM.MSG.DELETE.CC_DEADLETTER", bot),
	by("$JS.API.STREAM.MSG.DELETE.CC_SESSIONS"), by("$JS.API.STREAM.MSG.DELETE.KV_CC_STATE"), by("$JS.API.STREAM.SNAPSHOT.CC_EVENTS"),
	by("$JS.API.STREAM.RESTORE.CC_EVENTS"), by("$JS.API.STREAM.LEADER.STEPDOWN.CC_EVENTS"), by("$JS.API.ACCOUNT.PURGE.$G"),

	by("$JS.API.CONSUMER.CREATE.CC_EVENTS"), by("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine", bot), by("$JS.API.CONSUMER.DURABLE.CREATE.CC_EVENTS.mine"),
	by("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine.>"), by("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine.cc.>"),
	by("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine.cc.internal.>"), by("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine.*.*.>"),
	by("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine.cc.chat.*.>"), by("$JS.API.CONSUMER.CREATE.CC_EVENTS.mine.cc.result.>"),
	by("$JS.API.CONSUMER.CREATE.CC_EVENTS.cc-consumer", bot), by("$JS.API.CONSUMER.CREATE.CC_EVENTS.cc-auditor", bot),
	by("$JS.API.CONSUMER.CREATE.CC_EVENTS.cc-consumer.cc.chat.*.>"), by("$JS.API.CONSUMER.DURABLE.CREATE.CC_EVENTS.cc-consumer"),
	by("$JS.API.CONSUMER.CREATE.CC_DEADLETTER.mine.cc.deadletter.>"),
	by("$JS.API.CONSUMER.CREATE.CC_COMMANDS.mine.cc.durable.>"), by("$JS.API.CONSUMER.CREATE.CC_COMMANDS.mine"),
	by("$JS.API.CONSUMER.CREATE.CC_COMMANDS.runners", bot), by("$JS.API.CONSUMER.CREATE.CC_SESSIONS.holders", bot),
	by("$JS.API.CONSUMER.CREATE.CC_SESSIONS.mine"), by("$JS.API.CONSUMER.CREATE.KV_CC_STATE.mine.$KV.CC_STATE.>"),
	by("$JS.API.CONSUMER.CREATE.KV_CC_JOURNAL.mine.$KV.CC_JOURNAL.x", bot),
	by("$JS.API.CONSUMER.CREATE.KV_CC_CHATS.mine.$KV.CC_CHATS.>"), by("$JS.API.CONSUMER.CREATE.OBJ_CC_FILES.mine.$O.CC_FILES.C.x"),
	by("$JS.API.CONSUMER.INFO.CC_EVENTS.mine", bot, auditor), by("$JS.API.CONSUMER.INFO.CC_EVENTS.cc-consumer", bot, reader, auditor),
	by("$JS.API.CONSUMER.INFO.CC_EVENTS.cc-auditor", bot, auditor), by("$JS.API.CONSUMER.INFO.CC_COMMANDS.runners", bot, auditor),
	by("$JS.API.CONSUMER.LIST.CC_COMMANDS", auditor), by("$JS.API.CONSUMER.LIST.CC_EVENTS", bot, auditor), by("$JS.API.CONSUMER.NAMES.CC_EVENTS", auditor),
	by("$JS.API.CONSUMER.MSG.NEXT.CC_EVENTS.mine", bot), by("$JS.API.CONSUMER.MSG.NEXT.CC_EVENTS.cc-consumer", bot), by("$JS.API.CONSUMER.MSG.NEXT.CC_EVENTS.cc-auditor", bot),
	by("$JS.API.CONSUMER.MSG.NEXT.CC_DEADLETTER.mine"), by("$JS.API.CONSUMER.MSG.NEXT.KV_CC_CHATS.mine"),
	by("$JS.API.CONSUMER.MSG.NEXT.CC_COMMANDS.runners", bot), by("$JS.API.CONSUMER.MSG.NEXT.CC_SESSIONS.holders", bot),
	by("$JS.API.CONSUMER.DELETE.CC_EVENTS.mine", bot), by("$JS.API.CONSUMER.DELETE.CC_EVENTS.cc-consumer", bot), by("$JS.API.CONSUMER.DELETE.KV_CC_JOURNAL.mine", bot),
	by("$JS.API.CONSUMER.DELETE.CC_COMMANDS.runners"), by("$JS.API.CONSUMER.DELETE.CC_SESSIONS.holders"), by("$JS.API.CONSUMER.PAUSE.CC_COMMANDS.runners"),
	by("$JS.ACK.CC_COMMANDS.runners.1.1.1.1.0", bot), by("$JS.ACK.CC_SESSIONS.holders.1.1.1.1.0", bot),
	by("$JS.ACK._.hash.CC_COMMANDS.runners.1.1.1.1.0", bot), by("$JS.ACK.CC_DEADLETTER.mine.1.1.1.1.0"),
	by("$JS.ACK.CC_EVENTS.mine.1.1.1.1.0"), by("$JS.ACK.CC_EVENTS.cc-consumer.1.1.1.1.0", reader), by("$JS.ACK._.hash.CC_EVENTS.cc-consumer.1.1.1.1.0", reader),
	by("$JS.ACK.CC_EVENTS.cc-auditor.1.1.1.1.0", auditor), by("$JS.ACK.KV_CC_JOURNAL.mine.1.1.1.1.0"),
	by("$JS.FC.KV_CC_CHATS.mine.x"), by("$JS.FC.CC_EVENTS.cc-consumer.x"), by("$JS.FC.KV_CC_JOURNAL.mine.x", bot),
	by("_DELIVER_cc-consumer.CC_EVENTS"), by("_DELIVER_cc-auditor.CC_EVENTS"),

	by("$SRV.PING", auditor), by("$SRV.STATS", auditor), by("$SRV.INFO.cc-connector", live, sender, auditor), by("$SRV.STATS.cc-connector.x", live, sender, auditor),
	by("$SRV.PING.other"), by("_INBOX.x"), by("_INBOX_cc-connector.x"), by("_INBOX_cc-consumer.x"), by("$SYS.REQ.SERVER.PING"),
}

var subscriptions = []attempt{
	by("cc.chat.*.>", reader, auditor), by("cc.chat.*.event.>", reader, auditor), by("cc.chat.other.event.>", reader, auditor),
	by("cc.result.>", reader, auditor), by("cc.chat.*.result.chat.send", reader, auditor),
	by("cc.chat.example.event.>", oneChat, reader, auditor), by("cc.chat.example.result.>", oneChat, reader, auditor),
	by("cc.chat.example.session.closed", oneChat, reader, auditor),
	by("cc.deadletter.>", auditor), by("$JS.EVENT.ADVISORY.>", auditor), by("$JS.EVENT.ADVISORY.API"),
	by("cc.internal.>", bot), by("cc.internal.holder.*", bot), by("cc.internal.turn.*", bot),
	by("cc.chat.send cc-connector", bot), by("cc.service.version cc-connector", bot), by("cc.push.received cc-connector", bot),
	by("cc.chat.send"), by("cc.chat.send other"), by("cc.chat.*"), by("cc.chat.>"), by("cc.>"), by("*.>"), by(">"), by("cc.durable.>"),
	by("cc.durable.chat.send.example"), by("$KV.>"), by("$KV.CC_CHATS.>"), by("$O.>"), by("$JS.>"), by("$JS.API.>"), by("$JS.ACK.>"), by("$SRV.>"), by("$SYS.>"),
	by("$SRV.PING", bot), by("$SRV.INFO.cc-connector", bot), by("$SRV.STATS.cc-connector.*", bot), by("$SRV.PING.other"),
	by("_INBOX.>"), by("_INBOX_cc-connector.>", bot), by("_INBOX_cc-commander-live.>", live), by("_INBOX_cc-commander-durable.>", durable),
	by("_INBOX_cc-commander-chat.>", oneChat), by("_INBOX_cc-consumer.>", reader), by("_INBOX_cc-auditor.>", auditor), by("_INBOX_cc-files.>", sender),
	by("_DELIVER_cc-consumer.CC_EVENTS", reader), by("_DELIVER_cc-consumer.CC_EVENTS group", reader), by("_DELIVER_cc-auditor.CC_EVENTS", auditor), by("_DELIVER_other.CC_EVENTS"),
}

// forEachStream adds what must be so for all of them alike.
func forEachStream() (all []attempt) {
	for _, stream := range []string{"CC_EVENTS", "CC_SESSIONS", "CC_COMMANDS", "CC_DEADLETTER", "KV_CC_JOURNAL", "KV_CC_CHATS", "KV_CC_STATE", "OBJ_CC_FILES"} {
		all = append(all, by("$JS.API.STREAM.CREATE."+stream, bot), by("$JS.API.STREAM.UPDATE."+stream, bot), by("$JS.API.STREAM.DELETE."+stream))
	}
	return all
}

// publish tells whether the server took it. The refusal comes before the flush ends.
func (b *bus) publish(role permissions.Role, subject string) error {
	b.Helper()
	nc := b.connect(role)
	defer nc.Close()
	b.check(nc.PublishRequest(subject, b.users[role].InboxPrefix+".reply", []byte("{}")))
	b.check(nc.Flush())
	return nc.LastError()
}

func (b *bus) subscribe(role permissions.Role, subject string) error {
	b.Helper()
	nc := b.connect(role)
	defer nc.Close()
	subject, queue, _ := strings.Cut(subject, " ")
	_, err := nc.QueueSubscribeSync(subject, queue)
	b.check(err)
	b.check(nc.Flush())
	return nc.LastError()
}

func (b *bus) checkAttempts(what string, try func(permissions.Role, string) error, attempts []attempt) {
	b.Helper()
	for _, a := range attempts {
		for _, role := range roles {
			err := try(role, a.subject)
			switch may := slices.Contains(a.may, role); {
			case may && err != nil:
				b.Errorf("%s may not %s %s: %v", role, what, a.subject, err)
			case !may && !errors.Is(err, nats.ErrPermissionViolation):
				b.Errorf("%s may %s %s (%v)", role, what, a.subject, err)
			}
		}
	}
}

func TestAttempts(t *testing.T) {
	b := startBus(t, "cc")
	b.checkAttempts("subscribe to", b.subscribe, subscriptions)
	b.checkAttempts("publish", b.publish, slices.Concat(publications, forEachStream()))
}

// Every line of every user's list is taken by the server as it is meant.
func TestEveryPermissionIsTaken(t *testing.T) {
	b := startBus(t, "acme.eu-1")
	for _, role := range roles {
		for _, subject := range b.users[role].Publish {
			if err := b.publish(role, concrete(subject)); err != nil {
				t.Errorf("%s may not publish %s: %v", role, subject, err)
			}
		}
		for _, s := range b.users[role].Subscribe {
			if err := b.subscribe(role, strings.TrimSpace(s.Subject+" "+s.Queue)); err != nil {
				t.Errorf("%s may not subscribe to %+v: %v", role, s, err)
			}
		}
	}
}

// concrete fills in the wildcards; a filter within a subject keeps them.
func concrete(subject string) string {
	return strings.NewReplacer("*", "x", ">", "x.y").Replace(subject)
}
