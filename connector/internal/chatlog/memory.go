package chatlog

import (
	"errors"
	"slices"

	"cc-connector/connector/internal/translate"
)

// # What is known of the events that are published
//
// Whoever holds a chat has to know each event that was ever published of it:
// by its fingerprint, for the ids of those to come, and by its identity, to
// find what is missing of a history. A chat may have any number of them, and
// there may be very many chats. So they are kept as a journal, a few dozen
// bytes an event, which only grows: what has been written down of it elsewhere
// need never be written again.
//
// An event that was published out of a history may still be given away by a
// poll (it is untaken). When that happens, the journal says so in an entry of
// its own. Where very many are untaken, an index finds the one that is meant; it
// is made when it is first needed, and forgotten when few are left.
//
// A poll may tell in whole seconds what the history told in milliseconds. So of
// several within a second it may take the wrong one, which shows when that one is
// given away and finds itself taken. Then the earlier taker gets another one
// instead. The next holder no longer knows who took what.

// Memory is what is known of a chat's published events.
type Memory struct {
	journal []byte
	counts  map[fingerprintKey]int
	untaken []int            // where in the journal the events stand that a history told and no poll has
	index   *translate.Index // of those, if it is needed
	takings []taking         // the last that may be wrong
}

// taking is an event of a history, and the spelling of it that came later.
type taking struct{ told, came translate.Likeness }

const mostTakings = 32

// ErrNoJournal says that something is not what a memory has written.
var ErrNoJournal = errors.New("the journal of published events cannot be read")

// NewMemory knows nothing.
func NewMemory() *Memory { return &Memory{counts: make(map[fingerprintKey]int)} }

// MemoryOf knows what earlier versions have kept: fingerprints alone.
func MemoryOf(seen, untaken translate.Counts) *Memory {
	m := NewMemory()
	for _, f := range sorted(seen) {
		for n := range seen[f] {
			m.add(translate.Likeness{Fingerprint: f}, n < untaken[f])
		}
	}
	return m
}

func sorted(counts translate.Counts) []translate.Fingerprint {
	all := make([]translate.Fingerprint, 0, len(counts))
	for f := range counts {
		all = append(all, f)
	}
	slices.Sort(all)
	return all
}

// ReadMemory knows what a journal says.
func ReadMemory(journal []byte) (*Memory, error) {
	m := NewMemory()
	for at := 0; at < len(journal); {
		e, length := readEntry(journal[at:])
		if length == 0 || e.isTaken && !m.forgetUntaken(e.taken) {
			return nil, ErrNoJournal
		}
		if !e.isTaken {
			m.note(at, e)
		}
		at += length
	}
	m.journal = slices.Clone(journal)
	return m, nil
}

// WithoutUntaken is a memory of the same events, none of which a poll may
// still give away.
func WithoutUntaken(pieces ...[]byte) *Memory {
	m := NewMemory()
	for _, piece := range pieces {
		for len(piece) > 0 {
			e, length := readEntry(piece)
			if length == 0 {
				break
			}
			if !e.isTaken {
				m.add(e.Likeness, false)
			}
			piece = piece[length:]
		}
	}
	return m
}

// Journal is all that is known; it must not be changed.
func (m *Memory) Journal() []byte { return m.journal }

// Seen is how many events with a fingerprint are published.
func (m *Memory) Seen(f translate.Fingerprint) int { return m.counts[keyOf(f)] }

// Counts are those that earlier versions know events by.
func (m *Memory) Counts() (seen, untaken translate.Counts) {
	seen, untaken = translate.Counts{}, translate.Counts{}
	for _, l := range m.likenesses() {
		seen[l.Fingerprint]++
	}
	for _, at := range m.untaken {
		e, _ := readEntry(m.journal[at:])
		untaken[e.Fingerprint]++
	}
	return seen, untaken
}

func (m *Memory) likenesses() []translate.Likeness {
	var all []translate.Likeness
	for rest := m.journal; len(rest) > 0; {
		e, length := readEntry(rest)
		if !e.isTaken {
			all = append(all, e.Likeness)
		}
		rest = rest[length:]
	}
	return all
}

// add remembers one more event.
func (m *Memory) add(l translate.Likeness, isUntaken bool) {
	e := entry{Likeness: l, untaken: isUntaken}
	e.Fingerprint = bounded(e.Fingerprint)
	m.note(len(m.journal), e)
	m.journal = e.appendTo(m.journal)
}

func (m *Memory) note(at int, e entry) {
	m.counts[keyOf(e.Fingerprint)]++
	if e.untaken {
		m.untaken = append(m.untaken, at)
		if m.index != nil {
			m.index.Add(at, e.Likeness)
		}
	}
}

// take tells whether an event is known that a history told and no poll has;
// that one is taken then, the likeliest of several.
func (m *Memory) take(l translate.Likeness) bool {
	at, hasRivals, found := m.find(l)
	if hasRivals {
		m.noteTaking(at, l)
	}
	if !found {
		at, found = m.retake(l)
	}
	if !found {
		return false
	}
	m.forgetUntaken(at)
	m.journal = entry{isTaken: true, taken: at}.appendTo(m.journal)
	return true
}

// retake gives an event one that was taken, if its taker can have another one:
// that one is taken then.
func (m *Memory) retake(l translate.Likeness) (at int, found bool) {
	for i, t := range m.takings {
		if !t.told.Agreement(l).IsWithinSecond() {
			continue
		}
		if at, _, found := m.find(t.came); found && m.told(at).Agreement(t.came).IsWithinSecond() {
			m.takings[i].came = l
			m.noteTaking(at, t.came)
			return at, true
		}
	}
	return 0, false
}

func (m *Memory) told(at int) translate.Likeness {
	e, _ := readEntry(m.journal[at:])
	return e.Likeness
}

func (m *Memory) noteTaking(at int, came translate.Likeness) {
	m.takings = append(m.takings, taking{m.told(at), came})
	if len(m.takings) > mostTakings {
		m.takings = slices.Delete(m.takings, 0, 1)
	}
}

// mostCompared are looked at one by one.
const mostCompared = 512

// find also tells whether others within the same second may be meant as well.
func (m *Memory) find(l translate.Likeness) (at int, hasRivals, found bool) {
	if len(m.untaken) <= mostCompared {
		m.index = nil
		return m.compare(l)
	}
	if m.index == nil {
		m.index = translate.NewIndex()
		for _, at := range m.untaken {
			m.index.Add(at, m.told(at))
		}
	}
	at, found = m.index.Likeliest(l)
	return at, found, found
}

func (m *Memory) compare(l translate.Likeness) (best int, hasRivals, found bool) {
	var most translate.Agreement
	near := 0
	for _, at := range m.untaken {
		agreement := m.told(at).Agreement(l)
		if agreement.IsWithinSecond() {
			near++
		}
		if agreement.Exists() && (!found || agreement.IsCloser(most)) {
			best, most, found = at, agreement, true
		}
	}
	return best, near > 1, found
}

func (m *Memory) forgetUntaken(at int) bool {
	i, found := slices.BinarySearch(m.untaken, at)
	if found {
		m.untaken = slices.Delete(m.untaken, i, i+1)
		if m.index != nil {
			m.index.Remove(at)
		}
	}
	if len(m.untaken) == 0 {
		m.takings = nil
	}
	return found
}
