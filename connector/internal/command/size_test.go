package command

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// worst are the characters that grow most, as JSON writes them, and as they are.
var worst = map[string]struct{ spelt, read string }{
	"control":        {`\u0001`, "\x01"},
	"line separator": {`\u2028`, "\u2028"},
	"ampersand":      {`\u0026`, "&"},
}

// spelling is a JSON string of at most so many bytes, in the longest spelling.
func spelling(char struct{ spelt, read string }, most int) string {
	return `"` + strings.Repeat(char.spelt, most/len(char.read)) + `"`
}

// largest is a field's value at its limit.
func largest(f schema.Field, char struct{ spelt, read string }, entries int) string {
	switch f.Kind {
	case schema.KindClientID:
		return spelling(worst["ampersand"], f.Max)
	case schema.KindEnum:
		return `"` + f.Enum[0] + `"`
	case schema.KindLatitude, schema.KindLongitude:
		return "1." + strings.Repeat("0", 1000)
	case schema.KindObject:
		return `{"type":"` + strings.Repeat("&", f.Max-11) + `"}`
	case schema.KindBase64:
		return `"` + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, f.Max)) + `"`
	case schema.KindStringMap:
		all := make([]string, entries)
		for i := range all {
			name := spelling(char, schema.MaxString-4)
			all[i] = fmt.Sprintf(`"%03d%s:%s`, i, name[1:], spelling(char, f.Max))
		}
		return `{` + strings.Join(all, ",") + `}`
	}
	if f.InPath && char.read == "\x01" {
		char = worst["ampersand"]
	}
	return spelling(char, f.Max)
}

// largestData are those of a command with every field that may be there.
func largestData(spec *schema.Command, char struct{ spelt, read string }, entries int) string {
	excluded := map[string]bool{}
	for _, group := range spec.OneOf {
		for _, name := range group {
			excluded[name] = name == "html" || name == "object"
		}
	}
	var members []string
	for _, f := range spec.Fields {
		if !excluded[f.Name] {
			members = append(members, `"`+f.Name+`":`+largest(f, char, entries))
		}
	}
	return `{` + strings.Join(members, ",") + `}`
}

// attributesAtTheLimit are as long as they may be, of what grows.
func attributesAtTheLimit() nats.Header {
	long := func(char string, most int) []string { return []string{"x" + strings.Repeat(char, (most-1)/len(char))} }
	h := nats.Header{
		"ce-specversion": {"1.0"}, "ce-type": long("&", 1024), "ce-id": long("\u2028", 256), "ce-source": {"x:" + strings.Repeat("&", 1022)},
		"ce-subject": long("&", 1024),
	}
	for _, name := range []string{schema.AttrCorrelationID, schema.AttrTraceParent, schema.AttrTraceState} {
		h["ce-"+name] = long("\u2028", 1024)
	}
	return h
}

// Whatever a command that is taken leaves fits on the bus: its record, its
// result, its dead letter.
func TestLargestCommandsLeaveNothingTooLarge(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	room := int(r.NC.MaxPayload())
	c := withTeller(&Commands{
		Needs: Needs{
			NATS: r.NC, Publisher: r.Publisher(r.Streams()), Log: natstest.Log(),
			Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"},
		},
		cfg: Config{Prefix: natstest.Prefix, Apps: []chats.App{{Name: "main", ID: "app-1"}}},
	})
	foreign := &schema.Error{Code: schema.CodeInternal, Message: cut(strings.Repeat("\x01", 5<<20)), Outcome: schema.OutcomeUnknown}
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		for name, char := range worst {
			a := arrival{header: attributesAtTheLimit(), data: []byte(largestData(spec, char, schema.MaxParameters)), id: "x"}
			if a.size() > spec.MaxSize() {
				t.Errorf("%s, %s: %d bytes are more than the largest, %d", spec.Name, name, a.size(), spec.MaxSize())
			}
			if a.size() > room-bus.Headroom { // then it is the bus that refuses it
				a.data = []byte(largestData(spec, char, 24))
			}
			cmd, refused := read(spec, a)
			if refused != nil || a.size() > room-bus.Headroom {
				t.Fatalf("%s, %s, %d bytes: %v", spec.Name, name, a.size(), refused)
			}
			c.checkRoom(t, cmd, a, foreign)
		}
	}
}

func (c *Commands) checkRoom(t *testing.T, cmd *command, a arrival, failure *schema.Error) {
	t.Helper()
	room := int(c.NATS.MaxPayload())
	cmd.record = journal.NewRecord(cmd.Identity, cmd.fingerprint(), 1)
	cmd.record.LastError = failure
	o := failed(failure)
	o.ChatID = cmd.chat.ID
	cmd.record.Done = &o.Outcome
	if record, err := schema.JSON(cmd.record); err != nil || len(record) > room/8 {
		t.Errorf("the record of %s has %d bytes, %v", cmd.Command, len(record), err)
	}
	r, err := c.build(t.Context(), cmd.Identity, o, schema.FormPlain)
	if err != nil || r.event.Size() > room/8 || r.reply.Size() > room/8 {
		t.Errorf("the result of %s: %v", cmd.Command, err)
	}
	d := &durable{commands: c, cmd: cmd, raw: a, subject: natstest.Prefix.Durable(cmd.Command, cmd.chat.Token)}
	if letter := d.deadLetter(failure); letter.Size() > room || d.isTooLarge() {
		t.Errorf("the dead letter of %s has %d bytes", cmd.Command, letter.Size())
	}
}

