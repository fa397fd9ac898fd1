package poller

import (
	"flag"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// check holds what must be true at any time.
func (m *modelChat) check() {
	if m.r.isInSync() == m.r.orphan.exists() && m.r.isInSync() {
		m.Fatalf("it is in sync, and %+v may be given something", m.r.orphan)
	}
	if m.r.state == awaitingOrphan && !m.r.orphan.exists() {
		m.Fatal("it awaits an orphan that is not there")
	}
	if !m.r.isInSync() {
		return
	}
	for _, o := range append(slices.Clone(m.onWay), m.held) {
		if o != nil && o.known {
			m.Fatalf("it is in sync, and an orphan of %v may still be given something until %v", o.lost, o.until)
		}
	}
	m.account()
}

// account holds what is published and told against what was given away to
// calls that the holder has heard of.
func (m *modelChat) account() {
	excused := map[int]int{}
	for _, l := range m.losses {
		covered := m.isInGap(l, l.at) && (slices.Contains(m.calls, l.to) || m.isInGap(l, l.made))
		switch {
		case !l.to.known, covered && m.denied:
			excused[l.look]++
		case l.signaling && l.first:
		case l.signaling && !covered:
			m.Fatalf("signaling of %v was lost at %v, and the gaps are %v", l.made, l.at, m.gaps)
		}
	}
	happened, waiting := map[int]int{}, map[int]int{}
	for _, e := range m.history {
		happened[e.look]++
	}
	for _, e := range m.pending {
		if !e.signaling {
			waiting[e.look]++
		}
	}
	for look, n := range happened {
		if m.seen[look] > n {
			m.Fatalf("of %d events that look like %d, %d are published", n, look, m.seen[look])
		}
		if missing := n - m.seen[look] - waiting[look]; missing > excused[look] {
			m.Fatalf("%d events that look like %d are missing, and no gap tells of %d", missing, look, missing-excused[look])
		}
	}
}

// isInGap tells whether a gap has a time that belongs to a loss: when the event
// was lost, and when it was made, which others than the holder's polls do not tell.
func (m *modelChat) isInGap(l loss, when time.Time) bool {
	return slices.ContainsFunc(m.gaps, func(g gap) bool {
		return !g.to.Before(when) && (!g.from.After(when) || l.at.Before(l.noticed))
	})
}

// settle lets all calls come to their end, and the holder read and poll in peace.
func (m *modelChat) settle() {
	m.serve()
	for _, o := range m.calls {
		m.tellOf(o)
	}
	for range 8 {
		m.pass(2 * modelCallTimeout)
		m.serve()
		if m.r.isDueBeforePoll(m.polled) {
			asked := m.now
			m.r.attempts.begin()
			m.publishMissing(m.history)
			m.pass(time.Millisecond)
			m.tellGaps(m.r.historyRead(asked, m.signaled))
			m.noteSync()
		}
		began := m.now
		m.pass(time.Second)
		m.polled = true
		m.answer(began)
	}
	if !m.r.isInSync() {
		m.Fatalf("it does not come to rest: %+v", m.r)
	}
	m.check()
}

// end closes the chat after a last poll: what is missing is looked for once.
func (m *modelChat) end() {
	for _, o := range m.calls {
		m.tellOf(o)
	}
	m.held, m.onWay = nil, nil
	m.answer(m.now)
	if m.may("a poll says that it is gone") {
		m.r.raise(endMissing)
	}
	m.pass(time.Millisecond)
	m.reconcileInPeace()
	if !m.r.isInSync() {
		m.Fatalf("after the last look it is not in sync: %+v", m.r)
	}
	m.account()
}

func (m *modelChat) reconcileInPeace() {
	m.r.chatEnds()
	if !m.r.isDue() {
		return
	}
	asked := m.now
	m.r.attempts.begin()
	m.pass(time.Millisecond)
	if failure := historyFailure(m.draw("last history", 10)); failure >= historyNotAsked && failure <= historyDenied {
		m.fail(failure, true)
		return
	}
	m.publishMissing(m.history)
	m.tellGaps(m.r.historyRead(asked, m.signaled))
}

// checkOften tries so many schedules.
func checkOften(t *testing.T, schedules string, property func(*rapid.T)) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	if err := checks.Value.Set(schedules); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = checks.Value.Set(before) }()
	rapid.Check(t, property)
}

// Whatever an orphaned call was given is read from the history or told as a
// gap, and no gap is told otherwise.
func TestWhateverAnOrphanTookIsReadOrTold(t *testing.T) {
	checkOften(t, "20000", func(t *rapid.T) {
		m := newModelChat(t)
		actions := []func(){m.happen, m.follow, m.follow, m.follow, func() { m.arrive(false) }, m.serve, m.command, m.stranger, m.tell, m.passALittle, m.passLong, m.takeOver}
		for range m.draw("length", 40) {
			actions[m.draw("action", len(actions))]()
			m.check()
			if m.gone {
				return
			}
		}
		if m.may("it ends") {
			m.end()
		} else {
			m.settle()
		}
	})
}
