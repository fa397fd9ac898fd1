package client_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// told says what a message is, and fails for what has no place in a chat.
func (r *rig) told(m *client.Message) string {
	r.Helper()
	switch payload := m.Payload.(type) {
	case schema.Event:
		if m.Recorded.IsZero() || m.Origin == "" || m.Sequence == 0 || payload.Header().ChatID != m.ChatID {
			r.Errorf("an event without its place: %+v", m)
		}
		return "event " + payload.Name()
	case *schema.Result:
		return "result " + payload.Command
	case schema.Session:
		return "session " + payload.SessionName()
	}
	return fmt.Sprintf("a %T", m.Payload)
}

// Both modes are read alike, from the stream and from core NATS, large payloads too.
func TestReadBothModes(t *testing.T) {
	t.Parallel()
	r := newRig(t, natstest.SmallBus)
	heard, err := r.NC.SubscribeSync("cc.chat.*.>")
	r.Check(err)
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		r.config.Mode = mode
		stop := r.start()
		chat := r.openChat()
		r.says(chat, strings.Repeat("long ", 12000))
		r.awaitStored("cc.chat."+string(tokenOf(chat))+".event.message", 1)
		r.Check(r.sim.End(chat))
		r.awaitStored("cc.chat."+string(tokenOf(chat))+".session.closed", 1)
		stop()
		want := "[event ended event message result chat.request session closed session opened]"
		if got := r.readStored(chat); fmt.Sprint(got) != want {
			t.Errorf("%s: stored are %s, want %s", mode, got, want)
		}
		var live []string
		for range 5 {
			msg, err := heard.NextMsgWithContext(r.Ctx)
			r.Check(err)
			m, err := r.Read(r.Ctx, client.Core(msg))
			r.Check(err)
			if live = append(live, r.told(m)); m.Position != 0 || m.ChatID != chat {
				t.Errorf("%s: %+v", mode, m)
			}
		}
		if fmt.Sprint(sorted(live)) != want {
			t.Errorf("%s: heard are %s, want %s", mode, live, want)
		}
	}
}

func (r *rig) readStored(chat string) (all []string) {
	r.Helper()
	stream, err := r.JS.Stream(r.Ctx, "CC_EVENTS")
	r.Check(err)
	consumer, err := stream.CreateConsumer(r.Ctx, jetstream.ConsumerConfig{FilterSubject: "cc.chat." + string(tokenOf(chat)) + ".>"})
	r.Check(err)
	batch, err := consumer.FetchNoWait(100)
	r.Check(err)
	for msg := range batch.Messages() {
		m, err := client.Decode(msg)
		if errors.Is(err, client.ErrElsewhere) {
			if m.Payload != nil || m.ChatID != chat || m.Sequence == 0 {
				r.Errorf("what lies elsewhere is %+v", m)
			}
			m, err = r.Read(r.Ctx, msg)
		}
		r.Check(err)
		if all = append(all, r.told(m)); m.Position == 0 {
			r.Errorf("%s has no place", msg.Subject())
		}
	}
	return sorted(all)
}

const aMessage = `"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.event.message.v1","subject":"x","sequence":"0000000001"`

// What is none of the connector's messages is told by what it is, without its values.
func TestNotOurs(t *testing.T) {
	for data, want := range map[string]string{
		``:                                    "it is no CloudEvent",
		`hello`:                               "it is no CloudEvent",
		`{"chatId":"secret"}`:                 "it is no CloudEvent",
		`{"specversion":"1.0","id":"secret"}`: "source: is missing",
		`{"specversion":"1.0","id":"1","source":"/s","type":"com.example.order.v1"}`:                                   "its type is another one",
		`{"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.internal.fence.v1","subject":"x"}`: "its type is another one",
		`{"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.event.message.v2","subject":"x"}`:  "its type is another one",
		`{` + aMessage + `,"data":"secret"}`: "data: does not fit",
		`{` + aMessage + `}`:                 "data: does not fit",
		strings.Replace(`{`+aMessage+`,"data":{}}`, "0000000001", "secret", 1):             "sequence: must be a whole number",
		strings.Replace(`{`+aMessage+`,"data":{}}`, "0000000001", "0000000000", 1):         "sequence: must be 1 or more",
		strings.Replace(`{`+aMessage+`,"data":{}}`, `"subject":"x"`, `"subject":"s e"`, 1): "subject: is no escaped chat id",
		strings.Replace(`{`+aMessage+`,"data":{}}`, `"subject":"x",`, ``, 1):               "subject: is missing",
	} {
		m, err := client.Decode(client.Core(&nats.Msg{Subject: "cc.chat.x.event.message", Data: []byte(data)}))
		if m != nil || !errors.Is(err, client.ErrNotOurs) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", data, err, want)
		}
	}
}

// An event may have any name, also one that looks like another kind of message.
func TestEventOfAnyName(t *testing.T) {
	data := strings.Replace(`{`+aMessage+`,"data":{"chatId":"x"}}`, "event.message", "event.result", 1)
	m, err := client.Decode(client.Core(&nats.Msg{Data: []byte(data)}))
	if err != nil || m.Sequence != 1 || m.Payload.(schema.Event).Name() != "result" {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add("", "", []byte(`{`+aMessage+`,"data":{"chatId":"x","text":"hello"}}`))
	f.Add("ce-type", "com.brightpattern.chat.result.send.v1", []byte(`{"command":"chat.send","status":"ok"}`))
	f.Add("Content-Type", "application/cloudevents+json", []byte(`{`+aMessage+`,"dataref":"nats-object:CC_FILES/x"}`))
	f.Fuzz(func(t *testing.T, header, value string, data []byte) {
		msg := &nats.Msg{Header: nats.Header{header: {value}}, Data: data}
		m, err := client.Decode(client.Core(msg))
		switch {
		case err != nil && !errors.Is(err, client.ErrNotOurs) && !errors.Is(err, client.ErrElsewhere):
			t.Errorf("another error: %v", err)
		case (m == nil) != errors.Is(err, client.ErrNotOurs), m != nil && (m.Payload == nil) != errors.Is(err, client.ErrElsewhere):
			t.Errorf("%+v, %v", m, err)
		case m != nil && m.Sequence > 0 && m.ChatID == "":
			t.Errorf("a message of no chat has a sequence: %+v", m)
		}
	})
}
