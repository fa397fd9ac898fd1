package command

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// What is done about what is found on record: a call whose outcome is not known,
// before another is made; a repeat, whose identity came in another message before.

// learnOfDeath reads the traces of a replica that died while it called. It may have
// told what the call came to.
func (d *durable) learnOfDeath(ctx context.Context) (told *outcome, err error) {
	r := d.cmd.record
	if !r.Calling {
		return nil, nil
	}
	now, err := d.commands.Streams.Events.Reach(ctx, d.commands.Log)
	if err != nil {
		return nil, err
	}
	if told, err = d.commands.toldOf(ctx, r, now); told != nil || err != nil {
		return told, err
	}
	if err := d.findNumber(ctx); err != nil {
		return nil, err
	}
	r.Calling, r.MayBeDone, r.LastError = false, true, died()
	if d.cmd.chat.Token != "" && (!d.cmd.spec.MessageID || r.Number != nil) { // else it has not got beyond an upload
		d.commands.reportLost(d.cmd.chat, r.LastCall)
	}
	return nil, nil
}

// endAsTold has the journal follow an event that is there.
func (d *durable) endAsTold(ctx context.Context, told *outcome, err error) (next, error) {
	if err != nil {
		return next{}, err
	}
	o, err := d.commands.conclusion(ctx, d.cmd, *told)
	if err != nil {
		return next{}, err
	}
	d.decided = true
	d.count(o)
	return finished, d.commands.publishRecorded(ctx, d.cmd.Identity, o, neverLooked)
}

// publishDone sees to it that the outcome on record is published.
func (d *durable) publishDone(ctx context.Context, r *journal.Record) error {
	err := d.commands.publishRecorded(ctx, r.Identity, d.commands.recorded(d.cmd, r), neverLooked)
	if err == nil && r.Message != d.sequence {
		d.commands.Metrics.Durable.Repeated(d.cmd.spec.Name)
	}
	return err
}

// count notes what the command has come to.
func (d *durable) count(o outcome) {
	d.commands.Metrics.Durable.Done(d.cmd.spec.Name, o.Error, time.Since(d.since))
}

// resolve reports true if the command is settled, or has to wait.
func (d *durable) resolve(ctx context.Context) (n next, settled bool, err error) {
	r := d.cmd.record
	switch {
	case !r.MayBeDone, d.cmd.spec.Repeatable, d.cmd.spec.GET, d.commands.Failpoints.LeavesOut(failpoint.LookUp):
		return next{}, false, nil
	case r.Number != nil:
		return d.lookUp(ctx)
	case d.cmd.spec.MessageID && !d.forgotten: // without a number nothing was sent
		r.MayBeDone = false
		return next{}, false, nil
	}
	n, err = d.finish(ctx, failed(r.LastError))
	return n, true, err
}

// lookUp looks for a message in the chat's history. A request that timed out
// may still be on its way, so it waits for as long as a call may take.
func (d *durable) lookUp(ctx context.Context) (n next, settled bool, err error) {
	c, r := d.commands, d.cmd.record
	if wait := time.Until(d.canBeLookedUp()); wait > 0 {
		return d.later(wait), true, c.Journal.Write(ctx, r)
	}
	found, err := c.Chats.Find(ctx, d.cmd.chat)
	var credentials brightpattern.Credentials
	if err == nil {
		credentials, err = c.Chats.Credentials(ctx, d.cmd.chat, &found)
	}
	if err != nil && !errors.Is(err, chats.ErrUnknown) {
		return next{}, true, err
	}
	id, isThere := brightpattern.ClientMessageID(d.cmd.chat.ID, *r.Number), false
	if err == nil {
		isThere, err = c.hasSent(ctx, credentials, d.cmd.chat.ID, id, r.FileID)
	}
	if brightpattern.IsGone(err) {
		c.Chats.ReportMissing(d.cmd.chat)
	}
	switch {
	case ctx.Err() != nil:
		return next{}, true, context.Cause(ctx)
	case brightpattern.IsTransient(err), brightpattern.IsOdd(err):
		r.LookUps++
		return d.later(retryPause(r.Attempts+r.LookUps, wireError(err))), true, c.Journal.Write(ctx, r)
	case err != nil:
		n, err = d.finish(ctx, failed(r.LastError))
		return n, true, err
	}
	r.MayBeDone = false
	if !isThere {
		return next{}, false, nil
	}
	n, err = d.finishSent(ctx, id, brightpattern.AppID(found.AppID))
	return n, true, err
}

// hasSent tells whether the chat's history has the message. What the history
// takes of the memory for answers is given back at once.
func (c *Commands) hasSent(ctx context.Context, credentials brightpattern.Credentials, chat brightpattern.ChatID, id brightpattern.MessageID, file brightpattern.FileID) (bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	history, err := c.Client.History(ctx, credentials, chat)
	return translate.HasSent(chat, history, id, file), err
}

// canBeLookedUp is when no request of an earlier call can be on its way any more.
// A file's message may have been sent a second time, after a look of its own, and
// the record tells when it was sent first.
func (d *durable) canBeLookedUp() time.Time {
	calls := 1
	if movesFile[d.cmd.spec.Name] {
		calls = callsMost
	}
	ready := d.cmd.record.LastCall.Add(beginMost + time.Duration(calls)*d.commands.cfg.CallTimeout)
	if d.cmd.record.Replica != d.commands.Self {
		ready = ready.Add(replicas.ClockSkew)
	}
	return ready
}

func (d *durable) finishSent(ctx context.Context, id brightpattern.MessageID, app brightpattern.AppID) (next, error) {
	result, err := schema.JSON(sentResult(id, d.cmd.record.FileID))
	if err != nil {
		return next{}, err
	}
	return d.finish(ctx, outcome{Outcome: journal.Outcome{ChatID: d.cmd.chat.ID, App: app, Result: result}})
}

// sentResult is that of a message; a file's, if it is one.
func sentResult(id brightpattern.MessageID, file brightpattern.FileID) any {
	if file != "" {
		return schema.ChatFileResult{FileID: string(file), MessageID: string(id)}
	}
	return schema.ChatSendResult{MessageID: string(id)}
}

// takePlace is for a repeat of a command that is not done. It waits for the
// outcome, but if the other message has been taken out of the stream by hand,
// nobody works on it, and this one goes on with it.
func (d *durable) takePlace(ctx context.Context, r *journal.Record) (bool, error) {
	if r.Message == 0 { // a live one
		return false, nil
	}
	there, err := d.isThere(ctx, r.Message)
	if there || err != nil {
		return false, err
	}
	again, err := d.commands.Journal.Find(ctx, d.cmd.Key)
	if err != nil || !r.IsSame(again) { // it has just been done
		return false, err
	}
	r.Message = d.sequence
	return true, nil
}

// isThere tells whether the command still stands in the stream at another place.
func (d *durable) isThere(ctx context.Context, sequence uint64) (bool, error) {
	other, err := d.commands.readStored(ctx, sequence, true)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil && other.ignored == "" && other.cmd.Key == d.cmd.Key, err
}

// awaitOther waits for the outcome of the other message with this identity, but
// not for one that did not come to an end in all its time.
func (d *durable) awaitOther(ctx context.Context, err error) (next, error) {
	if err == nil && d.isPast(time.Now()) {
		return d.finish(ctx, failed(died()))
	}
	return d.later(retryPause(1, nil)), err
}
