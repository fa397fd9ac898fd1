package command

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

var (
	sentIdentity = journal.Identity{Command: "chat.send", ID: "an id", Result: "result-id", Correlation: "correlation", ChatID: "chat-1"}
	sentOutcome  = outcome{Outcome: journal.Outcome{
		At: golden.Time(4), ChatID: "chat-1", App: "app-2", Result: []byte(`{"messageId":"chat-1:0"}`), Request: []byte(`{"chatId":"chat-1","text":"x"}`),
	}}
)

func newPublishing(t testing.TB, mode schema.Mode) (*Commands, *natstest.Rig) {
	t.Helper()
	r := natstest.New(t)
	streams := r.Streams(func(c *bus.Config) { c.Mode = mode })
	return withTeller(&Commands{
		Needs: Needs{
			Publisher: r.Publisher(streams), Streams: streams, Log: natstest.Log(),
			Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"},
		},
		cfg: Config{Prefix: natstest.Prefix, Apps: []chats.App{{Name: "main", ID: "app-1"}, {Name: "other", ID: "app-2"}}},
	}), r
}

// What a result event tells is the outcome that it was written for.
func TestOutcomeIsReadFromItsEvent(t *testing.T) {
	t.Parallel()
	failure := sentOutcome
	failure.Result, failure.Error = nil, goldenError
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		c, r := newPublishing(t, mode)
		for name, o := range map[string]outcome{"a success": sentOutcome, "a failure": failure} {
			of := sentIdentity
			of.Result += name
			written, err := c.build(r.Ctx, of, o, "")
			r.Check(err)
			_, err = c.publish(r.Ctx, written)
			r.Check(err)
			found, err := c.lookFor(r.Ctx, of, written.event.Subject, 0)
			r.Check(err)
			if found.Message == nil {
				t.Fatalf("%s is not found", name)
			}
			told, isThere := c.compare(result{of: of}, found.Message)
			if !isThere || told == nil {
				t.Fatalf("%s is not read", name)
			}
			want := o.Outcome
			want.From = found.Message.Sequence - 1 // whoever looks for it from there on finds it
			golden.Same(t, told.Outcome, want, nil)
			if told, isThere := c.compare(written, found.Message); !isThere || told != nil {
				t.Errorf("%s is not known as what was published: %+v", name, told)
			}
		}
	}
}

// Who publishes another outcome of the command is told of the one that is there.
// Who publishes under an id that somebody has taken gets another one, by which it is
// found.
func TestWhatStandsThereDecides(t *testing.T) {
	t.Parallel()
	c, r := newPublishing(t, schema.Structured)
	later := sentOutcome
	later.At, later.Result, later.Error = golden.Time(5), nil, died()
	for _, o := range []outcome{sentOutcome, later} {
		written, err := c.build(r.Ctx, sentIdentity, o, "")
		r.Check(err)
		instead, err := c.publish(r.Ctx, written)
		r.Check(err)
		if (instead != nil) != o.At.Equal(later.At) || instead != nil && instead.Error != nil {
			t.Errorf("told is %+v", instead)
		}
	}
	other := sentIdentity
	other.Result = "taken"
	_, err := r.JS.Publish(r.Ctx, "cc.chat.chat-1.result.chat.send", []byte(`{}`), jetstream.WithMsgID("result:taken"))
	r.Check(err)
	written, err := c.build(r.Ctx, other, sentOutcome, "")
	r.Check(err)
	if instead, err := c.publish(r.Ctx, written); err != nil || instead != nil {
		t.Errorf("told is %+v, %v", instead, err)
	}
	found, err := c.lookFor(r.Ctx, other, written.event.Subject, 0)
	if err != nil || found.Message == nil || found.Message.Header.Get(nats.MsgIdHdr) == "result:taken" {
		t.Errorf("found is %+v, %v", found.Message, err)
	}
}

// FuzzOutcomeOfAnEvent: whatever stands under a result's subject, it is the
// command's own or none.
func FuzzOutcomeOfAnEvent(f *testing.F) {
	c, r := newPublishing(f, schema.Structured)
	written, err := c.build(r.Ctx, sentIdentity, sentOutcome, "")
	r.Check(err)
	f.Add(written.event.Subject, string(written.event.Data))
	f.Add("cc.result.chat.send", `{"specversion":"1.0","id":"result-id","source":"/","type":"com.brightpattern.chat.result.send.v1","causationid":"an id"}`)
	f.Add("cc.chat.x.result.chat.send", `{}`)
	r.NC.Close()
	r.Server.Shutdown()
	f.Fuzz(func(t *testing.T, subject, data string) {
		stored := &bus.Stored{Subject: subject, Header: written.event.Header, Data: []byte(data)}
		told, isThere := c.compare(result{of: sentIdentity}, stored)
		if told != nil && !isThere {
			t.Error("an outcome is told by what is none")
		}
		if e, _, err := schema.Decode(stored.Header, stored.Data); isThere && (err != nil || schema.Extension(e, schema.AttrCausationID) != sentIdentity.ID) {
			t.Errorf("%s on %s is taken for the command's result", data, subject)
		}
	})
}
