package poller

import "time"

// # Reconciliation
//
// The contact center gives each event away once, so an answer that is lost can
// only be had from the chat's history. reconciliation is the state machine
// that knows when the history is to be read, and what is to be said of it. It
// is a plain value: it knows no clock, no lock and no network. The chat's
// holder feeds it with what happens, and asks it what to do.
//
// A call is orphaned when nobody waits for its answer any more, while the
// contact center may still hold it and give events to it: a poll of a replica
// that died, one whose connection broke, or a command. What it is given after
// the history was read would be lost unseen. So the history is read once more
// when the orphaned call is gone: when it cannot be on its way any more, and a
// poll that began after it was heard of has been answered, for the contact
// center holds one poll of a chat at a time.
//
// While a poll is under way its answer may be in the history already, and
// would be counted twice; so the history is read between polls, or not at all.
//
// An answer to the history that may not be the contact center's (a maintenance
// page, a bare 404 of a proxy) is an outage while polls are not answered, either.
// Only a history that stays so while polls are well will not be had any more.
//
// What is lost is told once: a gap is not told while an orphan may still be given
// something, but when that is gone, with what it may have taken; by then the
// history may be there again. And no gap reaches back into one that was told.
//
// Each event is a method. "–" changes nothing; "due" is short for reconcileDue.
//
//	event                     inSync                  due                     awaitingOrphan
//	───────────────────────── ─────────────────────── ─────────────────────── ───────────────────────
//	raise(reason)             due; since = complete;  the greater reason      due; the greater reason;
//	                          attempts = 0                                    attempts = 0
//	callOrphaned(until)       like raise(answerMayBeLost); the orphan is known until the latest until
//	pollContended             awaitingOrphan; since   answerMayBeLost;        answerMayBeLost;
//	                          = complete; orphan      orphan                  orphan; attempts = 0
//	answerLost, covered       –                       –                       –
//	answerLost, not covered   like raise(answerMayBeLost); since = the earlier of since and the call's
//	                          begin; the call is an orphan if it may still be on its way
//	pollAnswered              complete = its begin    –                       –
//	pollFailed                polls are not well: what the history was answered oddly does not count
//	pollAnswered, and the                             orphan = none           due; orphan = none
//	orphan is gone
//	historyRead, no orphan                            inSync; a gap if signaling may be lost, and
//	                                                  complete = its end, unless it is later
//	historyRead, orphan                               awaitingOrphan; orphanMayTake if it was more
//	historyFailed, and may                            –
//	be had later
//	historyFailed for good,                           awaitingOrphan if there is an orphan and the
//	or at the last chance                             chat is not gone; else inSync and a gap, and
//	                                                  complete = its end, unless only the end may be
//	                                                  missing
//	chatEnds                  –                       orphan = none           due; orphan = none
//
// Signaling is not in the history: of a chat that has had some, a read history
// does not tell whether more was lost, and a gap is told instead. Nor does it make
// anything complete: what the contact center still holds from before, it may give
// to the next poll, and that may be lost. So complete moves with answered polls,
// and with gaps that are told. This goes for every chat: what it has first of
// signaling may be held just then.
type reconciliation struct {
	state    reconcileState
	complete time.Time // up to when all is known to be published or told as lost, if it is in sync

	// What follows has a meaning only while it is not in sync.
	reason   reconcileReason
	since    time.Time // events may be missing from then on
	upTo     time.Time // and signaling up to then; zero: up to when the history is read
	orphan   orphanedCall
	attempts attempts

	answered time.Time   // when a poll was answered last
	covered  historySpan // by the last read of the history
	told     toldGaps
}

type reconcileState int

const (
	inSync         reconcileState = iota // nothing may be missing
	reconcileDue                         // the history is to be read before the next poll
	awaitingOrphan                       // it was read, and is to be read again when the orphaned call is gone
)

func (s reconcileState) String() string {
	return [...]string{"in_sync", "history_due", "awaiting_orphan"}[s]
}

// reconcileReason is why events may be missing. Of several the greatest counts.
type reconcileReason int

const (
	endMissing      reconcileReason = iota + 1 // what ended the session may stand in an answer that is on its way
	eventMissing                               // an event may not be published yet, though no answer was lost
	orphanMayTake                              // an orphaned call may have been given events since the history was read
	answerMayBeLost                            // an answer may have been lost
)

// orphanedCall is a call that may still be given events. The zero value is none.
type orphanedCall struct {
	reported time.Time // when it was heard of last
	until    time.Time // it may be on its way to the contact center until then
}

