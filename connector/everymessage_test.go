package connector_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Who reads the stream without a filter meets nothing but CloudEvents, and what
// is the connector's own business says so by its type.
func TestEveryMessageOfTheStreamIsACloudEvent(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			o := newOutsider(t, bpsim.Options{}, func(r *rig) { r.config.Mode = mode })
			chat := o.openChat()
			o.mustSend("chat.typing", fields{"chatId": chat})
			o.awaitStored(chat, ".session.opened", 1) // a poll tells it, whatever else is done
			kinds := map[string]int{}
			for _, msg := range o.kept(">") {
				e := o.read(msg.Header, msg.Data)
				kinds[kindOf(e)]++
				ce, form, err := schema.Decode(msg.Header, msg.Data)
				if err != nil || string(form) != string(mode) {
					t.Errorf("%s is %s, %v", msg.Subject, form, err)
				}
				if !schema.IsOwn(msg.Header, msg.Data) {
					t.Errorf("%s would be run as a command", ce.Type())
				}
			}
			if got := slices.Sorted(maps.Keys(kinds)); !slices.Equal(got, []string{"internal", "result", "session"}) {
				t.Errorf("the stream has %v", kinds)
			}
		})
	}
}

// kindOf is the word in the type that tells what an event is.
func kindOf(e cloudEvent) string {
	parts := strings.Split(strings.TrimPrefix(e.attributes["type"], "com.brightpattern."), ".")
	return parts[min(1, len(parts)-1)]
}

// What is said of chats comes to who subscribes to all of it, and no command does.
func TestAllChatsMatchesNoCommand(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	for _, prefix := range []subjects.Prefix{"cc", "a.b", "chat", "chat.chat"} {
		heard, err := r.NC.SubscribeSync(prefix.AllChats())
		r.Check(err)
		for _, subject := range commandSubjects(prefix) {
			r.Check(r.NC.Publish(subject, nil))
		}
		told := toldSubjects(prefix)
		for _, subject := range told {
			r.Check(r.NC.Publish(subject, nil))
		}
		for _, want := range told {
			msg, err := heard.NextMsgWithContext(r.Ctx)
			r.Check(err)
			if msg.Subject != want {
				t.Fatalf("%s brings %s, want %s", prefix.AllChats(), msg.Subject, want)
			}
		}
		r.Check(heard.Unsubscribe())
	}
}

// A request for which no connector runs fails at once, whoever listens to chats.
func TestWhoHearsChatsAnswersNoRequest(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	_, err := r.NC.SubscribeSync(subjects.DefaultPrefix.AllChats())
	r.Check(err)
	if _, err := r.NC.RequestWithContext(r.Ctx, "cc.chat.send", nil); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("it is answered %v", err)
	}
}

// commandSubjects are all on which commands come, are given up, or are told of
// without a chat.
func commandSubjects(prefix subjects.Prefix) (all []string) {
	for _, spec := range schema.Commands {
		name := subjects.Command(spec.Name)
		for _, chat := range []subjects.ChatToken{"", "C", "event", "chat"} {
			all = append(all, prefix.Durable(name, chat), prefix.DeadLetter(name, chat))
		}
		all = append(all, prefix.Live(name), prefix.Result("", name))
	}
	return append(all, prefix.Internal("events", "fence", "C"))
}

func toldSubjects(prefix subjects.Prefix) (all []string) {
	for _, chat := range []subjects.ChatToken{"C", "=2E", "event"} {
		for _, info := range schema.Events {
			all = append(all, prefix.Event(chat, subjects.EventName(info.Name)))
		}
		for _, spec := range schema.Commands {
			all = append(all, prefix.Result(chat, subjects.Command(spec.Name)))
		}
		for _, name := range []subjects.SessionName{subjects.Opened, subjects.Recovered, subjects.Gap, subjects.Closed} {
			all = append(all, prefix.Session(chat, name))
		}
	}
	return all
}
