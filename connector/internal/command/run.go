package command

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/queue"
	"cc-connector/connector/internal/tracing"
	"cc-connector/schema"
)

// The way of every command, on both lanes:
//
//	read      what is wanted, under which identity               read.go
//	begin     record that it is begun                            once.go, durable.go
//	call      take its message number, and call                  here, calls.go
//	conclude  record what came of it                             here
//	publish   the result event                                   result.go, publish.go
//
// The last two are one step where the event tells all of the outcome
// (together.go). The live lane then replies. The durable one resolves, before the
// call, what an earlier call may have done (lookup.go), and at the end
// acknowledges the command or puts it off.

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
		if err = o.tellOf(a.reply); err != nil {
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
	return c.conclusion(ctx, cmd, c.complete(ctx, cmd, o))
}

// complete has the outcome say all that is to be known of it.
func (c *Commands) complete(ctx context.Context, cmd *command, o outcome) outcome {
	o = c.about(ctx, cmd, o)
	o.From = c.Publisher.Position()
	return o
}

// conclusion is conclude for an outcome that says all.
func (c *Commands) conclusion(ctx context.Context, cmd *command, o outcome) (outcome, error) {
	o, err := c.record(ctx, cmd.record, o)
	c.Failpoints.Reach(failpoint.Recorded)
	if !errors.Is(err, journal.ErrOvertaken) {
		return o, err
	}
	return c.concluded(ctx, cmd, o)
}

// concludeAndPublish is conclude and publishRecorded, at once where that may be and
// the command is surely nobody else's: the outcome is recorded and its event stored
// when it returns. The outcome that it returns is the one that both tell.
func (c *Commands) concludeAndPublish(ctx context.Context, cmd *command, o outcome, isSure bool) (outcome, error) {
	o = c.complete(ctx, cmd, o)
	if r, may := c.buildTogether(cmd, o); may && isSure {
		if p := c.publishBeside(cmd, o, r, func(error) {}); p != nil {
			_ = c.recordBeside(ctx, cmd, o, p) // it is told what became of it
			return p.await(ctx, o)
		}
	}
	o, err := c.conclusion(ctx, cmd, o)
	if err != nil {
		return o, err
	}
	return c.publishAgreed(ctx, cmd.Identity, o, o.At)
}

// concluded is the outcome that somebody else has recorded.
func (c *Commands) concluded(ctx context.Context, cmd *command, o outcome) (outcome, error) {
	found, err := c.findDone(ctx, cmd.Key)
	if err != nil {
		return o, err
	}
	cmd.Identity = found.Identity
	return outcome{Outcome: *found.Done}, nil
}

// about has the outcome say what its command was: what it asked for, and on
// which known chat.
func (c *Commands) about(ctx context.Context, cmd *command, o outcome) outcome {
	return c.placed(ctx, cmd, c.asked(cmd, o))
}

// asked has the outcome say what its command asked for.
func (c *Commands) asked(cmd *command, o outcome) outcome {
	o.Request = c.requestOf(cmd)
	return o
}

// requestOf is what a result tells of the command's data; nil where nobody has
// understood them, or nobody is to be told.
func (c *Commands) requestOf(cmd *command) json.RawMessage {
	if c.cfg.WithoutRequests || !cmd.understood {
		return nil
	}
	return cmd.spec.Request(cmd.data, func(client string) string { return string(c.Clients.Ref(brightpattern.ClientID(client))) })
}

// recorded is the outcome on record. What the command asked for, which the
// journal may not know or have had no room for, is at hand.
func (c *Commands) recorded(cmd *command, r *journal.Record) outcome {
	o := outcome{Outcome: *r.Done}
	if o.Request == nil {
		o.Request = c.requestOf(cmd)
	}
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
		c.logOf(cmd.Identity).Error("a command failed in the connector", "error", err)
		return
	}
	if c.Log.Enabled(context.Background(), slog.LevelDebug) {
		c.logOf(cmd.Identity).Debug("a command failed", "code", failure.Code, "outcome", failure.Outcome)
	}
}

// trace begins the span of one try, to which belongs what comes of the command.
func (c *Commands) trace(ctx context.Context, cmd *command, lane tracing.Lane, since time.Time) (context.Context, tracing.Span) {
	ctx, span := c.Traces.Command(ctx, tracing.Command{
		Name: cmd.Command, ID: cmd.ID, Identity: cmd.Result, ChatID: cmd.ChatID, Chat: cmd.chat.Token, Lane: lane,
		TraceParent: cmd.TraceParent, TraceState: cmd.TraceState, Since: since,
	})
	cmd.Place = span.Place()
	return ctx, span
}

func (c *Commands) logOf(of journal.Identity) *slog.Logger { return logOf(c.Log, of) }

func (d *durable) log() *slog.Logger {
	return d.commands.logOf(d.cmd.Identity).With("sequence", d.sequence)
}

// logOfRun says of which durable command a line is, as far as it could be read.
func (c *Commands) logOfRun(delivery *queue.Delivery, d *durable) *slog.Logger {
	if d == nil || d.cmd == nil {
		return c.Log.With("sequence", delivery.Sequence())
	}
	return d.log()
}
