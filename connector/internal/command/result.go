package command

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// result is a command's outcome as it travels: the CloudEvent that is
// published, and the one that the sender gets, in the form of the request. That
// is the same where everybody may read everything. A large one is in the object
// store, but for what is the sender's alone.
type result struct {
	event *nats.Msg
	reply *nats.Msg // nil: nobody waits for one
	id    string
	of    journal.Identity // its command's
	at    time.Time        // when that ended
}

// unwritten says why a result cannot be told. What was done stays done.
func unwritten(command subjects.Command, err error) *schema.Error {
	if errors.Is(err, bus.ErrTooLarge) {
		return refuse(schema.CodeUnexpectedResponse, "the contact center's answer is too large for the bus, and as it holds secrets it is kept nowhere else")
	}
	failure := unavailable("the result is too large for the bus, and could not be kept beside it: try again later")
	if !isRead(command) {
		failure.Outcome = schema.OutcomeUnknown
	}
	return failure
}

func isRead(command subjects.Command) bool {
	spec, known := schema.LookupCommand(string(command))
	return known && spec.Read
}

// buildPatience is how long what is too large for the bus may take to be kept
// beside it. Who builds a result tries again, or says that it failed.
const buildPatience = 5 * time.Second

// build writes the outcome of a command as a CloudEvent, and as the reply to a
// request of a form, if there is any.
func (c *teller) build(ctx context.Context, of journal.Identity, o outcome, form schema.Form) (r result, err error) {
	ctx, cancel := context.WithTimeout(ctx, buildPatience)
	defer cancel()
	r = result{id: "result:" + of.Result, of: of, at: o.At}
	public, rest := c.public(of.Command, o)
	e, err := c.cloudEvent(of, o, public)
	if err == nil {
		r.event, r.reply, err = c.messages(ctx, of.Command, e, form)
	}
	if err != nil {
		return r, err
	}
	r.event.Subject = c.resultSubject(of, o)
	if o.Error != nil || r.reply == nil {
		return r, nil
	}
	return r, c.tellRest(ctx, &r, of, o, form.Mode(), rest)
}

// rest is what becomes of a result that its event does not tell.
type rest int

const (
	noRest     rest = iota // the event tells all of it
	secretRest             // it is the sender's alone
	commonRest             // it is the same for everybody, who may ask for it
)

func (c *teller) tellRest(ctx context.Context, r *result, of journal.Identity, o outcome, mode schema.Mode, kind rest) error {
	switch kind {
	case secretRest:
		return c.tellSenderAlone(r, of, o, mode)
	case commonRest:
		return c.tellSenderAll(ctx, r, of, o, mode)
	}
	return nil
}

// tellSenderAll has the reply tell what the event leaves out, by way of the
// object store if it is too large for the bus. It is the same for all who ask.
func (c *teller) tellSenderAll(ctx context.Context, r *result, of journal.Identity, o outcome, mode schema.Mode) error {
	e, err := c.cloudEvent(of, o, o.Result)
	if err != nil {
		return err
	}
	r.reply, err = c.publisher.TryCommonMessage(ctx, e, mode)
	return err
}

// messages are the event and the reply as they travel, if what is too large for
// the bus can be kept beside it.
func (c *teller) messages(ctx context.Context, command subjects.Command, e event.Event, form schema.Form) (published, reply *nats.Msg, err error) {
	try := c.publisher.TryMessage
	if isRead(command) {
		try = c.publisher.TryReadMessage
	}
	all, err := try(ctx, e, c.others(form)...)
	if err != nil {
		return nil, nil, err
	}
	published, reply = split(all, form)
	return published, reply, nil
}

// others are the modes in which a message is needed beside the stream's.
func (c *teller) others(form schema.Form) []schema.Mode {
	if form == "" || form.Mode() == c.publisher.Mode() {
		return nil
	}
	return []schema.Mode{form.Mode()}
}