func (o orphanedCall) exists() bool { return !o.reported.IsZero() }

// isGone tells whether a poll that began then, and was answered then, shows
// that the contact center holds it no more.
func (o orphanedCall) isGone(began, answered time.Time) bool {
	return began.After(o.reported) && !answered.Before(o.until)
}

// orphanPatience is how long a poll may be on its way to the contact center
// after nobody waits for its answer any more. A command may be for CallTimeout.
const orphanPatience = time.Second

// attempts are those to read the history since it became due.
type attempts struct {
	begun  bool
	polled bool // a poll has been answered since, and none has failed after it
	odd    int  // answers in a row that are none, or may not be the contact center's
	proven bool // so many of them, and then a poll that was answered
}

// What was answered oddly so often, while polls were well, will not be had.
const oddMost = 3

// historySpan says what a read of the history covers: calls that could not be
// on their way any more then, for a poll was answered after that and before the
// history was asked for; and since when events might have been missing, for
// what no history has was told as a gap from there on.
type historySpan struct{ until, since time.Time }

// isInSync tells whether nothing may be missing.
func (r *reconciliation) isInSync() bool { return r.state == inSync }

// isDue tells whether the history is to be read now, between two polls.
func (r *reconciliation) isDue() bool { return r.state == reconcileDue }

// isDueBeforePoll is isDue for a chat that is to be polled: a history that was
// not to be had at the takeover is not tried again before the first poll.
func (r *reconciliation) isDueBeforePoll(polled bool) bool {
	return r.isDue() && (polled || !r.attempts.begun)
}

// completeUntil is up to when nothing is missing, whatever is to be
// reconciled. It is published with every message, for whoever takes the chat
// over: when a message was stored says nothing, for its answer may have been
// read long before, and what a history gave back may be but a part.
func (r *reconciliation) completeUntil() time.Time {
	if r.isInSync() {
		return r.complete
	}
	return r.since
}

// takeOver goes on from the read of an earlier holder that left nothing
// missing, whose clock may differ by so much.
func (r *reconciliation) takeOver(covered historySpan, clocksDiffer time.Duration) {
	r.covered = historySpan{covered.until.Add(-clocksDiffer), covered.since.Add(clocksDiffer)}
}

// raise says that events may be missing since the chat was last complete.
func (r *reconciliation) raise(reason reconcileReason) {
	switch r.state {
	case inSync:
		r.since, r.reason, r.attempts = r.complete, reason, attempts{}
	case awaitingOrphan:
		r.attempts = attempts{}
	}
	r.state, r.reason, r.upTo = reconcileDue, max(r.reason, reason), time.Time{}
}

// expectOrphan says that a call may be given events, and may be on its way
// until then. The history is due already.
func (r *reconciliation) expectOrphan(now, until time.Time) {
	r.orphan = orphanedCall{reported: now, until: later(r.orphan.until, until)}
}

// callOrphaned says that a call may have taken something, and may take more.
func (r *reconciliation) callOrphaned(now, until time.Time) {
	r.raise(answerMayBeLost)
	r.expectOrphan(now, until)
}

// pollContended says that the contact center holds another poll of the chat,
// which nobody waits for. What it is given is looked for when it is gone: to
// read the history before would be too early, unless it is due anyway.
func (r *reconciliation) pollContended(now time.Time) {
	wasDue := r.isDue()
	r.callOrphaned(now, now.Add(orphanPatience))
	if !wasDue {
		r.state = awaitingOrphan
	}
}

// answerLost says that the answer to a call was lost that began then and may
// be on its way until then, unless that is covered.
func (r *reconciliation) answerLost(now, began, until time.Time, signaled bool) {
	if r.covers(began, until, signaled) {
		return
	}
	bounded, upTo := r.isInSync() || !r.upTo.IsZero(), r.upTo
	r.raise(answerMayBeLost)
	r.since = earlier(r.since, began)
	switch {
	case until.After(now):
		r.expectOrphan(now, until)
	case bounded && r.covered.until.After(until): // nothing was given to it since
		r.upTo = later(upTo, r.covered.until)
	}
}

// covers tells whether the history was read after the call could be given
// anything more, and a gap was told that has it.
func (r *reconciliation) covers(began, until time.Time, signaled bool) bool {
	return r.covered.until.After(until) && !(signaled && began.Before(r.covered.since))
}

// pollAnswered says that a poll that began then was answered then: nothing is
// missing up to its begin, but for what is to be reconciled.
func (r *reconciliation) pollAnswered(began, answered time.Time) {
	r.complete, r.answered = began, answered
	r.attempts.pollAnswered()
	if r.orphan.exists() && r.orphan.isGone(began, answered) {
		r.dropOrphan()
		r.attempts.odd, r.attempts.proven = 0, false
	}
}

