//go:build docker

package deploytest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// tryAccount compares the simulator's own record of every chat with CC_EVENTS.
func (c clone) tryAccount(t *testing.T) {
	const reader = "cc-auditor" // what is delivered to cc-consumer is the demonstration's
	c.compose(t, "run", "--rm", "--no-TTY", "reader", "streams", "--reader", reader, "--make")
	told := readEvents(t, c.signIn(t, reader), reader)
	var list struct{ Chats []bpsim.ChatInfo }
	getJSON(t, "http://127.0.0.1:8090/sim/chats", &list)
	if len(list.Chats) < 7 { // one, four beside a killed connector, one over a restart of NATS, one after it
		t.Errorf("the simulator knows of %d chats only", len(list.Chats))
	}
	events := 0
	for _, chat := range list.Chats {
		var record bpsim.Record
		getJSON(t, "http://127.0.0.1:8090/sim/chats/"+chat.ID, &record)
		events += len(record.Server)
		token, err := subjects.EscapeChat(chat.ID)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, record, told[token])
	}
	t.Logf("%d chats, %d events", len(list.Chats), events)
}

// signIn is what somebody with that user's password can do from this machine.
func (c clone) signIn(t *testing.T, user string) jetstream.JetStream {
	t.Helper()
	password, err := os.ReadFile(filepath.Join(c.dir, "deploy/compose/secrets", user))
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("nats://127.0.0.1:4222", nats.UserInfo(user, strings.TrimSpace(string(password))), nats.CustomInboxPrefix("_INBOX_"+user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// stored is what CC_EVENTS has of a chat.
type stored struct {
	told      map[string]int // events, by what makes them differ
	sequences []uint64
	last      string // type of the last event or session message
}

// readEvents reads all that the stream has, by the consumer that was made for the reader.
func readEvents(t *testing.T, js jetstream.JetStream, reader string) map[subjects.ChatToken]*stored {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	consumer, err := js.PushConsumer(ctx, "CC_EVENTS", reader)
	if err != nil {
		t.Fatal(err)
	}
	delivered := make(chan jetstream.Msg)
	consuming, err := consumer.Consume(func(msg jetstream.Msg) {
		select {
		case delivered <- msg:
		case <-ctx.Done():
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer consuming.Stop()
	told := make(map[subjects.ChatToken]*stored)
	for left := uint64(1); left > 0; {
		select {
		case msg := <-delivered:
			left = keep(t, told, msg)
		case <-ctx.Done():
			t.Fatalf("%d messages of CC_EVENTS are not delivered", left)
		}
	}
	return told
}

// keep returns how many messages are still to come.
func keep(t *testing.T, told map[subjects.ChatToken]*stored, msg jetstream.Msg) (left uint64) {
	t.Helper()
	meta, err := msg.Metadata()
	if err == nil {
		err = msg.Ack()
	}
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := subjects.DefaultPrefix.Parse(msg.Subject())
	if err != nil {
		t.Fatal(err)
	}
	if told[parsed.Chat] == nil {
		told[parsed.Chat] = &stored{told: make(map[string]int)}
	}
	told[parsed.Chat].add(t, msg)
	return meta.NumPending
}

func (s *stored) add(t *testing.T, msg jetstream.Msg) {
	t.Helper()
	ce, _, err := schema.Decode(msg.Headers(), msg.Data())
	if err != nil {
		t.Fatalf("%s: %v", msg.Subject(), err)
	}
	if event, err := schema.DecodeEvent(ce); err == nil {
		s.told[traits(brightpattern.ParseEvent(event.Header().Raw))]++
	}
	if n, err := schema.Sequence(ce); err == nil {
		s.sequences, s.last = append(s.sequences, n), ce.Type()
	}
}

func traits(e brightpattern.Event) string {
	return fmt.Sprintf("%s of %q: message %q to %q, %q, state %q", e.Name, e.PartyID, e.MessageID, e.RefMessageID, e.HTML, e.State)
}

// compare finds what was lost or doubled. What the customer's side said is in the stream, too.
func compare(t *testing.T, record bpsim.Record, s *stored) {
	t.Helper()
	if s == nil {
		t.Fatalf("nothing of chat %s is in CC_EVENTS", record.Chat.ID)
	}
	made := make(map[string]int)
	for _, e := range record.Server {
		made[traits(brightpattern.ParseEvent(e.Event))]++
	}
	for what, n := range made {
		if s.told[what] != n {
			t.Errorf("chat %s: %d times in CC_EVENTS, %d times in the contact center: %s", record.Chat.ID, s.told[what], n, what)
		}
	}
	for i, n := range s.sequences {
		if n != uint64(i)+1 {
			t.Fatalf("chat %s: sequence %d stands where %d should", record.Chat.ID, n, i+1)
		}
	}
	if s.last != schema.SessionType("closed") {
		t.Errorf("chat %s ends with %s", record.Chat.ID, s.last)
	}
}
