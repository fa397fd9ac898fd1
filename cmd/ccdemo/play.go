package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// lines are what the customer answers to the agent's messages, in turn.
var lines = []string{
	"Good morning! My parcel came with a broken cup.",
	"Yes, it is 4711 on both.",
}

const (
	replyTime = 5 * time.Second // then the command is repeated
	pause     = time.Second     // before a repeat where nobody is there
)

// bus is what a back end has of the connector: commands go out on the one
// side, events come in on the other.
type bus struct {
	commands *nats.Conn
	listen   func(context.Context) (listening, error)
	prefix   subjects.Prefix
	script   string // that the simulated agent is to follow; empty: it knows by itself
}

// customer is a back end as a user would write it: it reacts to events and
// publishes commands, and knows nothing of the contact center.
type customer struct {
	bus
	printer *printer
	chat    string
	said    int
}

// play requests a chat and follows it until its session is closed.
func play(ctx context.Context, b bus, p *printer) (tally, error) {
	me := &customer{bus: b, printer: p}
	events, err := b.listen(ctx) // first: what others listen to as well is told once
	if err != nil {
		return tally{}, err
	}
	defer events.stop()
	if err := me.requestChat(ctx); err != nil {
		return tally{}, err
	}
	told := tally{chat: me.chat}
	token, err := subjects.EscapeChat(me.chat)
	if err != nil {
		return told, err
	}
	turns := inOrder{next: 1}
	for {
		msg, err := events.next(ctx)
		if err != nil {
			return told, err
		}
		if parsed, err := b.prefix.Parse(msg.Subject); err != nil || parsed.Chat != token {
			continue
		}
		closed, err := me.hear(ctx, msg, &turns, &told)
		if err != nil || closed {
			return told, err
		}
	}
}

func (c *customer) requestChat(ctx context.Context) error {
	c.printer.command("chat.request", "from Ada")
	parameters := map[string]string{"topic": "parcel"}
	if c.script != "" {
		parameters[scriptParameter] = c.script
	}
	result, err := c.command(ctx, "chat.request", schema.ChatRequest{From: "Ada", Parameters: parameters})
	if err != nil {
		return err
	}
	c.chat = result.ChatID
	return nil
}

// hear takes one message, and what has its turn with it; closed says that the chat is over.
func (c *customer) hear(ctx context.Context, msg *nats.Msg, turns *inOrder, told *tally) (closed bool, err error) {
	ce, _, err := schema.Decode(msg.Header, msg.Data)
	if err != nil {
		return false, fmt.Errorf("%s: %w", msg.Subject, err)
	}
	for _, t := range turns.take(turn{msg.Subject, ce}) {
		c.printer.event(t.subject, t.ce)
		if err := told.add(t.ce); err != nil {
			return false, err
		}
		if closed, err = c.react(ctx, t.ce); err != nil || closed {
			return closed, err
		}
	}
	return false, nil
}

// react does what the customer does about an event; closed says that the chat is over.
func (c *customer) react(ctx context.Context, ce event.Event) (closed bool, err error) {
	if session, err := schema.DecodeSession(ce); err == nil {
		_, closed = session.(*schema.SessionClosed)
		return closed, nil
	}
	received, err := schema.DecodeEvent(ce)
	if err != nil {
		return false, nil // a result: the reply has told it
	}
	switch e := received.(type) {
	case *schema.Message:
		return false, c.answer(ctx, e)
	case *schema.FormShow:
		return false, c.fillIn(ctx, e)
	}
	return false, nil
}

// answer says the customer's next line.
func (c *customer) answer(ctx context.Context, e *schema.Message) error {
	if c.said == len(lines) || e.PartyID == c.chat {
		return nil
	}
	line := lines[c.said]
	c.said++
	c.printer.command("chat.send", line)
	_, err := c.command(ctx, "chat.send", schema.ChatSend{ChatID: c.chat, Text: line})
	return err
}

