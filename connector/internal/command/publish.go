package command

import (
	"context"
	"errors"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// How the event of a result gets into the stream once. Whoever publishes there
// finds by the stream's own word, or by a look, what stands there under the
// result's id. Where that is another outcome of the same command, it is the one
// that everybody has read, and decides (together.go).

// publish has the stream of events take the result. It returns the outcome that
// stands there in its place, if there is one.
func (c *teller) publish(ctx context.Context, r result) (instead *outcome, err error) {
	ctx = c.traces.Within(ctx, r.of.Place, r.of.TraceParent, r.of.TraceState)
	ctx, span := c.traces.Publish(ctx, r.event.Subject)
	instead, err = c.store(ctx, r)
	span.Published(err)
	return instead, err
}

func (c *teller) store(ctx context.Context, r result) (instead *outcome, err error) {
	ack, err := c.publisher.Store(ctx, r.event, r.id)
	if err == nil && ack.Duplicate {
		instead, err = c.readRepeated(ctx, r, ack.Sequence)
	}
	c.failpoints.Reach(failpoint.ResultPublished)
	return instead, err
}

// readRepeated looks at what the stream takes the result for a repeat of. That has
// to be one: the id of a result is no secret.
func (c *teller) readRepeated(ctx context.Context, r result, there uint64) (instead *outcome, err error) {
	stored, err := bus.Ask(ctx, c.log, "looking at what is published under a result's id", func(ctx context.Context) (*bus.Stored, error) {
		return c.streams.Events.At(ctx, there)
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) { // the stream's limits have taken it
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	instead, isThere := c.compare(r, stored)
	if !isThere {
		err = c.publishApart(ctx, r)
	}
	return instead, err
}

// compare tells whether a message is a result of the command, and if it tells
// another outcome, that.
func (c *teller) compare(r result, stored *bus.Stored) (instead *outcome, isThere bool) {
	e, is := c.resultIn(r.of, stored)
	if !is {
		return nil, false
	}
	if e.Time().Equal(r.at) {
		return nil, true
	}
	return c.outcomeIn(r.of, stored, e)
}

// resultIn is the message as an event that tells of the command, if it is one. The
// id of one that is published apart is made of the rest.
func (c *teller) resultIn(of journal.Identity, stored *bus.Stored) (e event.Event, is bool) {
	e, _, err := schema.Decode(stored.Header, stored.Data)
	if err != nil || e.Context == nil {
		return e, false
	}
	subject, err := c.prefix.Parse(stored.Subject)
	return e, err == nil && subject.Kind == subjects.KindResult && subject.Command == of.Command &&
		e.Type() == schema.ResultType(of.Command.Noun(), of.Command.Verb()) && schema.Extension(e, schema.AttrCausationID) == of.ID &&
		(e.ID() == of.Result || e.ID() == apartID(of, e.Time()))
}

// outcomeIn is what such an event tells, if it tells all of the outcome.
func (c *teller) outcomeIn(of journal.Identity, stored *bus.Stored, e event.Event) (*outcome, bool) {
	told, err := schema.DecodeResult(e)
	if err != nil || !c.tellsAll(of.Command) || schema.Extension(e, schema.AttrDataRef) != "" {
		return nil, false
	}
	o := journal.Outcome{At: e.Time(), Result: told.Result, Error: told.Error, Request: told.Request, From: stored.Sequence - 1}
	if subject, _ := c.prefix.Parse(stored.Subject); subject.Chat != "" {
		o.ChatID = brightpattern.ChatID(subject.Chat.ID())
	}
	for _, app := range c.apps {
		if c.naming.CommandsSource(app.ID) == e.Source() {
			o.App = app.ID
		}
	}
	return &outcome{Outcome: o}, true
}

// publishApart publishes a result under another id, made of its own: what the
// stream has under its id is something else.
func (c *teller) publishApart(ctx context.Context, r result) error {
	c.logOf(r.of).Warn("something else is published under the id of a result, which gets another one", "subject", r.event.Subject)
	e, _, err := schema.Decode(r.event.Header, r.event.Data)
	if err != nil {
		return err
	}
	e.SetID(apartID(r.of, e.Time()))
	msg, err := c.publisher.Message(ctx, e)
	if err != nil {
		return err
	}
	msg.Subject = r.event.Subject
	_, err = c.publisher.Store(ctx, msg, "result:"+e.ID())
	return err
}

func apartID(of journal.Identity, at time.Time) string {
	return translate.ID("result apart", of.Result, of.ID, at.String())
}

// neverLooked is when a result was not there that may have been published before,
// however long ago.
var neverLooked time.Time

// publishOnce publishes a recorded result that was not there at a moment. A repeat
// is harmless as long as the stream knows its id; after that, it is looked for.
func (c *teller) publishOnce(ctx context.Context, r result, o outcome, absent time.Time) (instead *outcome, err error) {
	known := c.repeatsKnown()
	for {
		if time.Since(absent) > known {
			found, err := c.lookFor(ctx, r.of, r.event.Subject, o.From)
			if err != nil {
				return nil, err
			}
			if found.Message != nil {
				instead, _ = c.compare(r, found.Message)
				return instead, nil
			}
		}
		try, cancel := context.WithTimeout(ctx, known)
		instead, err = c.publish(try, r)
		tooLate := try.Err() != nil && ctx.Err() == nil
		cancel()
		if err == nil || !tooLate {
			return instead, err
		}
		absent = neverLooked
	}
}

// repeatsKnown is for how long the stream surely knows what it has stored.
func (c *teller) repeatsKnown() time.Duration {
	return c.streams.Events.CachedInfo().Config.Duplicates / 2
}

// lookFor looks in the stream of events for the result of a command.
func (c *teller) lookFor(ctx context.Context, of journal.Identity, subject string, behind uint64) (bus.Found, error) {
	if c.failpoints.LeavesOut(failpoint.EventDecides) {
		return bus.Found{}, nil
	}
	return bus.Look(ctx, c.log, c.streams.Events, subject, behind, c.isResultOf(of))
}

// lookIn is lookFor among what the stream had at a moment.
func (c *teller) lookIn(ctx context.Context, then bus.Reach, of journal.Identity, subject string, behind uint64) (bus.Found, error) {
	if c.failpoints.LeavesOut(failpoint.EventDecides) {
		return bus.Found{}, nil
	}
	return bus.LookIn(ctx, c.log, c.streams.Events, then, subject, behind, c.isResultOf(of))
}

func (c *teller) isResultOf(of journal.Identity) func(*bus.Stored) bool {
	return func(msg *bus.Stored) bool {
		_, is := c.resultIn(of, msg)
		return is
	}
}

// publishRecorded is publishOnce for an outcome that the journal has, and which is
// brought in line with what stands there instead. One that is too large for what
// the stream takes by now is built anew for that.
func (c *teller) publishRecorded(ctx context.Context, of journal.Identity, o outcome, absent time.Time) error {
	_, err := c.publishAgreed(ctx, of, o, absent)
	return err
}

// publishAgreed is publishRecorded, and returns the outcome that the event tells.
func (c *teller) publishAgreed(ctx context.Context, of journal.Identity, o outcome, absent time.Time) (outcome, error) {
	var instead *outcome
	var err error
	for range 2 {
		var r result
		if r, err = c.build(ctx, of, o, ""); err != nil {
			return o, err
		}
		if instead, err = c.publishOnce(ctx, r, o, absent); !bus.IsRefused(err) {
			break
		}
	}
	if instead != nil {
		return *instead, c.bringInLine(ctx, of, *instead)
	}
	return o, err
}
