package command

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/replicas"
	"cc-connector/schema"
)

// What becomes of a live command that was begun, and whose outcome was not
// recorded or not published by its replica: see package outbox.

// OwedOutcome is the outcome of a live command, by its key in the journal.
const OwedOutcome outbox.Kind = "command"

func owedOutcome(key string) outbox.Entry { return outbox.Entry{Kind: OwedOutcome, Key: key} }

// Adopt settles what a dead replica owes. The entry's content is the run that
// is known to have made no call, if any.
func (c *Commands) Adopt(ctx context.Context, of replicas.ID, key string, found bus.Value) error {
	return c.settleOrphan(ctx, of, key, string(found.Data))
}

// Resume settles what this replica could not.
func (c *Commands) Resume(ctx context.Context, key, uncalled string) {
	err := c.settleOrphan(ctx, c.Self, key, uncalled)
	c.Outbox.NoteUnsettled(ctx, err)
	c.Outbox.Leave(owedOutcome(key), err == nil)
}

// SettleAsDead does what another replica does when this one seems to have died.
func (c *Commands) SettleAsDead() (err error) {
	for _, e := range c.Outbox.Active() {
		if e.Kind == OwedOutcome {
			err = errors.Join(err, c.settleOrphan(c.Life.Work, c.Self, e.Key, ""))
		}
	}
	return err
}

// settleOrphan publishes the outcome of a live command whose replica has died,
// or could not record it.
func (c *Commands) settleOrphan(ctx context.Context, of replicas.ID, key, uncalled string) error {
	r, err := c.Journal.Find(ctx, key)
	if err != nil || r == nil || r.Message != 0 || r.Replica != of { // it never began, or another one runs it
		return err
	}
	if r.Done == nil {
		failure := died()
		if r.Run == uncalled {
			failure = unrecorded()
		}
		if r, err = c.closeOrphan(ctx, r, failure); err != nil {
			return err
		}
	}
	return c.publishRecorded(ctx, r.Identity, outcome{Outcome: *r.Done}, true)
}

// closeOrphan says of a command that nobody knows what has become of it, unless
// somebody does by now.
func (c *Commands) closeOrphan(ctx context.Context, r *journal.Record, failure *schema.Error) (*journal.Record, error) {
	c.Log.Warn("a command was begun, and its outcome not recorded", "command", r.Command, "code", failure.Code)
	cmd := &command{Identity: r.Identity, record: r}
	if r.ChatID != "" {
		cmd.chat, _ = chats.KeyOf(r.ChatID)
	}
	if r.ChatID != "" && failure.Outcome == schema.OutcomeUnknown {
		c.reportLost(cmd.chat, r.FirstSeen)
	}
	if _, err := c.conclude(ctx, cmd, failed(failure)); err != nil {
		return nil, err
	}
	found, err := c.Journal.Find(ctx, r.Key)
	if err == nil && (found == nil || found.Done == nil) {
		err = journal.ErrOvertaken
	}
	return found, err
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
