package translate

import "slices"

// # Which of a history is published
//
// Two spellings agree if they tell something alike, and nothing that both tell
// differs. That is no equivalence: an event without a time agrees with two that are an hour apart.
// So what is missing of a history is not found by looking each event up, but
// by pairing: as many published events as can be get a listed one that they
// agree with, each its own, and what then is left of the list is missing. A
// published event that gets none, such as signaling, changes nothing.
//
// Who gets whom is tried from the likeliest on: first those that are the same
// in all; then those that have most in common, the nearest in time first, in
// the order in which they were published and are listed. Whoever got none is
// then helped by having others change (augmenting paths, as in Kuhn's
// algorithm), so that no event is published twice only because a look-alike
// took its partner.
//
// To find who agrees with whom without comparing all with all, events are
// grouped by the fields that they tell. All events of one group have the same
// fields in common with all events of another, so a table of the hashes of
// those leads from one to its partners.
//
// A history could be made so that all this takes long. The steps are counted,
// and when they are used up what has been found so far stands.
type matching struct {
	published, listed side
	bare              map[Fingerprint]int // published events of which no more is known
	tables            map[pairing]table
	seen              []bool // listed events that lead to none that is free
	steps             int
}

// mostSteps are a fraction of a second.
const mostSteps = 4_000_000

// side is one of the two, in its order.
type side struct {
	events  []candidate
	partner []int // of each event, on the other side; nobody if it has none
	groups  []*group
}

type candidate struct {
	Likeness
	traits
	group *group
}

const nobody = -1

// unmatched returns which of the listed events are missing among the published.
func unmatched(published, listed []Likeness) []int {
	m := &matching{bare: map[Fingerprint]int{}, tables: map[pairing]table{}}
	for _, l := range published {
		m.addPublished(l)
	}
	for _, l := range listed {
		m.listed.add(l)
	}
	m.run()
	var missing []int
	for i, partner := range m.listed.partner {
		if partner == nobody {
			missing = append(missing, i)
		}
	}
	return missing
}

func (m *matching) addPublished(l Likeness) {
	if !m.published.add(l) {
		m.bare[l.Fingerprint]++
	}
}

func (s *side) add(l Likeness) (isKnown bool) {
	t, ok := l.Identity.read()
	if ok {
		s.events, s.partner = append(s.events, candidate{Likeness: l, traits: t}), append(s.partner, nobody)
	}
	return ok
}

func (m *matching) run() {
	m.pairEqual(func(c candidate) string { return string(c.Fingerprint) + string(c.Identity) })
	m.pairBare()
	m.pairEqual(func(c candidate) string { return string(c.Identity) })
	if m.published.countFree() == 0 || m.listed.countFree() == 0 {
		return
	}
	m.group()
	pairs := m.pairs()
	for _, p := range pairs {
		p.details = true
		m.pairAlong(p)
		p.details = false
		m.pairAlong(p)
	}
	m.augmentAll(pairs)
}

func (s *side) countFree() (count int) {
	for _, partner := range s.partner {
		if partner == nobody {
			count++
		}
	}
	return count
}

// pairEqual pairs those that are the same by some key, in their order.
func (m *matching) pairEqual(key func(candidate) string) {
	free := map[string][]int{}
	for i, c := range m.listed.events {
		if m.listed.partner[i] == nobody {
			free[key(c)] = append(free[key(c)], i)
		}
	}
	for i, c := range m.published.events {
		if m.published.partner[i] != nobody {
			continue
		}
		if same := free[key(c)]; len(same) > 0 {
			m.pair(i, same[0])
			free[key(c)] = same[1:]
		}
	}
}

// taken stands for a published event of which only the fingerprint is known.
const taken = -2

func (m *matching) pairBare() {
	for i, c := range m.listed.events {
		if m.listed.partner[i] == nobody && m.bare[c.Fingerprint] > 0 {
			m.bare[c.Fingerprint]--
			m.listed.partner[i] = taken
		}
	}
}

