package admin

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

var now = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)

func offline() *Dead { return &Dead{cfg: Config{Prefix: natstest.Prefix}} }

// letter is a dead letter as the connector writes it.
func letter(subject string, headers map[string]string, data string) *bus.Stored {
	h := nats.Header{
		"Cc-Command-Id": {"old"}, "Cc-Error-Code": {"expired"}, "Cc-Attempts": {"0"}, "Cc-First-Seen": {"2026-03-04T05:00:00Z"},
		"Nats-Msg-Id": {"deadletter:x"}, "X-Own": {"kept"},
	}
	for name, value := range headers {
		h[name] = []string{value}
	}
	return &bus.Stored{Subject: subject, Sequence: 7, Header: h, Data: []byte(data), Time: now}
}

// What is put back is the command as it came, under an id that is the same each time.
func TestPutBackMessages(t *testing.T) {
	const on, ce = "cc.deadletter.chat.send.C=3A1", `"specversion":"1.0","id":"old","source":"//s","type":"t"`
	binary := map[string]string{"ce-specversion": "1.0", "Ce-Id": "old", "CE-SOURCE": "//s", "ce-type": "t"}
	with := func(more map[string]string) map[string]string {
		for name, value := range binary {
			more[name] = value
		}
		return more
	}
	for name, c := range map[string]struct {
		letter  *bus.Stored
		form    schema.Form
		expired bool
		expires string // left
		data    string
	}{
		"plain":               {letter(on, nil, `{"text":"x", "n":1.0}`), schema.FormPlain, false, "", `{"text":"x", "n":1.0}`},
		"structured":          {letter(on, nil, `{`+ce+`,"data":{"text":"\ud800<"}}`), schema.FormStructured, false, "", `{"text":"\ud800<"}`},
		"structured, late":    {letter(on, nil, `{`+ce+`,"expirytime":"2026-03-04T05:06:07Z","data":{"b":1,"a":1e2}}`), schema.FormStructured, true, "", `{"b":1,"a":1e2}`},
		"structured, in time": {letter(on, nil, `{`+ce+`,"expirytime":"2026-03-04T05:06:08Z","data":{}}`), schema.FormStructured, false, "2026-03-04T05:06:08Z", `{}`},
		"binary, late":        {letter(on, with(map[string]string{"ce-EXPIRYTIME": "2026-03-04T05:06:07Z"}), `{"text":"x"}`), schema.FormBinary, true, "", `{"text":"x"}`},
		"binary, in time":     {letter(on, with(map[string]string{"ce-expirytime": "2026-03-04T06:06:07Z"}), ` {"text":"x"}`), schema.FormBinary, false, "2026-03-04T06:06:07Z", ` {"text":"x"}`},
	} {
		before, _ := json.Marshal(c.letter)
		msg, done, err := offline().again(c.letter, now)
		if err != nil || done.Expired != c.expired || msg.Subject != "cc.durable.chat.send.C=3A1" || done.ChatID != "C:1" {
			t.Errorf("%s: %+v, %v", name, done, err)
			continue
		}
		e, form, err := schema.DecodeCommand(msg.Header, msg.Data)
		id := msg.Header.Get(nats.MsgIdHdr)
		if form != schema.FormPlain {
			id = e.ID()
		}
		if err != nil || form != c.form || id != done.ID || id == "old" || string(e.Data()) != c.data || schema.Extension(e, schema.AttrExpiryTime) != c.expires {
			t.Errorf("%s: it is %s with %v (%v)", name, msg.Data, msg.Header, err)
		}
		if msg.Header.Get("Cc-Error-Code")+msg.Header.Get("Cc-Command-Id") != "" || msg.Header.Get("X-Own") != "kept" {
			t.Errorf("%s: its headers are %v", name, msg.Header)
		}
		again, _, err := offline().again(c.letter, now)
		if after, _ := json.Marshal(c.letter); err != nil || !reflect.DeepEqual(msg, again) || string(after) != string(before) {
			t.Errorf("%s: put back twice, it is %+v", name, again)
		}
	}
	for name, c := range map[string]*bus.Stored{
		"no command's":        letter("cc.deadletter.x", nil, "{}"),
		"of no durable one":   letter("cc.deadletter.chat.history.C", nil, "{}"),
		"of no chat":          letter("cc.deadletter.chat.send", nil, "{}"),
		"of a chat too many":  letter("cc.deadletter.chat.request.C", nil, "{}"),
		"no CloudEvent":       letter(on, map[string]string{"ce-id": "x"}, "{}"),
		"two ids":             letter(on, nil, `{`+ce+`,"id":"other"}`),
		"a batch":             letter(on, map[string]string{"Content-Type": "application/cloudevents-batch+json"}, "[]"),
		"no headers that are": {Subject: on, Sequence: 7, Unreadable: true, Data: []byte("{}")},
	} {
		if _, _, err := offline().again(c, now); !errors.Is(err, ErrUnfitLetter) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Two dead letters have two ids; one that came into the stream twice has one.
func TestNewIDs(t *testing.T) {
	a, b := letter("cc.deadletter.chat.send.C", nil, ""), letter("cc.deadletter.chat.send.C", nil, "")
	b.Sequence = 8
	if offline().newID(a) != offline().newID(b) {
		t.Error("one letter has two ids")
	}
	b.Header.Set(nats.MsgIdHdr, "deadletter:y")
	if offline().newID(a) == offline().newID(b) {
		t.Error("two letters have one id")
	}
	for _, imported := range []*bus.Stored{a, b} {
		imported.Header.Del(nats.MsgIdHdr)
	}
	if offline().newID(a) == offline().newID(b) {
		t.Error("two letters without an id have one")
	}
}

// A dead letter is anybody's bytes. Whatever they are, it is told without breaking a
// terminal; nothing of the data is shown that is not asked for; and what is put back
// is a command with the new id.
func FuzzLetter(f *testing.F) {
	f.Add("chat.send.C", "ce-id", "old", `{"text":"secret"}`)
	f.Add("chat.send.C", "Content-Type", "application/cloudevents+json", `{"specversion":"1.0","id":"a","source":"s","type":"t","data":{"text":"secret"}}`)
	f.Add("chat.request", "Cc-First-Seen", "9999-12-31T23:59:59-01:00", "\x00\xff")
	f.Add("x", "Cc-Attempts", "-1", `{"a":`)
	f.Fuzz(func(t *testing.T, subject, name, value, data string) {
		msg := letter("cc.deadletter."+subject, map[string]string{name: value}, data)
		a := offline()
		for _, withData := range []bool{false, true} {
			s := a.look(msg, withData)
			if _, err := schema.JSON(s); err != nil {
				t.Fatalf("it cannot be told: %v", err)
			}
			for _, text := range []string{s.Code, s.Message, s.CommandID} {
				if strings.ContainsAny(text, "\x00\x07\x1b\n\r\u009b") {
					t.Errorf("%q is shown", text)
				}
			}
			if !withData && (s.Data != "" || s.DataBase64 != "") {
				t.Error("the data are shown")
			}
		}
		back, done, err := a.again(msg, now)
		if err != nil {
			return
		}
		e, form, err := schema.DecodeCommand(back.Header, back.Data)
		if id := e.ID(); err != nil || form != schema.FormPlain && id != done.ID || form == schema.FormPlain && back.Header.Get(nats.MsgIdHdr) != done.ID {
			t.Errorf("put back is %v %s as %s: %v", back.Header, back.Data, form, err)
		}
	})
}
