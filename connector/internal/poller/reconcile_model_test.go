package poller

import (
	"slices"
	"time"

	"pgregory.net/rapid"
)

// A contact center and a chat's holder, as far as reconciliation goes. The
// contact center gives each event away once, to whatever call is there, and
// holds one poll at a time. Calls are orphaned on their way to it, or while it
// holds them. The holder does with its reconciliation what the real one does.

// given is an event of the contact center. Of several with the same look
// nobody can tell which is which. It may be held for long before it is given.
type given struct {
	look      int
	signaling bool // it is in no history
	made      time.Time
}

// orphan is a call that nobody waits for.
type orphan struct {
	isPoll bool
	lost   time.Time // when it was given up
	until  time.Time // it arrives before then, or not at all
	known  bool      // the holder has heard of it
}

// loss is an event that was given to nobody who publishes it.
type loss struct {
	given
	at      time.Time
	to      *orphan
	noticed time.Time // not before then was the call known to be lost
	first   bool      // nobody knew then that the chat has signaling
}

type modelChat struct {
	*rapid.T
	now time.Time

	// The contact center's side.
	pending []given
	history []given
	held    *orphan
	onWay   []*orphan
	gone    bool      // it has forgotten the chat
	calls   []*orphan // commands, of which the holder is told, perhaps late and perhaps twice
	losses  []loss

	// The holder's side.
	r        reconciliation
	polled   bool
	signaled bool
	seen     map[int]int
	untaken  map[int]int
	complete time.Time // as it was published last
	gaps     []gap
	denied   bool      // a history was not to be had, for good
	suspects bool      // something may be lost of which no gap has told
	well     bool      // the last poll was answered
	floor    time.Time // nothing was lost before
}

const modelCallTimeout = 5 * time.Second

func newModelChat(t *rapid.T) *modelChat {
	return &modelChat{
		T: t, now: reconcileEra, r: reconciliation{complete: reconcileEra}, complete: reconcileEra, floor: reconcileEra,
		seen: map[int]int{}, untaken: map[int]int{},
	}
}

func (m *modelChat) draw(label string, of int) int { return rapid.IntRange(0, of-1).Draw(m.T, label) }
func (m *modelChat) may(label string) bool         { return rapid.Bool().Draw(m.T, label) }

// pass lets time go on; calls that are on their way for too long never arrive.
func (m *modelChat) pass(d time.Duration) {
	m.now = m.now.Add(d)
	m.onWay = slices.DeleteFunc(m.onWay, func(o *orphan) bool { return !m.now.Before(o.until) })
}

func (m *modelChat) passALittle() { m.pass(time.Duration(1+m.draw("ms", 1500)) * time.Millisecond) }

func (m *modelChat) passLong() { m.pass(time.Duration(1+m.draw("s", 8)) * time.Second) }

func (m *modelChat) happen() {
	if m.gone {
		return
	}
	e := given{look: m.draw("look", 2), signaling: m.draw("signaling", 3) == 0, made: m.now}
	m.pending = append(m.pending, e)
	if !e.signaling {
		m.history = append(m.history, e)
	}
}

// lose gives all that is pending to a call of which the answer does not arrive.
func (m *modelChat) lose(to *orphan, noticed time.Time) {
	for _, e := range m.pending {
		m.losses = append(m.losses, loss{e, m.now, to, noticed, !m.signaled})
	}
	m.pending = nil
}

// arrive brings an orphaned call to the contact center. One poll is held at a time.
func (m *modelChat) arrive(polling bool) {
	if len(m.onWay) == 0 {
		return
	}
	i := m.draw("arrives", len(m.onWay))
	o := m.onWay[i]
	m.onWay = slices.Delete(m.onWay, i, i+1)
	switch {
	case !o.isPoll:
		m.lose(o, o.lost)
	case m.held == nil && !polling:
		m.held = o
	}
}

// serve ends the holding of an orphaned poll, by what is pending if anything is.
func (m *modelChat) serve() {
	if m.held != nil {
		m.lose(m.held, m.now)
		m.held = nil
	}
}

// command is one that was given up: on its way, or when it had its answer.
func (m *modelChat) command() {
	began := m.now
	o := &orphan{}
	if m.may("carried out") {
		m.lose(o, time.Time{})
	} else {
		m.onWay = append(m.onWay, o)
	}
	o.until = began.Add(3 * modelCallTimeout) // until it is given up
	m.passALittle()
	o.lost, o.until = m.now, m.now.Add(modelCallTimeout)
	for i := range m.losses {
		if m.losses[i].to == o {
			m.losses[i].noticed = m.now
		}
	}
	m.calls = append(m.calls, o)
}

// stranger is a poll of another replica, which thought that the chat was its own.
func (m *modelChat) stranger() {
	o := &orphan{isPoll: true, lost: m.now, until: m.now.Add(orphanPatience)}
	m.calls = append(m.calls, o)
	if m.held == nil && m.may("is there at once") {
		m.held = o
		return
	}
	m.onWay = append(m.onWay, o)
}

// tell has the holder know of a lost call. It does not say when that began.
func (m *modelChat) tell() {
	if len(m.calls) > 0 {
		m.tellOf(m.calls[m.draw("call", len(m.calls))])
	}
}

func (m *modelChat) tellOf(o *orphan) {
	if o == m.held && !m.now.Before(o.until) {
		return // it is in the way of the holder's polls, which tell of it before
	}
	o.known = true
	m.r.answerLost(m.now, o.lost, o.until, m.signaled)
	m.complete = m.r.completeUntil() // the next holder knows, too
	m.suspects = m.suspects || !m.r.isInSync()
	m.floor = earlier(m.floor, o.lost)
}

// meanwhile lets the world go on while a call of the holder's is under way.
func (m *modelChat) meanwhile(polling bool) {
	for range m.draw("meanwhile", 3) {
		switch m.draw("what", 6) {
		case 0:
			m.happen()
		case 1:
			m.arrive(polling)
		case 2:
			m.serve()
		case 3:
			m.tell()
		default:
			m.passALittle()
		}
	}
	m.pass(time.Millisecond)
}
