package command

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/tracing"
	"cc-connector/schema"
)

// # The last resort
//
// A durable command holds up the later ones of its chat until it is
// acknowledged, so none may stay for ever. One that the journal or the stream
// of dead letters will never take, for its size or for how they are set, and
// one whose time is long over while they cannot be reached, is acknowledged all
// the same, and its result says so. Who finds no room, or no stream, in its
// time waits for the operator first; and an outcome that is recorded waits for
// the stream of events, which is never given up.

// goOn takes the command further, but does not let it go round for ever.
func (d *durable) goOn(ctx context.Context) (next, error) {
	if d.ignored != "" {
		d.commands.Guard.Ignore(d.ignored, d.subject)
		return finished, nil
	}
	ctx, span := d.commands.trace(ctx, d.cmd, tracing.Durable, time.Now())
	defer span.End()
	n, err := d.goOnInTime(ctx)
	if !n.done {
		span.PutOff()
	}
	return n, err
}

func (d *durable) goOnInTime(ctx context.Context) (next, error) {
	limited, cancel := context.WithDeadline(ctx, latest(d.lastly(), time.Now().Add(d.runsMost())))
	defer cancel()
	n, err := d.advance(limited)
	switch now := time.Now(); {
	case err == nil, ctx.Err() != nil, errors.Is(err, journal.ErrOvertaken):
	case d.isBeyondHelp(err, now):
		return d.drop(ctx, err)
	case d.isPast(now):
		d.commands.outcry.Note(d.log(), "a durable command cannot be given up yet", err)
		return next{after: retryPause(givingUpPause, nil)}, nil
	}
	return n, err
}

// givingUpPause is as if the contact center had failed so often.
const givingUpPause = 3

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// runsMost is longer than a run takes that nothing holds up: with a look into
// the history, a call, and what is written down.
func (d *durable) runsMost() time.Duration {
	look := d.commands.cfg.CallTimeout
	return look + timeFor(d.cmd.spec, look) + startWithin + bus.AnswerPatience
}

// lastly is until when an operator has time to mend what keeps a command from
// being given up in order.
func (d *durable) lastly() time.Time { return d.deadline().Add(d.commands.cfg.CommandMaxAge) }

// isBeyondHelp tells whether the failure of a run will not pass in time.
func (d *durable) isBeyondHelp(err error, now time.Time) bool {
	passes := bus.IsOutage(err) || bus.IsConflict(err)
	switch {
	case d.decided: // the stream of events is waited for, and for who has it refuse a result, for so long
		return bus.IsRefused(err) && !now.Before(d.lastly())
	case bus.IsRefused(err):
		return true
	case passes && now.Before(d.lastly()):
		return false
	}
	return d.isPast(now)
}

// drop tells the outcome of a command that could not be settled in order, and
// leaves only the acknowledgement. A repeat's is another message's to tell.
func (d *durable) drop(ctx context.Context, cause error) (next, error) {
	c, r := d.commands, d.cmd.record
	d.log().Error("a durable command can neither be run nor given up in order: it is removed, and its result says so", "error", cause)
	if r != nil && r.Message != d.sequence {
		c.Metrics.Durable.Repeated(d.cmd.spec.Name)
		return finished, nil
	}
	before := d.place()
	o, err := d.recordDropped(ctx, failed(d.unsettled()))
	if errors.Is(err, journal.ErrOvertaken) {
		return next{}, err
	}
	if d.place() != before { // else it is counted by whoever has recorded it
		d.count(o)
	}
	isOnRecord := err == nil && r != nil
	err = c.publishRecorded(ctx, d.cmd.Identity, o, o.At)
	if bus.IsRefused(err) {
		d.log().Error("the result of a durable command cannot be published", "error", err)
		err = nil
	}
	if err == nil && !isOnRecord { // nothing shows that it was counted, so not before it goes
		d.count(o)
	}
	return finished, err
}

// place is where the command's record stands in the journal; 0 if it does not.
func (d *durable) place() uint64 {
	if d.cmd.record == nil {
		return 0
	}
	return d.cmd.record.Sequence()
}

// recordDropped has the journal know the outcome, if it can.
func (d *durable) recordDropped(ctx context.Context, o outcome) (outcome, error) {
	if d.decided && d.cmd.record.Done != nil {
		return outcome{Outcome: *d.cmd.record.Done}, nil
	}
	if d.cmd.record == nil {
		o = d.commands.about(ctx, d.cmd, o)
		o.At = d.deadline().UTC() // the same in each run, so that a repeat is known
		o.From = d.commands.Publisher.Position()
		return o, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.commands.cfg.CallTimeout)
	defer cancel()
	return d.commands.conclude(ctx, d.cmd, o)
}

// unsettled is what can be said of a command that is dropped.
func (d *durable) unsettled() *schema.Error {
	if d.refused != nil {
		return d.refused
	}
	failure := &schema.Error{
		Code: schema.CodeInternal, Message: "the connector could neither run the command nor give it up in order: JetStream does not keep what it has to write down",
		Retryable: true, Outcome: schema.OutcomeNotDone,
	}
	if r := d.cmd.record; r == nil || r.Calling || r.MayBeDone || isDoubtful(r.Done) {
		failure.Outcome = schema.OutcomeUnknown
	}
	return failure
}

// isDoubtful tells of an outcome whether the contact center may have carried the command out.
func isDoubtful(o *journal.Outcome) bool {
	return o != nil && (o.Error == nil || o.Error.Outcome != schema.OutcomeNotDone)
}
