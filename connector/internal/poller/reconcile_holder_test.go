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
	m.suspects = true
}

func (m *modelChat) answer(began time.Time) {
	events, answered := m.pending, m.now
	m.pending = nil
	for _, e := range events {
		if !e.signaling && m.untaken[e.look] > 0 {
			m.untaken[e.look]--
			m.losses = append(m.losses, loss{e, m.now, &orphan{known: true}, m.now, false}) // unless it is the one that is published
			m.r.raise(eventMissing)
			continue
		}
		m.publish(e)
		m.signaled = m.signaled || e.signaling
	}
	m.r.pollAnswered(began, answered)
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
	since := m.r.since
	if failure := historyFailure(m.draw("history", 16)); failure >= historyNotAsked && failure <= historyDenied {
		m.r.attempts.note(true, failure == historyTransient)
		m.fail(failure, since, last)
		return
	}
	m.r.attempts.note(false, false)
	m.publishMissing(listed)
	suspected := m.suspects
	if m.r.historyRead(asked, m.signaled) {
		if !m.signaled || !suspected {
			m.Fatalf("a gap is told though nothing can be lost")
		}
		if m.r.orphan.exists() {
			m.Fatalf("a gap is told, and has to be told again when the orphan is gone")
		}
		m.tellGap(since)
	}
	m.noteSync()
}

func (m *modelChat) fail(failure historyFailure, since time.Time, last bool) {
	reason := m.r.reason
	if failure == historyGone { // it gives nothing to anybody any more
		m.lose(&orphan{known: true}, m.now)
		m.held, m.onWay, m.gone = nil, nil, true
	}
	switch verdict := m.r.historyFailed(m.now, failure, last); {
	case verdict == historyGap:
		if reason == endMissing || !last && failure == historyNotAsked {
			m.Fatalf("a gap is told for the reason %d when the history is not to be had for %d", reason, failure)
		}
		m.denied = true
		m.tellGap(since)
	case verdict == historyLater && (last || failure == historyDenied || failure == historyGone):
		m.Fatalf("it is put off, though it will not be had for %d", failure)
	case verdict == historyLater && !m.r.isDue():
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

func (m *modelChat) tellGap(since time.Time) {
	if since.Before(m.floor) {
		m.Fatalf("a gap is told from %v on, and nothing was lost before %v", since, m.floor)
	}
	m.gaps = append(m.gaps, toldGap{since, m.now})
	m.complete = m.r.completeUntil()
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
	m.polled, m.r = false, reconciliation{complete: m.complete}
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
