package command

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
)

// How a live command is run once, and its repeats get what it came to.

// runOnce runs a command that the journal does not have yet; a repeat gets
// the recorded outcome, also one of which the event is another's to publish.
func (c *Commands) runOnce(ctx context.Context, cmd *command, leave func()) told {
	owed := c.debts.owe(cmd.Key, c.Registry.Oldest() < replicas.FormatDebts)
	earlier, err := c.begin(ctx, cmd, owed)
	switch {
	case err != nil:
		return c.giveUpBeginning(cmd, owed)
	case earlier != nil:
		c.debts.settle(owed)
		return c.repeat(ctx, cmd, earlier, leave)
	}
	c.Failpoints.Reach(failpoint.Begun)
	return c.end(cmd, c.call(ctx, cmd), owed)
}

// end records what a command came to, and publishes it if that may be done at once.
func (c *Commands) end(cmd *command, o outcome, owed *debt) told {
	o = c.complete(c.Life.Work, cmd, o)
	if r, may := c.buildTogether(cmd, o); may && !owed.noted {
		said, isDone, err := c.tellTogether(cmd, o, r, func(err error) { c.debts.end(owed, err) })
		c.noteUnrecorded(cmd, err)
		if isDone {
			return cmd.toldAlready(said, r)
		}
	}
	o, err := c.conclusion(c.Life.Work, cmd, o)
	if err != nil {
		c.debts.abandon(owed)
		c.noteUnrecorded(cmd, err)
		return cmd.told(o, replyOnly)
	}
	return cmd.toldOwed(o, owed)
}

func (c *Commands) noteUnrecorded(cmd *command, err error) {
	if err != nil {
		c.logOf(cmd.Identity).Error("the outcome of a command could not be recorded", "error", err)
	}
}

// begin makes the command's record, or returns the one that is there.
func (c *Commands) begin(ctx context.Context, cmd *command, owed *debt) (*journal.Record, error) {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	cmd.record = c.newRecord(cmd, 0)
	cmd.record.Replica = c.Self
	noted, err := c.debts.announce(ctx, owed)
	if err != nil {
		return nil, err
	}
	cmd.began = time.Now()
	err = c.Journal.Write(ctx, cmd.record)
	if err == nil {
		err = c.debts.begun(ctx, owed, cmd.record.Sequence())
	}
	owedErr := noted()
	if errors.Is(err, journal.ErrOvertaken) {
		return c.findEarlier(ctx, cmd.Key)
	}
	return nil, errors.Join(err, owedErr)
}

// findEarlier is the record that a repeat has found in its way.
func (c *Commands) findEarlier(ctx context.Context, key string) (*journal.Record, error) {
	earlier, err := c.Journal.Find(ctx, key)
	if err == nil && earlier == nil {
		err = errors.New("the command's record has vanished from the journal")
	}
	return earlier, err
}

const giveUpWithin = 500 * time.Millisecond

// giveUpBeginning answers a command of which it was not known in time whether
// it is on record. If it is, that has to say the same; and if this process was
// frozen, another one may have said something else by now.
func (c *Commands) giveUpBeginning(cmd *command, owed *debt) told {
	ctx, cancel := context.WithTimeout(c.Life.Work, giveUpWithin)
	defer cancel()
	o, err := c.recordUncalled(ctx, cmd)
	if err != nil {
		owed.uncalled = cmd.record.Run
		c.debts.abandon(owed)
		cmd.refuse()
		return cmd.told(c.asked(cmd, failed(unrecorded())), replyOnly)
	}
	return cmd.toldOwed(o, owed)
}

// recordUncalled records that no call was made, if the command is on record at
// all, and its outcome is not.
func (c *Commands) recordUncalled(ctx context.Context, cmd *command) (outcome, error) {
	found, err := c.Journal.Find(ctx, cmd.Key)
	switch {
	case err != nil:
		return outcome{}, err
	case found == nil || found.Run != cmd.record.Run:
		return outcome{}, errors.New("the command is not on record")
	case found.Done != nil:
		return outcome{Outcome: *found.Done}, nil
	}
	cmd.record = found
	return c.conclude(ctx, cmd, failed(unrecorded()))
}

func unrecorded() *schema.Error {
	return unavailable("JetStream did not record the command in time")
}

// repeat is the outcome of a command whose identity the journal has already.
func (c *Commands) repeat(ctx context.Context, cmd *command, earlier *journal.Record, leave func()) told {
	if fingerprint := cmd.fingerprint(); earlier.Fingerprint != fingerprint {
		c.contest(cmd, fingerprint)
		return cmd.told(c.about(ctx, cmd, failed(conflict())), publishTried)
	}
	if !cmd.question { // of which nothing was to be run
		c.Metrics.Live.Repeated(cmd.spec.Name)
	}
	t := c.answerOf(ctx, cmd, earlier, leave)
	t.repeated = true
	return t
}

// answerOf is what a repeat, or a question, is told.
func (c *Commands) answerOf(ctx context.Context, cmd *command, earlier *journal.Record, leave func()) told {
	switch {
	case earlier.Done == nil && cmd.question: // whoever asks does so again, and nothing is held for him meanwhile
		cmd.refuse()
		return cmd.told(c.asked(cmd, failed(notDoneYet())), replyOnly)
	case earlier.Done == nil:
		leave()
		finished, err := c.Journal.Await(ctx, cmd.Key)
		if err != nil {
			cmd.refuse()
			return cmd.told(c.asked(cmd, failed(stillRunning())), replyOnly)
		}
		earlier = finished
	}
	cmd.Identity = earlier.Identity
	return cmd.told(c.recorded(cmd, earlier), replyOnly)
}

// contest makes a command one that is refused because another one has had its
// identity before. What tells of it is caused by this message alone: under the
// identity, whoever waits for the other one's outcome would take it for that.
func (c *Commands) contest(cmd *command, fingerprint string) {
	cmd.refuse(c.sealed(fingerprint))
	cmd.Source, cmd.ID = "", cmd.message
}

// sealed is a fingerprint that the id of a refusal may rest on, which everybody
// reads: who knows the rest of the data could try what is secret in them.
func (c *Commands) sealed(fingerprint string) string {
	if c.Clients.EarlierLives() { // which must know the refusal again
		return fingerprint
	}
	return c.Clients.Seal(fingerprint)
}

func conflict() *schema.Error {
	return refuse(schema.CodeCommandConflict, "another command, or other data, came with this id before: an id is for one command only, give this one a new id")
}

func stillRunning() *schema.Error {
	return unknownYet("the command is being run, but its outcome did not come in time: ask again with the same id")
}

func notDoneYet() *schema.Error {
	return unknownYet("the command is being run, or waits for its turn, and has no outcome yet: ask again later")
}

func unknownYet(message string) *schema.Error {
	return &schema.Error{Code: schema.CodeTimeout, Message: message, Retryable: true, Outcome: schema.OutcomeUnknown}
}
