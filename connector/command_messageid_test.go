package connector_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
)

// What a refusal tells its sender: by which id, and on which chat.

// A header that names no id is not taken for a sender who has none.
func TestEmptyMessageID(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	msg := nats.NewMsg("cc.service.version")
	for _, ids := range [][]string{{""}, {" \t "}, {"\u00a0"}, {"a", "b"}, {"", "b"}} {
		msg.Header["Nats-Msg-Id"] = ids
		o.mustRefuse(msg, "Nats-Msg-Id")
	}
}

// JetStream takes an empty one for none. The command is refused all the same; its
// sender finds that by the place of his message.
func TestEmptyMessageIDOfADurableCommand(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	for i, id := range []string{"", " \t ", "\u00a0"} {
		msg := durably(writePlain(given{command: "chat.send", data: fields{"text": "x"}}), chat)
		msg.Header = nats.Header{"Nats-Msg-Id": {id}}
		ack := o.keep(msg)
		a.eventually("it has a result", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.all) > 1+i }) // chat.request has one
		e := a.all[1+i]
		checkRefused(e, o, "Nats-Msg-Id")
		if !strings.HasPrefix(e.attributes["causationid"], fmt.Sprintf("CC_COMMANDS:%d:", ack.Sequence)) || e.data["chatId"] != chat {
			t.Errorf("the answer is %v %v", e.attributes, e.data)
		}
		a.awaitIdle()
	}
	if said := o.saidNames(chat); len(said) > 0 {
		t.Errorf("the contact center got %q", said)
	}
}

// Beside a CloudEvent's own id the header says nothing.
func TestEmptyMessageIDOfACloudEvent(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	for name, write := range map[string]func(given) *nats.Msg{"structured": writeStructured, "binary": writeBinary} {
		msg := write(given{command: "service.version", id: name, source: "//s", data: fields{}})
		msg.Header["Nats-Msg-Id"] = []string{""}
		if r := o.request(msg); r.status() != "ok" {
			t.Errorf("%s: %v", name, r.failure())
		}
	}
}

// Whoever reads a refusal learns on which chat it was, if the command could be
// read so far; a message quotes no value.
func TestRefusalsTellTheChat(t *testing.T) {
	t.Parallel()
	o := newOutsider(t, bpsim.Options{})
	a, chat := o.listen(), o.openChat()
	send := func(chat string, more fields) given {
		data := fields{"chatId": chat, "text": "x"}
		maps.Copy(data, more)
		return given{command: "chat.send", data: data}
	}
	unfit := writePlain(send(chat, nil))
	unfit.Header = nats.Header{"Nats-Msg-Id": {""}}
	past := send(chat, nil)
	past.id, past.source, past.attributes = "past", "//s", map[string]string{"expirytime": "2001-01-01T00:00:00Z"}
	for name, c := range map[string]struct {
		msg  *nats.Msg
		chat string
	}{
		"unknown":    {writePlain(send("never-seen", nil)), "never-seen"},
		"a field":    {writePlain(send(chat, fields{"txt": "x"})), chat},
		"attributes": {unfit, chat},
		"too late":   {writeStructured(past), chat},
	} {
		r := o.request(c.msg)
		message, _ := r.failure()["message"].(string)
		if r.status() != "error" || r.data["chatId"] != c.chat || strings.Contains(message, c.chat) {
			t.Errorf("%s: %v", name, r.data)
		}
	}
	large := durably(writePlain(given{command: "chat.typing", id: "large", data: fields{"x": strings.Repeat("x", 20<<10)}}), chat)
	o.keep(large)
	if e := a.await("large"); e.failure()["code"] != "invalid_command" || e.data["chatId"] != chat || e.attributes["subject"] != tokenOf(chat) {
		t.Errorf("too large: %v %v", e.attributes, e.data)
	}
}
