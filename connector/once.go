package connector

import (
	"context"
	"errors"
	"time"

	"cc-connector/schema"
)

// How a live command is run once, and its repeats get what it came to.

// runRecorded runs a command that the journal does not have yet; a repeat gets
// the recorded outcome, also one of which the event is another's to publish.
func (c *Connector) runRecorded(ctx context.Context, cmd *command, leave func()) (outcome, func(outcome, incoming)) {
	owed := note{owedOutcome, cmd.key()}
	c.notes.enter(owed)
	begun, err := c.beginRecord(ctx, cmd, owed)
	switch {
	case err != nil:
		return c.giveUp(cmd, owed)
	case begun != nil:
		c.notes.leave(owed, true)
		return c.repeated(ctx, cmd, begun, leave)
	}
	c.cfg.rehearsal.reach(pointBegun)
	o, err := c.conclude(c.work, cmd, c.placed(ctx, c.run(ctx, cmd)))
	if err != nil {
		c.notes.leave(owed, false)
		c.log.Error("the outcome of a command could not be recorded", "command", cmd.name, "error", err)
		return o, c.replyOnly
	}
	return o, func(o outcome, request incoming) { c.settleRecorded(o, request, owed) }
}

// giveUp answers a command of which it was not known in time whether it is on
// record. If it is, that has to say the same; and if this process was frozen,
// another one may have said something else by now.
func (c *Connector) giveUp(cmd *command, owed note) (outcome, func(outcome, incoming)) {
	ctx, cancel := context.WithTimeout(c.work, giveUpWithin)
	defer cancel()
	o, err := c.recordUncalled(ctx, cmd)
	if err != nil {
		c.notes.leaveUncalled(owed, cmd.record.Run)
		return cmd.refuse(unrecorded()), c.replyOnly
	}
	return o, func(o outcome, request incoming) { c.settleRecorded(o, request, owed) }
}

const giveUpWithin = 500 * time.Millisecond

// recordUncalled records that no call was made, if the command is on record at
// all, and its outcome is not.
func (c *Connector) recordUncalled(ctx context.Context, cmd *command) (outcome, error) {
	found, err := c.journal.find(ctx, cmd.key())
	switch {
	case err != nil:
		return outcome{}, err
	case found == nil || found.Run != cmd.record.Run:
		return outcome{}, errors.New("the command is not on record")
	case found.Done != nil:
		return found.outcome()
	}
	cmd.record = found
	return c.conclude(ctx, cmd, c.placed(ctx, outcome{cmd: cmd, failure: unrecorded(), at: time.Now().UTC()}))
}

func unrecorded() *schema.Error {
	return unavailable("JetStream did not record the command in time")
}

// beginRecord makes the command's record, or returns the one that is there.
func (c *Connector) beginRecord(ctx context.Context, cmd *command, owed note) (*record, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	noted := c.notes.send(ctx, owed) // NATS gets it before the record
	cmd.record = newRecord(cmd, 0)
	cmd.record.Replica = c.replica
	err := c.journal.write(ctx, cmd.key(), cmd.record)
	noteErr := noted()
	if errors.Is(err, errOvertaken) {
		return c.journal.find(ctx, cmd.key())
	}
	return nil, errors.Join(err, noteErr)
}

// conclude records the outcome of a command, unless somebody has done so before.
func (c *Connector) conclude(ctx context.Context, cmd *command, o outcome) (outcome, error) {
	if err := cmd.record.finish(o, c.position.Load()); err != nil {
		return o, err
	}
	err := c.journal.write(ctx, cmd.key(), cmd.record)
	c.cfg.rehearsal.reach(pointRecorded)
	if !errors.Is(err, errOvertaken) {
		return o, err
	}
	found, err := c.journal.find(ctx, cmd.key())
	if err == nil && (found == nil || found.Done == nil) {
		err = errOvertaken
	}
	if err != nil {
		return o, err
	}
	return found.outcome()
}

// repeated is the outcome of a command whose identity the journal has already.
func (c *Connector) repeated(ctx context.Context, cmd *command, begun *record, leave func()) (outcome, func(outcome, incoming)) {
	if begun.Fingerprint != cmd.fingerprint() {
		cmd.result = cmd.refusalID(cmd.fingerprint())
		return c.placed(ctx, cmd.refuse(conflict())), c.settle
	}
	c.metrics.repeats.WithLabelValues(cmd.spec.Name).Inc()
	finished, err := begun, error(nil)
	if begun.Done == nil {
		leave()
		finished, err = c.journal.await(ctx, cmd.key())
	}
	var o outcome
	if err == nil {
		o, err = finished.outcome()
	}
	if err != nil {
		return cmd.refuse(stillRunning()), c.replyOnly
	}
	return o, c.replyOnly
}

func conflict() *schema.Error {
	return refuse(schema.CodeCommandConflict, "another command, or other data, came with this id: an id must be used for one command only")
}

func stillRunning() *schema.Error {
	return &schema.Error{
		Code: schema.CodeTimeout, Message: "the command is being run, but its outcome did not come in time: ask again with the same id",
		Retryable: true, Outcome: schema.OutcomeUnknown,
	}
}
