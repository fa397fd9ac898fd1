package command

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/natstest"
	"cc-connector/subjects"
)

// FuzzDurable reads any message on any subject as a durable command. It never
// panics, it is none or can be answered, and where it is to be run it can be
// given up, too.
func FuzzDurable(f *testing.F) {
	for _, headers := range []string{
		"Nats-Msg-Id: 1", "Status: 404", "no colon", "a name: 1\r\n(x): 2\r\nX: \xff", "ce-id: 1\r\nce-source: /s\r\nce-type: t\r\nce-specversion: 1.0", "",
	} {
		for _, subject := range []string{
			"cc.durable.chat.typing.x", "cc.durable.chat.request", "cc.durable.chat.send.=", "cc.chat.x.result.chat.send", "cc.durable.chat.active.x", "other",
		} {
			f.Add(subject, headers, `{"chatId":"x"}`)
		}
	}
	r := natstest.New(f)
	c := &Commands{
		Needs: Needs{NATS: r.NC, Guard: intake.NewGuard(natstest.Prefix, nil, natstest.Log()), Log: natstest.Log()}, cfg: Config{Prefix: natstest.Prefix},
	}
	f.Fuzz(func(t *testing.T, subject, headers, data string) {
		h, err := nats.DecodeHeadersMsg([]byte("NATS/1.0\r\n" + headers + "\r\n\r\n"))
		d := &durable{
			commands: c, ignored: c.Guard.JudgeStored(h, []byte(data), err != nil), sequence: 1,
			subject: subject, raw: arrival{header: h, data: []byte(data)}, since: time.Unix(1, 0),
		}
		d.read()
		_, hasStatus := h["Status"]
		switch {
		case d.ignored != "":
			return
		case err != nil || hasStatus || d.cmd == nil || d.cmd.Key == "":
			t.Fatalf("%q with %q is read as %+v", subject, headers, d.cmd)
		case d.refused != nil:
			return
		}
		d.cmd.record = journal.NewRecord(d.cmd.Identity, "", 1)
		letter := d.deadLetter(expired())
		if err := r.NC.PublishMsg(letter); err != nil {
			t.Errorf("%q with %q cannot be given up: %v", subject, headers, err)
		}
		if to, err := natstest.Prefix.Parse(letter.Subject); err != nil || to.Kind != subjects.KindDeadLetter || strings.Contains(letter.Subject, "*") {
			t.Errorf("its letter goes to %q: %v", letter.Subject, err)
		}
	})
}