func (m *matching) pair(published, listed int) {
	m.published.partner[published], m.listed.partner[listed] = listed, published
}

// pairAlong pairs the events of two groups that have no partner.
func (m *matching) pairAlong(p pairing) {
	for _, i := range p.published.members {
		if m.published.partner[i] != nobody {
			continue
		}
		if best := m.nearest(i, p); best != nobody {
			m.pair(i, best)
		}
		if m.isSpent() {
			return
		}
	}
}

// nearest is the free listed event of a pairing that is likeliest the same.
func (m *matching) nearest(published int, p pairing) int {
	best, c := nobody, m.published.events[published]
	for _, i := range m.partners(published, p) {
		if m.spend(1); m.isSpent() {
			break
		}
		listed := m.listed.events[i]
		switch {
		case m.listed.partner[i] != nobody || !c.agrees(listed.traits):
		case best == nobody || c.isNearer(listed.traits, m.listed.events[best].traits):
			best = i
		case c.isSameSecond(m.listed.events[best].traits): // they only go farther away
			return best
		}
		if best != nobody && (!c.timed || !listed.timed) {
			break
		}
	}
	return best
}

// isNearer prefers the same second to another one.
func (t traits) isNearer(one, other traits) bool {
	if same := t.isSameSecond(one); same != t.isSameSecond(other) {
		return same
	}
	return distance(t.at, one.at) < distance(t.at, other.at)
}

func (t traits) isSameSecond(other traits) bool { return t.at/second == other.at/second }

// partners are the listed events of a pairing that may agree with a published one.
func (m *matching) partners(published int, p pairing) []int {
	c := m.published.events[published]
	list := m.open(p, c.hash(p.listed.fields, p.details))
	if !c.timed || !p.listed.timed {
		return list
	}
	from, _ := slices.BinarySearchFunc(list, c.at-second, m.compareTime)
	to, _ := slices.BinarySearchFunc(list, c.at+second, m.compareTime)
	return list[from:to]
}

// open is a list of the table, without the paired ones that it begins with:
// they are dropped for good, until others may change.
func (m *matching) open(p pairing, hash uint64) []int {
	table := m.table(p)
	list := table[hash]
	for m.seen == nil && len(list) > 0 && m.listed.partner[list[0]] != nobody {
		list = list[1:]
	}
	if table[hash] != nil {
		m.spend(len(table[hash]) - len(list))
		table[hash] = list
	}
	return list
}

func (m *matching) compareTime(listed int, at int64) int {
	return int(m.listed.events[listed].at - at)
}

// augmentAll helps those who got no partner, while that may help.
func (m *matching) augmentAll(pairs []pairing) {
	of := map[*group][]pairing{}
	for _, p := range pairs {
		of[p.published] = append(of[p.published], p)
	}
	clear(m.tables) // some lists have been shortened
	m.seen = make([]bool, len(m.listed.events))
	free := m.listed.countFree()
	for i, c := range m.published.events {
		if free == 0 || m.isSpent() {
			return
		}
		if m.published.partner[i] == nobody && c.group != nil && m.augment(i, of) {
			free--
			clear(m.seen)
		}
	}
}

// augment finds a partner for a published event, if need be by having others
// change theirs. What was seen in vain need not be looked at again.
func (m *matching) augment(published int, of map[*group][]pairing) bool {
	c := m.published.events[published]
	for _, p := range of[c.group] {
		for _, i := range m.partners(published, p) {
			if m.spend(1); m.isSpent() {
				return false
			}
			if m.seen[i] || m.listed.partner[i] == taken || !c.agrees(m.listed.events[i].traits) {
				continue
			}
			m.seen[i] = true
			if m.listed.partner[i] == nobody || m.augment(m.listed.partner[i], of) {
				m.pair(published, i)
				return true
			}
		}
	}
	return false
}

func (m *matching) spend(steps int) { m.steps += steps }
func (m *matching) isSpent() bool   { return m.steps > mostSteps }
