package poller

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// reconcileEra is when the scenes of the tables play.
var reconcileEra = time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)

func second(n int) time.Time { return reconcileEra.Add(time.Duration(n) * time.Second) }

// The states from which each event is tried. Their attempts have begun, so
// that it shows whether they begin anew.
var (
	stale     = attempts{begun: true, polled: true, odd: 2}
	synced    = reconciliation{complete: second(100), attempts: stale, answered: second(99)}
	dueSilent = reconciliation{state: reconcileDue, reason: endMissing, complete: second(90), since: second(80), attempts: stale, answered: second(99)}
	dueEvent  = reconciliation{state: reconcileDue, reason: eventMissing, complete: second(90), since: second(80), attempts: stale, answered: second(99)}
	dueLost   = reconciliation{state: reconcileDue, reason: answerMayBeLost, complete: second(90), since: second(80), attempts: stale, answered: second(99)}
	dueOrphan = changed(dueLost, func(r *reconciliation) { r.orphan = orphanedCall{second(85), second(95)} })
	awaiting  = changed(dueOrphan, func(r *reconciliation) { r.state, r.reason = awaitingOrphan, orphanMayTake })
)

func changed(r reconciliation, change func(*reconciliation)) reconciliation {
	change(&r)
	return r
}

// Each cell of the table that the essay has: what a state becomes by an event.
func TestReconciliationTable(t *testing.T) {
	now := second(110)
	var told []gap
	var verdict historyVerdict
	raise := func(reason reconcileReason) func(*reconciliation) {
		return func(r *reconciliation) { r.raise(reason) }
	}
	orphaned := func(r *reconciliation) { r.callOrphaned(now, second(120)) }
	contended := func(r *reconciliation) { r.pollContended(now) }
	polled := func(began, answered int) func(*reconciliation) {
		return func(r *reconciliation) { r.pollAnswered(second(began), second(answered)) }
	}
	read := func(signaled bool) func(*reconciliation) {
		return func(r *reconciliation) { told = r.historyRead(second(105), signaled) }
	}
	failed := func(failure historyFailure, last bool) func(*reconciliation) {
		return func(r *reconciliation) { verdict, told = r.historyFailed(now, failure, last) }
	}
	lost := func(began, until int, signaled bool) func(*reconciliation) {
		return func(r *reconciliation) { r.answerLost(now, second(began), second(until), signaled) }
	}
	last := func(r *reconciliation) { r.chatEnds() }
	covers := func(r *reconciliation) { r.covered = historySpan{second(99), second(80)} } // what a poll was answered after
	inSyncAt := func(n int) func(*reconciliation) {
		return func(r *reconciliation) { r.state, r.complete = inSync, second(n) }
	}
	orphan := func(from, to int) func(*reconciliation) {
		return func(r *reconciliation) { r.orphan = orphanedCall{second(from), second(to)} }
	}
	all := func(changes ...func(*reconciliation)) func(*reconciliation) {
		return func(r *reconciliation) {
			for _, change := range changes {
				change(r)
			}
		}
	}
	due := func(reason reconcileReason, since int) func(*reconciliation) {
		return func(r *reconciliation) { r.state, r.reason, r.since = reconcileDue, reason, second(since) }
	}
	waits := func(reason reconcileReason, since int) func(*reconciliation) {
		return func(r *reconciliation) { r.state, r.reason, r.since = awaitingOrphan, reason, second(since) }
	}
	anew := func(r *reconciliation) { r.attempts = attempts{} }
	complete := func(began, answered int) func(*reconciliation) {
		return func(r *reconciliation) { r.complete, r.answered = second(began), second(answered) }
	}
	odd := func(n int, proven bool) func(*reconciliation) {
		return func(r *reconciliation) { r.attempts.odd, r.attempts.proven = n, proven }
	}
	unwell := func(r *reconciliation) { r.attempts = attempts{begun: true} }
	tells := func(from, to int) func(*reconciliation) {
		return func(r *reconciliation) { r.told.add(gap{second(from), second(to)}) }
	}
	upTo := func(n int) func(*reconciliation) {
		return func(r *reconciliation) { r.upTo = second(n) }
	}
	covered := func(r reconciliation) reconciliation {
		return changed(r, func(r *reconciliation) { r.covered = historySpan{second(98), second(70)} })
	}
	same := func(*reconciliation) {}
	lost80, lost80to105 := []gap{{second(80), second(110)}}, []gap{{second(80), second(105)}}

	for _, c := range []struct {
		name    string
		from    reconciliation
		event   func(*reconciliation)
		change  func(*reconciliation)
		told    []gap
		verdict historyVerdict
	}{
		{"raise: in sync", synced, raise(eventMissing), all(due(eventMissing, 100), anew), nil, 0},
		{"raise: due, a greater reason", dueEvent, raise(answerMayBeLost), due(answerMayBeLost, 80), nil, 0},
		{"raise: due, a lesser reason", dueLost, raise(eventMissing), same, nil, 0},
		{"raise: awaiting, a lesser reason", awaiting, raise(eventMissing), all(due(orphanMayTake, 80), anew), nil, 0},
		{"raise: awaiting, a greater reason", awaiting, raise(answerMayBeLost), all(due(answerMayBeLost, 80), anew), nil, 0},

		{"orphaned: in sync", synced, orphaned, all(due(answerMayBeLost, 100), anew, orphan(110, 120)), nil, 0},
		{"orphaned: due", dueEvent, orphaned, all(due(answerMayBeLost, 80), orphan(110, 120)), nil, 0},
		{"orphaned: awaiting", awaiting, orphaned, all(due(answerMayBeLost, 80), anew, orphan(110, 120)), nil, 0},
		{
			"orphaned: another may be on its way for longer", changed(awaiting, orphan(85, 200)), orphaned,
			all(due(answerMayBeLost, 80), anew, orphan(110, 200)), nil, 0,
		},

		{"contended: in sync", synced, contended, all(waits(answerMayBeLost, 100), anew, orphan(110, 111)), nil, 0},
		{"contended: due", dueEvent, contended, all(due(answerMayBeLost, 80), orphan(110, 111)), nil, 0},
		{"contended: awaiting", awaiting, contended, all(waits(answerMayBeLost, 80), anew, orphan(110, 111)), nil, 0},

		{"lost: in sync, and nothing was read", synced, lost(60, 97, false), all(due(answerMayBeLost, 60), anew), nil, 0},
		{"lost: in sync, covered", covered(synced), lost(60, 97, false), same, nil, 0},
		{"lost: due, covered", covered(dueEvent), lost(60, 97, false), same, nil, 0},
		{"lost: awaiting, covered", covered(awaiting), lost(60, 97, false), same, nil, 0},
		{"lost: with signaling, a gap has it", covered(synced), lost(75, 97, true), same, nil, 0},
		{"lost: with signaling, no gap has it", covered(synced), lost(60, 97, true), all(due(answerMayBeLost, 60), anew, upTo(98)), nil, 0},
		{"lost: read before it was over", covered(synced), lost(60, 98, false), all(due(answerMayBeLost, 60), anew), nil, 0},
		{"lost: due, later", dueEvent, lost(85, 97, false), due(answerMayBeLost, 80), nil, 0},
		{"lost: due, earlier", dueEvent, lost(75, 97, false), due(answerMayBeLost, 75), nil, 0},
		{"lost: due, and up to then", covered(changed(dueEvent, upTo(96))), lost(65, 97, true), all(due(answerMayBeLost, 65), upTo(98)), nil, 0},
		{"lost: due, and up to no time", covered(dueEvent), lost(65, 97, true), due(answerMayBeLost, 65), nil, 0},
		{"lost: awaiting", awaiting, lost(75, 97, false), all(due(answerMayBeLost, 75), anew), nil, 0},
		{"lost: on its way still", synced, lost(105, 120, false), all(due(answerMayBeLost, 100), anew, orphan(110, 120)), nil, 0},

		{"polled: in sync", synced, polled(101, 102), complete(101, 102), nil, 0},
		{"polled: due, without an orphan", dueLost, polled(101, 102), complete(101, 102), nil, 0},
		{"polled: due, the orphan is gone", dueOrphan, polled(86, 95), all(complete(86, 95), orphan0, odd(0, false)), nil, 0},
		{"polled: awaiting, and it is gone", awaiting, polled(86, 95), all(complete(86, 95), orphan0, due(orphanMayTake, 80), odd(0, false)), nil, 0},
		{"polled: it may be on its way still", awaiting, polled(86, 94), complete(86, 94), nil, 0},
		{"polled: a poll that began before", awaiting, polled(85, 99), complete(85, 99), nil, 0},

		{"read: an event", dueEvent, read(true), inSyncAt(90), nil, 0},
		{"read: lost", dueLost, read(false), all(inSyncAt(90), covers), nil, 0},
		{"read: lost, signaling", dueLost, read(true), all(inSyncAt(105), covers, tells(80, 105)), lost80to105, 0},
		{"read: orphan", dueOrphan, read(false), all(waits(orphanMayTake, 80), covers), nil, 0},
		{"read: orphan, signaling", dueOrphan, read(true), all(waits(orphanMayTake, 80), covers), nil, 0},
		{
			"read: an event, orphan and signaling", changed(dueEvent, orphan(85, 95)), read(true),
			all(waits(eventMissing, 80), orphan(85, 95)), nil, 0,
		},
		{
			"read: what the orphan took, signaling", changed(dueLost, func(r *reconciliation) { r.reason = orphanMayTake }), read(true),
			all(inSyncAt(105), covers, tells(80, 105)), lost80to105, 0,
		},

		{"failed: not asked", dueOrphan, failed(historyNotAsked, false), same, nil, historyLater},
		{"failed: for the moment", dueOrphan, failed(historyTransient, false), same, nil, historyLater},
		{"failed: odd", changed(dueLost, odd(oddMost, false)), failed(historyOdd, false), same, nil, historyLater},
		{"failed: odd, and polls were well", changed(dueLost, odd(oddMost-1, true)), failed(historyUnfound, false), same, nil, historyLater},
		{"failed: odd too often while polls are well", changed(dueLost, odd(oddMost, true)), failed(historyOdd, false), all(inSyncAt(110), tells(80, 110)), lost80, historyGap},
		{"failed: not found too often while polls are well", changed(dueLost, odd(oddMost, true)), failed(historyUnfound, false), all(inSyncAt(110), tells(80, 110)), lost80, historyGap},
		{"failed: misconfigured, polls succeed", dueLost, failed(historyRefused, false), all(inSyncAt(110), tells(80, 110)), lost80, historyGap},
		{"failed: misconfigured", changed(dueLost, anew), failed(historyRefused, false), same, nil, historyLater},
		{"failed: for good", dueLost, failed(historyDenied, false), all(inSyncAt(110), tells(80, 110)), lost80, historyGap},
		{"failed: for good, orphan", dueOrphan, failed(historyDenied, false), waits(answerMayBeLost, 80), nil, historyLater},
		{"failed: gone, orphan", dueOrphan, failed(historyGone, false), all(orphan0, inSyncAt(110), tells(80, 110)), lost80, historyGap},
		{"failed: for good, the end", dueSilent, failed(historyDenied, false), inSyncAt(90), nil, historyUnneeded},
		{"failed: the last chance", dueEvent, failed(historyTransient, true), all(inSyncAt(110), tells(80, 110)), lost80, historyGap},
		{"failed: the last chance, not asked", dueEvent, failed(historyNotAsked, true), all(inSyncAt(110), tells(80, 110)), lost80, historyGap},
		{"failed: the last chance, the end", dueSilent, failed(historyTransient, true), inSyncAt(90), nil, historyUnneeded},

		{"polls fail: due", changed(dueLost, odd(2, true)), func(r *reconciliation) { r.pollFailed() }, unwell, nil, 0},
		{"polls fail, and are well: due", changed(dueLost, odd(oddMost, false)), polled(101, 102), all(complete(101, 102), odd(0, true)), nil, 0},
		{"failed: for good, a gap was told", changed(dueLost, tells(75, 90)), failed(historyDenied, false), all(inSyncAt(110), tells(90, 110)), []gap{{second(90), second(110)}}, historyGap},
		{"read: lost, signaling up to then", changed(dueLost, upTo(100)), read(true), all(inSyncAt(100), covers, tells(80, 100)), []gap{{second(80), second(100)}}, 0},
		{"read: lost, signaling up to a poll that was answered", changed(dueLost, upTo(85)), read(true), all(inSyncAt(90), covers, tells(80, 85)), []gap{{second(80), second(85)}}, 0},

		{"last read: in sync", synced, last, same, nil, 0},
		{"last read: due", dueOrphan, last, orphan0, nil, 0},
		{"last read: awaiting", awaiting, last, all(orphan0, due(orphanMayTake, 80)), nil, 0},
	} {
		got, want := c.from, c.from
		told, verdict = nil, 0
		c.event(&got)
		c.change(&want)
		if !reflect.DeepEqual(normal(got), normal(want)) {
			t.Errorf("%s:\n     %+v\nwant %+v", c.name, normal(got), normal(want))
		}
		if !slices.Equal(told, c.told) || verdict != c.verdict {
			t.Errorf("%s: the gaps %v are told, verdict %d; want %v, %d", c.name, told, verdict, c.told, c.verdict)
		}
	}
}