// pollFailed says that a poll was not answered by the contact center.
func (r *reconciliation) pollFailed() { r.attempts.pollFailed() }

// gapTold says that an earlier holder has told a gap.
func (r *reconciliation) gapTold(g gap) { r.told.add(g) }

// chatEnds says that the next read is the last one, or that the session had
// ended before this one: no orphan is waited for.
func (r *reconciliation) chatEnds() { r.dropOrphan() }

func (r *reconciliation) dropOrphan() {
	r.orphan = orphanedCall{}
	if r.state == awaitingOrphan {
		r.state = reconcileDue
	}
}

// historyRead says that what is missing of a history, asked for then, has been
// published. Gaps are to be told where signaling may have been lost.
func (r *reconciliation) historyRead(asked time.Time, signaled bool) []gap {
	mayBeLost := r.reason >= orphanMayTake
	if mayBeLost {
		r.covered = historySpan{earlier(asked, r.answered), r.since}
	}
	switch {
	case r.orphan.exists():
		r.state, r.reason = awaitingOrphan, min(r.reason, orphanMayTake)
		return nil
	case mayBeLost && signaled && r.upTo.IsZero():
		return r.tellGap(asked)
	case mayBeLost && signaled:
		return r.tellGap(earlier(asked, r.upTo))
	}
	r.state = inSync
	return nil
}

// tellGap comes to rest with a gap up to then. Polls may have been answered since.
func (r *reconciliation) tellGap(until time.Time) []gap {
	r.state, r.complete = inSync, later(r.complete, until)
	return r.told.tell(gap{r.since, until})
}

// begin notes an attempt to read the history, and reports whether it is not
// the first one.
func (a *attempts) begin() (again bool) {
	again, a.begun = a.begun, true
	return again
}

// note takes in what one call came to.
func (a *attempts) note(failed, odd bool) {
	switch {
	case odd:
		a.odd++
	case !failed:
		a.odd, a.proven = 0, false
	}
}

// pollAnswered says that polls are well; the history is tried anew.
func (a *attempts) pollAnswered() {
	a.polled = true
	if a.areMany() {
		a.odd, a.proven = 0, true
	}
}

func (a *attempts) pollFailed() { a.polled, a.odd, a.proven = false, 0, false }

// areMany tells whether there were so many odd answers that another one tells no more.
func (a *attempts) areMany() bool { return a.odd >= oddMost }

// areVain tells whether the history was answered oddly too often, while polls were well.
func (a *attempts) areVain() bool { return a.proven && a.areMany() }

// historyFailure is why a history was not to be had.
type historyFailure int

const (
	historyNotAsked  historyFailure = iota + 1 // for the sake of others, or of the contact center
	historyRefused                             // for the configuration
	historyTransient                           // the contact center is away
	historyOdd                                 // the answer may not be the contact center's
	historyUnfound                             // nor this one, a bare 404
	historyGone                                // the contact center has no such chat: nothing is given to anybody any more
	historyDenied                              // for any other reason that does not pass
)

// historyVerdict is what becomes of a history that was not to be had.
type historyVerdict int

const (
	historyLater    historyVerdict = iota // it is tried again before the next poll
	historyUnneeded                       // nothing is likely to be missing: nothing is said
	historyGap                            // events may be missing for good: a gap is told
)

// historyFailed says that the history was not to be had by then. At the last
// chance nothing is put off. Gaps are to be told with the verdict historyGap.
func (r *reconciliation) historyFailed(now time.Time, failure historyFailure, last bool) (historyVerdict, []gap) {
	switch {
	case !last && r.mayReadLater(failure):
		return historyLater, nil
	case r.reason == endMissing:
		r.state = inSync
		return historyUnneeded, nil
	case failure == historyGone:
		r.orphan = orphanedCall{}
	case r.orphan.exists():
		r.state = awaitingOrphan
		return historyLater, nil
	}
	return historyGap, r.tellGap(now)
}

// mayReadLater tells whether a history is to be tried again before the next
// poll. One that is refused for the configuration is, too, but not where polls
// succeed all the same.
func (r *reconciliation) mayReadLater(failure historyFailure) bool {
	switch failure {
	case historyNotAsked:
		return true
	case historyRefused:
		return !r.attempts.polled
	case historyTransient:
		return true
	case historyOdd, historyUnfound:
		return !r.attempts.areVain()
	}
	return false
}
