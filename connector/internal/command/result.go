package command

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// result is a command's outcome as it travels: the CloudEvent that is
// published, and, where that must not show everything, another one for the
// sender alone. A large one is in the object store.
type result struct {
	event *nats.Msg
	reply *nats.Msg // the same but for its subject, if the event may show everything
	id    string
}

// build writes the outcome of a command as CloudEvents.
func (c *Commands) build(ctx context.Context, of journal.Identity, o outcome) (r result, err error) {
	r.id = "result:" + of.Result
	if r.reply, err = c.cloudEvent(ctx, of, o, o.Result); err != nil {
		return r, err
	}
	r.event = &nats.Msg{Subject: c.resultSubject(of, o), Header: maps.Clone(r.reply.Header), Data: r.reply.Data}
	if o.public == nil || o.Error != nil {
		return r, nil
	}
	open, err := c.cloudEvent(ctx, of, o, o.public)
	if err == nil {
		r.event.Header, r.event.Data = open.Header, open.Data
	}
	return r, err
}

func (c *Commands) resultSubject(of journal.Identity, o outcome) string {
	key, _ := chats.KeyOf(o.ChatID) // none: the zero key
	return c.cfg.Prefix.Result(key.Token, of.Command)
}

// cloudEvent is the outcome with a result, nil if it has none.
func (c *Commands) cloudEvent(ctx context.Context, of journal.Identity, o outcome, value json.RawMessage) (*nats.Msg, error) {
	data := schema.Result{Command: string(of.Command), ChatID: string(o.ChatID), Status: schema.StatusOK, Result: value}
	if data.ChatID == "" {
		data.ChatID = string(of.ChatID)
	}
	if o.Error != nil {
		data.Status, data.Error, data.Result = schema.StatusError, o.Error, nil
	}
	app := o.App
	if app == "" {
		app = c.cfg.Apps[0].ID
	}
	key, _ := chats.KeyOf(o.ChatID)
	e := translate.NewCloudEvent(of.Result, c.Naming.CommandsSource(app),
		schema.ResultType(of.Command.Noun(), of.Command.Verb()),
		schema.DataSchema(c.Naming.SchemaBase, "result", string(of.Command)), key.Token)
	e.SetTime(o.At)
	e.SetExtension(schema.AttrCorrelationID, of.Correlation)
	e.SetExtension(schema.AttrCausationID, of.ID)
	translate.SetIfAny(&e, schema.AttrTraceParent, of.TraceParent)
	translate.SetIfAny(&e, schema.AttrTraceState, of.TraceState)
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return nil, err
	}
	return c.Publisher.Message(ctx, e)
}

// publish has the stream of events take the result.
func (c *Commands) publish(ctx context.Context, r result) error {
	_, err := c.Publisher.Store(ctx, r.event, r.id)
	c.Failpoints.Reach(failpoint.ResultPublished)
	return err
}

// publishOnce publishes a recorded result that may have been published before,
// however long ago. A repeat is harmless as long as the stream knows its id;
// after that, the result is looked for.
func (c *Commands) publishOnce(ctx context.Context, r result, o outcome, mayBeThere bool) error {
	known := c.Streams.Events.CachedInfo().Config.Duplicates / 2
	for {
		if mayBeThere || time.Since(o.At) > known {
			there, err := bus.IsPublished(ctx, c.Log, c.Streams.Events, r.event.Subject, r.id, o.From)
			if err != nil || there {
				return err
			}
		}
		try, cancel := context.WithTimeout(ctx, known)
		err := c.publish(try, r)
		tooLate := try.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !tooLate {
			return err
		}
		mayBeThere = true
	}
}

// publishRecorded is publishOnce for an outcome that the journal has. One that
// is too large for what the stream takes by now is built anew for that.
func (c *Commands) publishRecorded(ctx context.Context, of journal.Identity, o outcome, mayBeThere bool) (err error) {
	for range 2 {
		var r result
		if r, err = c.build(ctx, of, o); err != nil {
			return err
		}
		if err = c.publishOnce(ctx, r, o, mayBeThere); !bus.IsRefused(err) {
			return err
		}
	}
	return err
}

// oneLine makes foreign text fit for a NATS header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