// split takes apart what is published and what is replied, if anything is.
func split(all []*nats.Msg, form schema.Form) (published, reply *nats.Msg) {
	if form == "" {
		return all[0], nil
	}
	last := all[len(all)-1]
	return all[0], &nats.Msg{Header: maps.Clone(last.Header), Data: last.Data}
}

// tellSenderAlone has the reply tell what the event hides. That never lies in
// the object store, where others read: if it is too large for the bus even
// without the request, the sender gets what everybody gets, and a read fails.
func (c *teller) tellSenderAlone(r *result, of journal.Identity, o outcome, mode schema.Mode) error {
	whole, err := c.whole(of, o, mode)
	if errors.Is(err, bus.ErrTooLarge) && o.Request != nil {
		o.Request = nil
		whole, err = c.whole(of, o, mode)
	}
	switch {
	case err == nil:
		r.reply = whole
	case errors.Is(err, bus.ErrTooLarge) && !isRead(of.Command):
		c.logOf(of).Warn("a reply is too large for the bus: what is for its sender alone is left out")
		err = nil
	}
	return err
}

// whole is the outcome with all that it holds.
func (c *teller) whole(of journal.Identity, o outcome, mode schema.Mode) (*nats.Msg, error) {
	e, err := c.cloudEvent(of, o, o.Result)
	if err != nil {
		return nil, err
	}
	return c.publisher.Whole(e, mode)
}

// public is the result of a command as its event tells it, and what becomes of
// the rest.
func (c *teller) public(name subjects.Command, o outcome) (json.RawMessage, rest) {
	switch name {
	case "service.iceservers": // they have credentials
		return json.RawMessage(`{}`), secretRest
	case "chat.request", "chat.active":
		return c.withoutClient(o.Result), secretRest
	case "service.schemas":
		return o.open, commonRest
	}
	return o.Result, noRest
}

// tellsAll tells whether the events of a command's results tell all of them.
func (c *teller) tellsAll(name subjects.Command) bool {
	_, kind := c.public(name, outcome{})
	return kind == noRest
}

// withoutClient puts the client's reference in its place, which results on
// record of an earlier version lack.
func (c *teller) withoutClient(whole json.RawMessage) json.RawMessage {
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
		members["clientRef"], _ = schema.JSON(c.clients.Ref(client.ID)) // a string
	}
	open, err := schema.JSON(members)
	if err != nil {
		return json.RawMessage(`{}`)
	}
	return open
}

func (c *teller) resultSubject(of journal.Identity, o outcome) string {
	key, _ := chats.KeyOf(o.ChatID) // none: the zero key
	return c.prefix.Result(key.Token, of.Command)
}

// cloudEvent is the outcome with a result, nil if it has none.
func (c *teller) cloudEvent(of journal.Identity, o outcome, value json.RawMessage) (event.Event, error) {
	data := schema.Result{Command: string(of.Command), ChatID: string(o.ChatID), Status: schema.StatusOK, Request: o.Request, Result: value}
	if c.withoutRequests { // another replica may have recorded it
		data.Request = nil
	}
	if data.ChatID == "" {
		data.ChatID = string(of.ChatID)
	}
	if o.Error != nil {
		data.Status, data.Error, data.Result = schema.StatusError, o.Error, nil
	}
	app := o.App
	if app == "" {
		app = c.apps[0].ID
	}
	key, _ := chats.KeyOf(o.ChatID)
	e := translate.NewCloudEvent(of.Result, c.naming.CommandsSource(app),
		schema.ResultType(of.Command.Noun(), of.Command.Verb()),
		schema.DataSchema(c.naming.SchemaBase, "result", string(of.Command)), key.Token)
	e.SetTime(o.At)
	e.SetExtension(schema.AttrCorrelationID, of.Correlation)
	e.SetExtension(schema.AttrCausationID, of.ID)
	translate.SetIfAny(&e, schema.AttrTraceParent, of.TraceParent)
	translate.SetIfAny(&e, schema.AttrTraceState, of.TraceState)
	return e, schema.SetData(&e, data)
}