func (c *customer) fillIn(ctx context.Context, e *schema.FormShow) error {
	c.printer.command("chat.form", e.FormName)
	_, err := c.command(ctx, "chat.form", schema.ChatForm{
		ChatID: c.chat, FormRequestID: e.FormRequestID, FormName: e.FormName, Data: json.RawMessage(`{"phone":"555-0100"}`),
	})
	return err
}

// command runs a live command and fails if it does. One that was not done for
// the moment is given once more, as another one: the same would get the same answer.
func (c *customer) command(ctx context.Context, name subjects.Command, data any) (*schema.Result, error) {
	for {
		msg, err := commandMessage(c.prefix.Live(name), name, data)
		if err != nil {
			return nil, err
		}
		result, err := c.insist(ctx, name, msg)
		if !mayPass(err) || ctx.Err() != nil {
			return result, err
		}
		c.printer.repeat(name, err)
		rest(ctx)
	}
}

// mayPass tells a refusal that another try may not meet.
func mayPass(err error) bool {
	var refusal *schema.Error
	return errors.As(err, &refusal) && refusal.Retryable && refusal.Outcome == schema.OutcomeNotDone
}

// insist publishes a command that is not answered again, under the same id: a
// repeat is harmless.
func (c *customer) insist(ctx context.Context, name subjects.Command, msg *nats.Msg) (*schema.Result, error) {
	var why error // before the time was over, which says less
	for {
		reply, err := c.ask(ctx, msg)
		switch {
		case err == nil:
			return readResult(name, reply)
		case ctx.Err() != nil:
			return nil, fmt.Errorf("%s: %w", name, cmp.Or(why, err))
		case !unanswered(err):
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.printer.repeat(name, err)
		why = err
	}
}

// unanswered tells whether another try may be answered: a connector has died
// or not yet come, or NATS restarts.
func unanswered(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || atOnce(err)
}

func atOnce(err error) bool {
	return errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrReconnectBufExceeded)
}

// commandMessage is a command as a CloudEvent.
func commandMessage(subject string, name subjects.Command, data any) (*nats.Msg, error) {
	e := event.New()
	e.SetID(uuid.NewString())
	e.SetSource("urn:ccdemo")
	e.SetType(schema.CommandType(name.Noun(), name.Verb()))
	if err := e.SetData(event.ApplicationJSON, data); err != nil {
		return nil, err
	}
	msg, err := schema.Encode(e, schema.Structured)
	if err != nil {
		return nil, err
	}
	msg.Subject = subject
	return msg, nil
}

// ask publishes the command and waits for the reply. Where it is told at once
// that there will be none, it pauses.
func (c *customer) ask(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
	try, cancel := context.WithTimeout(ctx, replyTime)
	defer cancel()
	reply, err := c.commands.RequestMsgWithContext(try, msg)
	if atOnce(err) {
		rest(ctx)
	}
	return reply, err
}

func rest(ctx context.Context) {
	select {
	case <-time.After(pause):
	case <-ctx.Done():
	}
}

func readResult(name subjects.Command, reply *nats.Msg) (*schema.Result, error) {
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	result, err := schema.DecodeResult(ce)
	if err == nil && result.Status != schema.StatusOK {
		err = result.Error
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return result, nil
}

// watch invites others to join, and prints what they do until ctx ends. A reader
// that NATS has left is made anew.
func watch(ctx context.Context, s *stage, p *printer) error {
	events, err := s.listen(ctx, jetstream.DeliverNewPolicy)
	if err != nil {
		return err
	}
	p.invite(s)
	for ctx.Err() == nil {
		if err == nil {
			show(ctx, events, p)
			events.stop()
		}
		if ctx.Err() == nil {
			rest(ctx)
		}
		events, err = s.listen(ctx, jetstream.DeliverNewPolicy)
	}
	if err == nil {
		events.stop()
	}
	return nil
}

// show prints what comes, until nothing can come.
func show(ctx context.Context, events listening, p *printer) {
	for {
		msg, err := events.next(ctx)
		if err != nil {
			return
		}
		if ce, _, err := schema.Decode(msg.Header, msg.Data); err == nil {
			p.event(msg.Subject, ce)
		}
	}
}
