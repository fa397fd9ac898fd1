package command

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/schema"
)

// The way of every command, on both lanes:
//
//	read      what is wanted, under which identity               read.go
//	begin     record that it is begun                            once.go, durable.go
//	call      the contact center                                 here, calls.go
//	conclude  record what came of it                             here
//	publish   the result event                                   result.go
//
// The live lane then replies. The durable one resolves, before the call, what
// an earlier call may have done (lookup.go), and at the end acknowledges the
// command or puts it off.

// outcome is what a command came to.
type outcome struct {
	journal.Outcome
	err error // what Error explains
}

// failed is the outcome of a command without a call.
func failed(failure *schema.Error) outcome {
	return outcome{Outcome: journal.Outcome{Error: failure, At: time.Now().UTC()}}
}

// call carries a valid command out. A live command of nothing but GETs that
// failed for the moment is tried once more.
func (c *Commands) call(ctx context.Context, cmd *command) outcome {
	a, err := calls[cmd.Command](ctx, c, cmd)
	if err != nil && cmd.spec.GET && !cmd.isDurable() && brightpattern.IsTransient(err) {
		a, err = calls[cmd.Command](ctx, c, cmd)
	}
	c.Failpoints.Reach(failpoint.Called)
	o := outcome{Outcome: journal.Outcome{ChatID: a.chat.ID, App: a.app, At: time.Now().UTC()}, err: err}
	if err == nil && a.reply != nil {
		if o.Result, err = schema.JSON(a.reply); err != nil {
			err = &doneError{err}
		}
	}
	if err != nil {
		o.Error = explain(cmd.spec, err)
		c.noteFailure(cmd, o.Error, err)
	}
	return o
}

// conclude records the outcome of a command, unless somebody has done so
// before: then that is the outcome.
func (c *Commands) conclude(ctx context.Context, cmd *command, o outcome) (outcome, error) {
	o = c.placed(ctx, cmd, o)
	o.From = c.Publisher.Position()
	cmd.record.Calling, cmd.record.Done = false, &o.Outcome
	cmd.record.LastError = nil // the outcome has it
	err := c.Journal.Write(ctx, cmd.record)
	if bus.IsRefused(err) && o.Result != nil { // it would never be recorded, and the command called again and again
		o = tooLargeToRecord(o)
		cmd.record.Done = &o.Outcome
		err = c.Journal.Write(ctx, cmd.record)
	}
	c.Failpoints.Reach(failpoint.Recorded)
	if !errors.Is(err, journal.ErrOvertaken) {
		return o, err
	}
	found, err := c.Journal.Find(ctx, cmd.Key)
	if err == nil && (found == nil || found.Done == nil) {
		err = journal.ErrOvertaken
	}
	if err != nil {
		return o, err
	}
	cmd.Identity = found.Identity
	return outcome{Outcome: *found.Done}, nil
}

// tooLargeToRecord is in place of an outcome that the journal cannot hold.
func tooLargeToRecord(o outcome) outcome {
	failure := refuse(schema.CodeUnexpectedResponse, "the contact center's answer is too large for the bus to be put on record")
	failure.Outcome = schema.OutcomeUnknown
	o.Result, o.Error = nil, failure
	return o
}

// placed finds out whether a command that failed was on a known chat.
func (c *Commands) placed(ctx context.Context, cmd *command, o outcome) outcome {
	if o.ChatID != "" || cmd.chat.Token == "" {
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin) // rather in the wrong place than never
	defer cancel()
	if app, known := c.Chats.IsKnown(ctx, cmd.chat); known {
		o.ChatID, o.App = cmd.chat.ID, app
	}
	return o
}

// noteFailure logs what an operator may have to mend; refusals and answers of
// the contact center are the sender's business.
func (c *Commands) noteFailure(cmd *command, failure *schema.Error, err error) {
	if failure.Code == schema.CodeInternal {
		c.Log.Error("a command failed in the connector", "command", cmd.Command, "error", err)
		return
	}
	c.Log.Debug("a command failed", "command", cmd.Command, "code", failure.Code, "outcome", failure.Outcome)
}