// A record that would be too large for the journal is kept without what its
// command asked for, which the event still tells, and then without the result.
func TestRecordsFitTheJournal(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	c := withTeller(&Commands{Needs: Needs{Journal: journal.New(r.Streams().Journal, natstest.Log()), Log: natstest.Log()}})
	small, large := json.RawMessage(`{"n":1}`), json.RawMessage(`"`+strings.Repeat("x", 2<<20)+`"`)
	for name, want := range map[string]struct{ request, result, keptRequest, keptResult json.RawMessage }{
		"all of it":                 {small, small, small, small},
		"not the request":           {large, small, nil, small},
		"not the result":            {small, large, nil, nil},
		"neither, and both at last": {large, large, nil, nil},
	} {
		record := journal.NewRecord(journal.Identity{Command: "chat.request", ID: name, Key: fmt.Sprint(len(name))}, "f", 0)
		record.Calling = true
		o, err := c.record(r.Ctx, record, outcome{Outcome: journal.Outcome{Request: want.request, Result: want.result}})
		r.Check(err)
		found, err := c.Journal.Find(r.Ctx, record.Key)
		r.Check(err)
		if !bytes.Equal(found.Done.Request, want.keptRequest) || !bytes.Equal(found.Done.Result, want.keptResult) || found.Calling {
			t.Errorf("%s: on record are %d and %d bytes", name, len(found.Done.Request), len(found.Done.Result))
		}
		if !bytes.Equal(o.Request, want.request) || (o.Error != nil) != (want.keptResult == nil) || (found.Done.Error != nil) != (o.Error != nil) {
			t.Errorf("%s: told are %d bytes, %v", name, len(o.Request), o.Error)
		}
	}
}

// A structured command may have its data in base64.
func TestLargestCommandInBase64(t *testing.T) {
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		data := base64.StdEncoding.EncodeToString([]byte(largestData(spec, worst["control"], schema.MaxParameters)))
		message := `{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"application/json","data_base64":"` + data + `"}`
		if _, refused := read(spec, arrival{data: []byte(message), id: "x"}); refused != nil {
			t.Errorf("%s: %v", spec.Name, refused)
		}
	}
}

// What is larger is refused with as little as can be kept of it.
func TestTooLargeIsLetGo(t *testing.T) {
	spec, _ := schema.LookupCommand("service.version")
	a := arrival{header: nats.Header{nats.MsgIdHdr: {"1"}, "ce-id": {"2"}}, data: make([]byte, spec.MaxSize()+1), id: "x"}
	kept := a.bounded(spec, a.size())
	if !kept.tooLarge || kept.data != nil || len(kept.header) != 1 {
		t.Errorf("kept is %+v", kept)
	}
	cmd, refused := read(spec, a)
	if refused == nil || !strings.HasPrefix(refused.Message, "data:") || cmd.ID != "1" {
		t.Errorf("%+v is refused with %v", cmd.Identity, refused)
	}
	a.header.Set(nats.MsgIdHdr, strings.Repeat("x", schema.MaxID+1))
	if kept := a.bounded(spec, a.size()); len(kept.header) != 0 {
		t.Errorf("of a long id %d headers are kept", len(kept.header))
	}
}

func TestAdmissionCountsBytes(t *testing.T) {
	a, hold := newAdmission(8, 8), make(chan struct{})
	work := func() { <-hold }
	for range 4 {
		if !a.admit(mostBytes/4, work) {
			t.Fatal("there is room, and it is not admitted")
		}
	}
	if a.admit(1, work) {
		t.Error("more bytes than may be held are admitted")
	}
	if !a.admit(0, work) {
		t.Error("what holds nothing is not admitted")
	}
	close(hold)
	a.active.Close()
	if a = newAdmission(1, 1); !a.admit(10*mostBytes, func() {}) {
		t.Error("a message larger than all room is never admitted")
	}
	a.active.Close()
}

// A private reply that is too large is not put where others read.
func TestPrivateReplyStaysPrivate(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	c := withTeller(&Commands{
		Needs: Needs{Publisher: r.Publisher(streams), Log: natstest.Log(), Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"}},
		cfg:   Config{Prefix: natstest.Prefix, Apps: []chats.App{{Name: "main", ID: "app-1"}}},
	})
	of := journal.Identity{Command: "service.iceservers", ID: "an id", Result: "result-id", Correlation: "correlation"}
	for size, private := range map[int]bool{1 << 10: true, 2 << 20: false} {
		secret, err := schema.JSON(map[string]string{"credential": strings.Repeat("s3cret", size/6)})
		r.Check(err)
		built, err := c.build(r.Ctx, of, outcome{Outcome: journal.Outcome{Result: secret}}, schema.FormPlain)
		if private != (err == nil) || !private && !errors.Is(err, bus.ErrTooLarge) {
			t.Errorf("of %d bytes: %v", size, err)
		}
		if bytes.Contains(built.event.Data, []byte("s3cret")) || bytes.Contains(built.reply.Data, []byte("s3cret")) != private {
			t.Errorf("of %d bytes the event has %d and the reply %d", size, len(built.event.Data), len(built.reply.Data))
		}
	}
	if objects, err := streams.Files.List(r.Ctx); len(objects) != 0 {
		t.Errorf("in the object store are %v, %v", objects, err)
	}
}