func orphan0(r *reconciliation) { r.orphan = orphanedCall{} }

// normal leaves out what has no meaning in sync.
func normal(r reconciliation) reconciliation {
	if r.isInSync() {
		r.reason, r.since, r.upTo, r.attempts = 0, time.Time{}, time.Time{}, attempts{}
	}
	return r
}

func TestReconciliationQuestions(t *testing.T) {
	for _, c := range []struct {
		name     string
		r        reconciliation
		due      bool
		complete time.Time
	}{
		{"in sync", synced, false, second(100)},
		{"due", dueLost, true, second(80)},
		{"due, with an orphan", dueOrphan, true, second(80)},
		{"awaiting", awaiting, false, second(80)},
	} {
		if c.r.isDue() != c.due || !c.r.completeUntil().Equal(c.complete) || c.r.isInSync() != (c.r.state == inSync) {
			t.Errorf("%s: due %v, complete until %v", c.name, c.r.isDue(), c.r.completeUntil())
		}
	}
	tried := changed(dueLost, func(r *reconciliation) { r.attempts = attempts{begun: true} })
	untried := changed(dueLost, func(r *reconciliation) { r.attempts = attempts{} })
	if tried.isDueBeforePoll(false) || !tried.isDueBeforePoll(true) || !untried.isDueBeforePoll(false) || awaiting.isDueBeforePoll(true) {
		t.Error("a history that was not to be had at the takeover waits for the first poll, and no other")
	}
}

