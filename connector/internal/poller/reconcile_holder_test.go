package poller

import (
	"slices"
	"time"

	"cc-connector/connector/internal/replicas"
)

// What the holder of the model does with its reconciliation.

// follow is one round of the holder's loop.
func (m *modelChat) follow() {
	if m.r.isDueBeforePoll(m.polled) {
		m.reconcile(false)
	}
	m.poll()
}

func (m *modelChat) poll() {
	if m.gone {
		return
	}
	m.polled = true
	began := m.now
	m.meanwhile(false)
	if m.held != nil {
		m.held.known, m.suspects = true, true
		m.r.pollContended(m.now)
		return
	}
	if m.draw("finds no session", 5) == 0 { // the contact center fails over
		m.r.raise(endMissing)
		return
	}
	if m.draw("fails", 8) == 0 {
		m.well = false
		m.r.pollFailed()
		return
	}
	if m.draw("breaks before it arrives", 8) == 0 {
		m.breakOff(func(o *orphan) { m.onWay = append(m.onWay, o) })
		return
	}
	m.meanwhile(true)
	switch m.draw("poll", 8) {
	case 0: // nothing was given away
	case 1:
		m.breakOff(func(o *orphan) { m.held = o })
	case 2:
		m.breakOff(func(o *orphan) { m.lose(o, m.now) })
	default:
		m.answer(began)
	}
}

// breakOff loses a poll of the holder's own.
func (m *modelChat) breakOff(becomes func(*orphan)) {
	o := &orphan{isPoll: true, known: true, lost: m.now, until: m.now.Add(orphanPatience)}
	becomes(o)
	m.r.callOrphaned(m.now, o.until)
	m.r.pollFailed()
	m.suspects, m.well = true, false
}

func (m *modelChat) answer(began time.Time) {
	events, answered := m.pending, m.now
	m.pending = nil
	for _, e := range events {
		if !e.signaling && m.untaken[e.look] > 0 {
			m.untaken[e.look]--
			m.losses = append(m.losses, loss{e, m.now, &orphan{known: true}, m.now, false}) // unless it is the one that is published
			m.r.raise(eventMissing)
			m.suspects = true
			continue
		}
		m.publish(e)
		m.signaled = m.signaled || e.signaling
	}
	m.r.pollAnswered(began, answered)
	m.well = true
	m.noteSync()
}

func (m *modelChat) publish(e given) {
	m.complete = m.r.completeUntil()
	if !e.signaling {
		m.seen[e.look]++
	}
}

// reconcile is one attempt to read the history.
func (m *modelChat) reconcile(last bool) {
	if last {
		m.r.chatEnds()
	}
	if !m.r.isDue() {
		return
	}
	asked := m.now
	m.r.attempts.begin()
	m.meanwhile(false)
	listed := slices.Clone(m.history)
	m.meanwhile(false)
	if failure := historyFailure(m.draw("history", 18)); failure >= historyNotAsked && failure <= historyDenied {
		for odd := failure == historyOdd || failure == historyUnfound; odd && !m.r.attempts.areMany(); {
			m.r.attempts.note(true, true)
		}
		m.fail(failure, last)
		return
	}
	m.r.attempts.note(false, false)
	m.publishMissing(listed)
	told := m.r.historyRead(asked, m.signaled)
	if len(told) > 0 && !m.signaled {
		m.Fatalf("a gap is told though nothing can be lost")
	}
	m.tellGaps(told)
	m.noteSync()
}

func (m *modelChat) fail(failure historyFailure, last bool) {
	reason, well := m.r.reason, m.well
	if failure == historyGone { // it gives nothing to anybody any more, and may have given nothing
		m.lose(&orphan{known: reason != endMissing}, m.now)
		m.held, m.onWay, m.gone = nil, nil, true
	}
	orphan := m.r.orphan.exists()
	switch verdict, told := m.r.historyFailed(m.now, failure, last); {
	case verdict == historyGap:
		if reason == endMissing || !last && failure == historyNotAsked || !last && !well && (failure == historyOdd || failure == historyUnfound) {
			m.Fatalf("a gap is told for the reason %d when the history is not to be had for %d", reason, failure)
		}
		m.denied = true
		m.tellGaps(told)
	case len(told) > 0:
		m.Fatalf("the gaps %v come with the verdict %d", told, verdict)
	case verdict == historyLater && (last || failure == historyGone || failure == historyDenied && !orphan):
		m.Fatalf("it is put off, though it will not be had for %d", failure)
	case verdict == historyLater && m.r.isInSync():
		m.Fatal("a history that was not read is not due any more")
	}
	m.noteSync()
}

func (m *modelChat) publishMissing(listed []given) {
	met := map[int]int{}
	for _, e := range listed {
		if met[e.look]++; met[e.look] > m.seen[e.look] {
			m.publish(e)
			m.untaken[e.look]++
		}
	}
}

// tellGaps tells what may be lost once, when nothing more can be lost with it.
func (m *modelChat) tellGaps(gaps []gap) {
	for _, g := range gaps {
		reachesInto := func(told gap) bool { return g.from.Before(told.to) && told.from.Before(g.to) }
		switch {
		case g.from.Before(m.floor):
			m.Fatalf("a gap is told from %v on, and nothing was lost before %v", g.from, m.floor)
		case !g.from.Before(g.to):
			m.Fatalf("the gap %v has no length", g)
		case slices.ContainsFunc(m.gaps, reachesInto):
			m.Fatalf("the gap %v reaches into others: %v", g, m.gaps)
		case !m.suspects:
			m.Fatalf("the gap %v is told after %v, and nothing was lost since", g, m.gaps)
		case m.r.orphan.exists():
			m.Fatalf("the gap %v is told, and has to be told again when the orphan is gone", g)
		}
		m.gaps = append(m.gaps, g)
	}
	if len(gaps) > 0 {
		m.complete, m.suspects = m.r.completeUntil(), false
	}
}

func (m *modelChat) noteSync() {
	if m.r.isInSync() {
		m.suspects, m.floor = false, m.r.complete
	}
}

// takeOver brings another holder. What the earlier one knows of commands that
// are on their way ends with it; here they do not arrive any more.
func (m *modelChat) takeOver() {
	clean, covered := m.r.isInSync(), m.r.covered
	m.onWay = slices.DeleteFunc(m.onWay, func(o *orphan) bool { return !o.isPoll && o.known })
	if m.may("while it polls") {
		clean = false
		o := &orphan{isPoll: true, lost: m.now, until: m.now.Add(orphanPatience)}
		switch m.draw("its poll", 3) {
		case 0:
			m.onWay = append(m.onWay, o)
		case 1:
			if m.held == nil {
				m.held = o
			}
		case 2:
			m.lose(o, m.now)
		}
	}
	m.polled, m.well, m.r = false, false, reconciliation{complete: m.complete}
	for _, g := range m.gaps { // as the stream tells
		m.r.gapTold(g)
	}
	m.floor = earlier(m.floor, m.complete)
	if clean {
		m.r.takeOver(covered, replicas.ClockSkew)
		return
	}
	for _, o := range append(slices.Clone(m.onWay), m.held) {
		if o != nil && o.isPoll {
			o.known = true
		}
	}
	for i := range m.losses {
		if to := m.losses[i].to; to.isPoll && !slices.Contains(m.calls, to) { // of a stranger's it is told later
			to.known = true
		}
	}
	m.r.callOrphaned(m.now, m.now.Add(orphanPatience))
	m.suspects = true
	m.reconcile(false)
}
