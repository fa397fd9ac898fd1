package command

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

var goldenError = &schema.Error{
	Code: schema.CodeUnavailable, Message: "the contact center is away", WireCode: "5001", HTTPStatus: 503,
	Retryable: true, Outcome: schema.OutcomeUnknown,
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	c := withTeller(&Commands{
		Needs: Needs{
			Publisher: r.Publisher(r.Streams()), Log: natstest.Log(),
			Naming: translate.Naming{Prefix: natstest.Prefix, Tenant: "acme.example", SchemaBase: "cc-connector:/schemas"},
		},
		cfg: Config{Prefix: natstest.Prefix, Apps: []chats.App{{Name: "main", ID: "app-1"}}},
	})
	tap := r.Tap()
	tap.During("a result", func() {
		of := journal.Identity{Command: "service.version", ID: "an id", Result: "result-id", Correlation: "correlation"}
		result, err := c.build(r.Ctx, of, outcome{Outcome: journal.Outcome{At: golden.Time(4), Error: goldenError}}, "")
		r.Check(err)
		_, err = c.publish(r.Ctx, result)
		r.Check(err)
	})
	d := &durable{
		commands: c, cmd: &command{Identity: journal.Identity{ID: "an id\n"}, record: &journal.Record{Attempts: 3}}, since: golden.Time(1),
		subject: natstest.Prefix.Durable("chat.send", "chat=3A=C3=BC=2F1"),
		raw:     arrival{header: nats.Header{"X-Own": {"kept"}, jetstream.MsgIDHeader: {"not told again"}}, data: []byte(`{"text":"hello"}`)},
	}
	tap.During("a dead letter", func() {
		_, err := r.JS.PublishMsg(r.Ctx, d.deadLetter(goldenError))
		r.Check(err)
	})
	golden.Lines(t, "messages.txt", tap.Lines())
}

// The outbox of an earlier version has these.
func TestGoldenOwedOutcome(t *testing.T) {
	if OwedOutcome != "command" {
		t.Errorf("an owed outcome is now of the kind %s", OwedOutcome)
	}
}
