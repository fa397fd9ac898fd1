package command

import (
	"context"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// What becomes of a live command that was begun, and whose outcome was not
// recorded or not published by its replica: see debts.go.

// Adopt settles a command of a dead replica that has a note. Its content is the
// run that is known to have made no call, if any.
func (c *Commands) Adopt(ctx context.Context, of replicas.ID, key string, found bus.Value) error {
	return c.settleOrphan(ctx, c.newSettling(), of, key, string(found.Data))
}

// Resume settles what this replica could not, and has a note of.
func (c *Commands) Resume(ctx context.Context, key, uncalled string) {
	err := c.settleOrphan(ctx, c.newSettling(), c.Self, key, uncalled)
	c.Outbox.NoteUnsettled(ctx, err)
	c.Outbox.Leave(owedOutcome(key), err == nil)
}

// resume settles what this replica could not, until ctx ends.
func (c *Commands) resume(ctx context.Context) {
	for ctx.Err() == nil {
		retry.Sleep(ctx, c.cfg.FailoverAfter/2)
		all := c.newSettling()
		for _, owed := range c.debts.takeAbandoned() {
			err := c.settleOrphan(ctx, all, c.Self, owed.key, owed.uncalled)
			c.Outbox.NoteUnsettled(ctx, err)
			c.debts.end(owed, err)
		}
	}
}

// SettleAsDead does what another replica does when this one seems to have died.
func (c *Commands) SettleAsDead() error {
	return c.settleBehind(c.Life.Work, c.Self, c.debts.mark(), time.Now())
}

// marks settle what stands behind the marks of dead replicas.
type marks struct{ *Commands }

// DebtOwner settles what replicas that are no more owe of live commands.
func (c *Commands) DebtOwner() outbox.Owner { return marks{c} }

// Adopt settles all that a dead replica owes.
func (m marks) Adopt(ctx context.Context, of replicas.ID, _ string, found bus.Value) error {
	behind, err := readMark(found.Data)
	if err != nil {
		return err
	}
	return m.settleBehind(ctx, of, behind.Journal, found.Created)
}

// Resume has nothing to do: what this replica could not settle it knows without the mark.
func (m marks) Resume(context.Context, string, string) {}

// Owed is how many live commands this replica has not settled.
func (c *Commands) Owed() int { return c.debts.len() }

// settleBehind settles what a replica owes that stands behind a mark in the
// journal, told then. What somebody writes meanwhile, who settles the same, moves
// behind all that was there at first: there it is looked for once more.
func (c *Commands) settleBehind(ctx context.Context, of replicas.ID, behind uint64, told time.Time) (err error) {
	if c.Failpoints.LeavesOut(failpoint.Debts) {
		return nil
	}
	all := c.newSettling()
	settle := func(r *journal.Record, then bus.Reach) (uint64, error) {
		return c.settleRecord(ctx, r, "", wasTried(r, told), then)
	}
	for range 2 {
		if behind, err = all.behind(ctx, of, behind, settle); err != nil {
			return err
		}
	}
	return nil
}

// wasTried tells whether a replica that lived when it told its mark had surely
// tried by then to publish an outcome. Its clock is another one than that of NATS.
func wasTried(r *journal.Record, told time.Time) bool {
	return r.Done != nil && r.Done.At.Before(told.Add(-replyPatience-replicas.ClockSkew))
}

// settleOrphan settles a live command whose replica has died, or could not record it.
func (c *Commands) settleOrphan(ctx context.Context, all *settling, of replicas.ID, key, uncalled string) error {
	r, err := c.Journal.Find(ctx, key)
	if err != nil || r == nil || r.Replica != of { // it never began, or another one runs it
		return err
	}
	then, err := all.reach(ctx)
	if err == nil {
		_, err = c.settleRecord(ctx, r, uncalled, false, then)
	}
	return err
}

// settleRecord has the stream of events tell what became of a command, if it did not
// then. It returns where it leaves the record in the journal.
func (c *Commands) settleRecord(ctx context.Context, r *journal.Record, uncalled string, wasTried bool, then bus.Reach) (left uint64, err error) {
	if r.Message != 0 { // JetStream delivers it again
		return r.Sequence(), nil
	}
	if r.Done == nil {
		failure := died()
		if r.Run == uncalled {
			failure = unrecorded()
		}
		if r, err = c.closeOrphan(ctx, r, failure, then); err != nil {
			return 0, err
		}
	}
	isTold, err := c.isTold(ctx, r, wasTried, then)
	if err != nil || isTold {
		return r.Sequence(), err
	}
	return r.Sequence(), c.publishRecorded(ctx, r.Identity, outcome{Outcome: *r.Done}, then.At)
}

// isTold tells whether there is nothing to be published of a command that is done.
// A mark lags, so most that are found behind it are told long since. Where the
// stream has forgotten so much that nobody can tell any more, those are taken for
// that which were tried. All others are published: whoever reads an event twice knows
// it by its id, and one that is missing cannot be had back.
func (c *Commands) isTold(ctx context.Context, r *journal.Record, wasTried bool, then bus.Reach) (bool, error) {
	o := outcome{Outcome: *r.Done}
	found, err := c.lookIn(ctx, then, r.Identity, c.resultSubject(r.Identity, o), o.From)
	if err != nil || found.Message == nil {
		return wasTried && found.Forgotten && time.Since(o.At) > c.repeatsKnown(), err
	}
	instead, _ := c.compare(result{of: r.Identity, at: o.At}, found.Message)
	if instead != nil {
		err = c.bringInLine(ctx, r.Identity, *instead)
	}
	return err == nil, err
}

// closeOrphan records what is known of a command that has no outcome, unless
// somebody has done so by now.
func (c *Commands) closeOrphan(ctx context.Context, r *journal.Record, failure *schema.Error, then bus.Reach) (*journal.Record, error) {
	cmd := &command{Identity: r.Identity, record: r}
	if r.ChatID != "" {
		cmd.chat, _ = chats.KeyOf(r.ChatID)
	}
	o, err := c.outcomeOfOrphan(ctx, cmd, failure, then)
	before := r.Sequence()
	if err == nil {
		o, err = c.conclusion(ctx, cmd, o)
	}
	if err != nil {
		return nil, err
	}
	isOurs := r.Sequence() != before   // else somebody has recorded another one, and counts it
	if isOurs && r.Replica != c.Self { // which has counted it already
		c.Metrics.Live.Settled(string(cmd.Command), o.Error)
	}
	return c.findDone(ctx, r.Key)
}

// outcomeOfOrphan is what the event tells, if there is one; else nobody knows what
// has become of the command.
func (c *Commands) outcomeOfOrphan(ctx context.Context, cmd *command, failure *schema.Error, then bus.Reach) (outcome, error) {
	told, err := c.toldOf(ctx, cmd.record, then)
	switch {
	case err != nil:
		return outcome{}, err
	case told != nil:
		return *told, nil
	}
	c.logOf(cmd.Identity).Warn("a command was begun, and its outcome not recorded", "code", failure.Code)
	if cmd.chat.Token != "" && failure.Outcome == schema.OutcomeUnknown {
		c.reportLost(cmd.chat, cmd.record.FirstSeen)
	}
	o := c.complete(ctx, cmd, failed(failure))
	if r := cmd.record; r.From != nil {
		o.From = min(o.From, *r.From) // where its own event would be
	}
	return o, nil
}

// toldOf is the outcome that an event tells of a command which was begun; nil if
// there is none. Events that may be there before their records are on chats.
func (c *Commands) toldOf(ctx context.Context, r *journal.Record, then bus.Reach) (*outcome, error) {
	if r.From == nil || r.ChatID == "" {
		return nil, nil
	}
	subject := c.resultSubject(r.Identity, outcome{Outcome: journal.Outcome{ChatID: r.ChatID}})
	found, err := c.lookIn(ctx, then, r.Identity, subject, *r.From)
	if err != nil || found.Message == nil {
		return nil, err
	}
	told, _ := c.compare(result{of: r.Identity}, found.Message)
	return told, nil
}

// reportLost has the chat's holder look for what the answer to a dead replica's
// call, begun then by its clock, may have carried.
func (c *Commands) reportLost(chat chats.Key, began time.Time) {
	died := time.Now().Add(-c.silence()) // or before
	if began.After(died) {
		began = died
	}
	c.Chats.ReportLost(chat, began, died)
}

// silence is how long ago a replica must have died whose work comes to another.
func (c *Commands) silence() time.Duration { return lease.Silence(c.cfg.FailoverAfter) }

func died() *schema.Error {
	return &schema.Error{
		Code: schema.CodeInternal, Message: "the connector that ran the command has died before its outcome was known",
		Retryable: true, Outcome: schema.OutcomeUnknown,
	}
}
