package command

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
)

// # The first run of a durable command
//
// A command that is delivered for the first time has no record yet, unless its
// identity came before. So its record is made without a look for one, and says at
// once that a call is under way. Then the command gets its message number. The
// record need not have that before the call: it is bound to the command in the
// chat's count, where whoever finds a call without a number looks for it. A command
// whose record is refused is a repeat, and goes the way of those that are delivered
// again.
//
// An older version must not take over while such a call is under way, as it may when
// replicas are rolled back: it looks for the number in the record alone, takes a
// message without one for not sent, and would send it again.

// beginFirst reports whether the call is now to be made. Replicas of an earlier
// version would look for the number in the record alone.
func (d *durable) beginFirst(ctx context.Context) (bool, error) {
	c, cmd := d.commands, d.cmd
	if d.again || d.refused != nil || d.isPast(time.Now()) || c.Registry.Oldest() < replicas.FormatDebts {
		return false, nil
	}
	r := c.newRecord(cmd, d.sequence)
	cmd.record, cmd.began = r, time.Now()
	d.markCalling()
	err := d.writeCalling(ctx)
	switch {
	case errors.Is(err, journal.ErrOvertaken):
		cmd.record = nil
		return false, nil
	case err != nil:
		r.Calling = false
		return false, err
	}
	c.Failpoints.Reach(failpoint.Begun)
	cmd.isFirst = cmd.isCalledAtOnce()
	return true, d.markAnew(ctx)
}

// markCalling has the record say that a call is made now.
func (d *durable) markCalling() {
	r := d.cmd.record
	r.Attempts++
	r.Calling, r.LastCall, r.Replica = true, time.Now().UTC(), d.commands.Self
}

func (d *durable) writeCalling(ctx context.Context) error {
	if d.commands.Failpoints.LeavesOut(failpoint.RecordFirst) {
		return nil
	}
	return d.commands.Journal.Write(ctx, d.cmd.record)
}

// beginMost is for how long a call may be made later than its record says.
const beginMost = 500 * time.Millisecond

// markAnew is for a call that could not be made soon: a look for what it came to
// goes by its time.
func (d *durable) markAnew(ctx context.Context) error {
	r := d.cmd.record
	if time.Since(r.LastCall) <= beginMost {
		return nil
	}
	r.LastCall = time.Now().UTC()
	return d.commands.Journal.Write(ctx, r)
}

// findNumber is for a record that tells of a call and has no number.
func (d *durable) findNumber(ctx context.Context) error {
	r := d.cmd.record
	if r.Number != nil || !d.cmd.isCalledAtOnce() {
		return nil
	}
	number, err := d.commands.Chats.Bound(ctx, d.cmd.chat, d.cmd.Key, r.LastCall)
	if errors.Is(err, chats.ErrForgotten) {
		d.forgotten = true
		return nil
	}
	r.Number = number
	return err
}
