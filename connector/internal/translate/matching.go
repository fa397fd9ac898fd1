package translate

import "maps"

// # Which of a history is published
//
// Two spellings agree if they tell something alike, and nothing that both tell
// differs. That is no equivalence: an event without a time agrees with two that are an hour apart.
// So what is missing of a history is not found by looking each event up, but
// by pairing: as many published events as can be get a listed one that they
// agree with, each its own, and what then is left of the list is missing. A
// published event that gets none, such as signaling, changes nothing.
//
// Who gets whom is tried from the likeliest on, in four steps:
//
//   - those that are the same in all (this file);
//   - those that share what few others have, such as an id (rare.go): whatever
//     else an event has, this leads to it;
//   - then any that agree (alike.go), those first that tell most;
//   - whoever got none is helped by having others change (augmenting paths, as
//     in Kuhn's algorithm: augment.go), so that no event is published twice only
//     because a look-alike took its partner.
//
// Of several partners, the one with most in common comes first, then the
// nearest in time, in the order in which they were published and are listed.
//
// To find who agrees with whom without comparing all with all, there is a bit
// for each listed event in a set for each field, and for each value that many
// have (rows.go). How many shapes the events have makes no difference to that.
//
// A history could be made so that all this takes long. The steps are counted,
// and when they are used up what has been found so far stands.
type matching struct {
	published, listed side
	bare              map[Fingerprint]int // published events of which no more is known
	steps             int
}

// mostSteps are a fraction of a second: each is some ten nanoseconds.
const mostSteps = 20_000_000

// unmatched returns which of the listed events are missing among the published.
func unmatched(published, listed []Likeness) []int {
	m := newMatching(published, listed)
	m.run()
	var missing []int
	for i, partner := range m.listed.partner {
		if partner == nobody {
			missing = append(missing, i)
		}
	}
	return missing
}

func newMatching(published, listed []Likeness) *matching {
	m := &matching{bare: map[Fingerprint]int{}}
	for _, l := range published {
		if !m.published.add(l) {
			m.bare[l.Fingerprint]++
		}
	}
	for _, l := range listed {
		m.listed.add(l)
	}
	return m
}

func (m *matching) run() {
	m.pairEqual(func(c candidate) string { return string(c.Fingerprint) + string(c.Identity) })
	m.pairBare()
	m.pairEqual(func(c candidate) string { return string(c.Identity) })
	m.pairRare()
	m.pairAlike()
	m.augmentAll()
}

// openNames are those of events without a partner, on both sides.
func (m *matching) openNames() map[uint32]bool {
	published, listed := m.published.freeNames(), m.listed.freeNames()
	maps.DeleteFunc(listed, func(name uint32, _ bool) bool { return !published[name] })
	return listed
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

func (m *matching) spend(steps int) { m.steps += steps }
func (m *matching) isSpent() bool   { return m.steps > mostSteps }
