package command

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// result is a command's outcome as it travels: the CloudEvent that is
// published, and, where that must not show everything, another one for the
// sender alone. A large one is in the object store, where everybody may read it.
type result struct {
	event *nats.Msg
	reply *nats.Msg // the same but for its subject, if the event may show everything
	id    string
}

// build writes the outcome of a command as CloudEvents.
func (c *Commands) build(ctx context.Context, of journal.Identity, o outcome) (result, error) {
	public, hides := c.public(of.Command, o.Result)
	e, err := c.cloudEvent(of, o, public)
	if err != nil {
		return result{}, err
	}
	open, err := c.Publisher.Message(ctx, e)
	if err != nil {
		return result{}, err
	}
	r := result{
		id: "result:" + of.Result, reply: open,
		event: &nats.Msg{Subject: c.resultSubject(of, o), Header: maps.Clone(open.Header), Data: open.Data},
	}
	if hides && o.Error == nil {
		r.reply, err = c.wholeReply(of, o, open)
	}
	return r, err
}

// wholeReply has what is for the sender alone, or else is the open one: what is
// too large for the bus may not lie where everybody reads.
func (c *Commands) wholeReply(of journal.Identity, o outcome, open *nats.Msg) (*nats.Msg, error) {
	e, err := c.cloudEvent(of, o, o.Result)
	if err != nil {
		return nil, err
	}
	whole, fits, err := c.Publisher.Fit(e)
	if err == nil && !fits {
		c.Log.Error("a reply is too large for the bus: what is for its sender alone is left out", "command", of.Command)
		return open, nil
	}
	return whole, err
}

// public is the result of a command as everybody may read it, and whether that
// hides something.
func (c *Commands) public(name subjects.Command, whole json.RawMessage) (open json.RawMessage, hides bool) {
	switch name {
	case "service.iceservers": // they have credentials
		return json.RawMessage(`{}`), true
	case "chat.request", "chat.active":
		return c.withoutClient(whole), true
	}
	return whole, false
}

// withoutClient puts the client's reference in its place, which results on
// record of an earlier version lack.
func (c *Commands) withoutClient(whole json.RawMessage) json.RawMessage {
	var members map[string]json.RawMessage
	var client struct {
		ID  brightpattern.ClientID `json:"clientId"`
		Ref clients.Ref            `json:"clientRef"`
	}
	if json.Unmarshal(whole, &members) != nil || json.Unmarshal(whole, &client) != nil {
		return json.RawMessage(`{}`)
	}
	maps.DeleteFunc(members, func(name string, _ json.RawMessage) bool { return strings.EqualFold(name, "clientId") })
	if client.Ref == "" && client.ID != "" {
		members["clientRef"], _ = json.Marshal(c.Clients.Ref(client.ID)) // a string
	}
	open, err := json.Marshal(members)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return open
}

func (c *Commands) resultSubject(of journal.Identity, o outcome) string {
	key, _ := chats.KeyOf(o.ChatID) // none: the zero key
	return c.cfg.Prefix.Result(key.Token, of.Command)
}

// cloudEvent is the outcome with a result, nil if it has none.
func (c *Commands) cloudEvent(of journal.Identity, o outcome, value json.RawMessage) (event.Event, error) {
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
	return e, e.SetData(event.ApplicationJSON, data)
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

// publishRecorded is publishOnce for an outcome that the journal has.
func (c *Commands) publishRecorded(ctx context.Context, of journal.Identity, o outcome, mayBeThere bool) error {
	r, err := c.build(ctx, of, o)
	if err != nil {
		return err
	}
	return c.publishOnce(ctx, r, o, mayBeThere)
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