func TestAttempts(t *testing.T) {
	var a attempts
	if a.begin() || !a.begin() {
		t.Error("the second attempt is the one that comes again")
	}
	odd, failed, read := func() { a.note(true, true) }, func() { a.note(true, false) }, func() { a.note(false, false) }
	for i, step := range []struct {
		do   func()
		many bool
		vain bool
	}{
		{odd, false, false}, {odd, false, false}, {failed, false, false}, {odd, true, false}, {odd, true, false},
		{a.pollAnswered, false, false}, {odd, false, false}, {odd, false, false}, {odd, true, true},
		{a.pollFailed, false, false}, {odd, false, false}, {odd, false, false}, {odd, true, false},
		{a.pollAnswered, false, false}, {a.pollAnswered, false, false}, {read, false, false}, {odd, false, false}, {odd, false, false}, {odd, true, false},
	} {
		if step.do(); a.areMany() != step.many || a.areVain() != step.vain {
			t.Errorf("%d: many: %v, in vain: %v", i, a.areMany(), a.areVain())
		}
	}
}

// Another replica's clock may be before or behind: what it read covers less.
func TestTakenOverReadCoversLess(t *testing.T) {
	r := reconciliation{complete: second(100)}
	r.takeOver(historySpan{second(98), second(70)}, time.Second)
	if r.covers(second(60), second(97), false) || !r.covers(second(60), second(96), false) {
		t.Errorf("read at %v", r.covered.until)
	}
	if r.covers(second(70), second(90), true) || !r.covers(second(71), second(90), true) {
		t.Errorf("told since %v", r.covered.since)
	}
}
