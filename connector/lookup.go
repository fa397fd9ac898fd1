package connector

import (
	"context"
	"errors"
	"slices"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// What is done about a call whose outcome is not known, before another is made.

// resolve reports true if the command is settled, or has to wait.
func (e *errand) resolve(ctx context.Context) (settled bool, delay time.Duration, err error) {
	r := e.cmd.record
	switch {
	case !r.MayBeDone, e.cmd.spec.Repeatable, e.cmd.spec.GET, e.cfg.rehearsal.without[safeLookUp]:
		return false, 0, nil
	case r.Number != nil:
		return e.lookUp(ctx)
	case e.cmd.spec.MessageID: // without a number nothing was sent
		r.MayBeDone = false
		return false, 0, nil
	}
	return true, 0, e.finish(ctx, outcome{cmd: e.cmd, failure: r.LastError})
}

// lookUp looks for a message in the chat's history. A request that timed out
// may still be on its way, so it waits for as long as a call may take.
func (e *errand) lookUp(ctx context.Context) (settled bool, delay time.Duration, err error) {
	r := e.cmd.record
	ready := r.LastCall.Add(e.cfg.CallTimeout)
	if r.Replica != e.replica {
		ready = ready.Add(clockDoubt)
	}
	if wait := time.Until(ready); wait > 0 {
		return true, e.untilDeadline(wait), e.journal.write(ctx, e.cmd.key(), r)
	}
	found, err := e.known.find(ctx, e.cmd.chat)
	if errors.Is(err, errUnknownChat) {
		return true, 0, e.finish(ctx, outcome{cmd: e.cmd, failure: r.LastError})
	}
	if err != nil {
		return true, 0, err
	}
	history, err := e.client.History(ctx, found.credentials(), e.cmd.chat.id)
	switch {
	case ctx.Err() != nil:
		return true, 0, context.Cause(ctx)
	case isTransient(err):
		r.LookUps++
		return true, e.untilDeadline(retryPause(r.Attempts+r.LookUps, wireError(err))), e.journal.write(ctx, e.cmd.key(), r)
	case err != nil:
		return true, 0, e.finish(ctx, outcome{cmd: e.cmd, failure: r.LastError})
	}
	id := brightpattern.ClientMessageID(e.cmd.chat.id, *r.Number)
	if !hasSent(e.cmd.chat.id, history, id) {
		r.MayBeDone = false
		return false, 0, nil
	}
	r.MayBeDone = false
	a := answer{chat: e.cmd.chat, app: brightpattern.AppID(found.AppID), reply: schema.ChatSendResult{MessageID: string(id)}}
	return true, 0, e.finish(ctx, outcome{cmd: e.cmd, answer: a})
}

// hasSent tells whether the history has the client's message.
func hasSent(chat brightpattern.ChatID, history []brightpattern.Event, id brightpattern.MessageID) bool {
	return slices.ContainsFunc(history, func(event brightpattern.Event) bool {
		return event.IsFromClient(chat) && event.MessageID == id
	})
}
