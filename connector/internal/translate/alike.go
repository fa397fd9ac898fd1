package translate

import "slices"

// Pairing with one of many look-alikes: see matching.go.

// mostCompared of those that agree are looked at for the likeliest.
const mostCompared = 32

// pairAlike gives each event that has no partner the likeliest of the first
// that agree; those choose first that tell most.
func (m *matching) pairAlike() {
	names := m.openNames()
	r := newRows(&m.listed, m.listed.free(names))
	free, row := r.all(), r.empty()
	waiting := m.published.free(names)
	slices.SortStableFunc(waiting, func(a, b int) int { return m.published.events[b].tells() - m.published.events[a].tells() })
	for _, i := range waiting {
		if m.isSpent() {
			return
		}
		if k := m.likeliest(i, r, free, row); k != nobody {
			m.pair(i, r.members[k])
			free.clear(k)
		}
	}
}

// tells counts what can be compared.
func (t traits) tells() int {
	if t.timed {
		return len(t.parts) + 1
	}
	return len(t.parts)
}

// likeliest is where in the rows the event stands that is likeliest the same.
func (m *matching) likeliest(published int, r *rows, free, row bitset) int {
	c := &m.published.events[published]
	m.spend(r.fill(row, c))
	row.keep(free)
	best, place, compared := pair{}, nobody, 0
	for k := row.next(0); k != nobody && compared < mostCompared && !m.isSpent(); k = row.next(k + 1) {
		listed := &m.listed.events[r.members[k]]
		if m.spend(lookCost(c)); !c.agrees(listed.traits) {
			continue
		}
		compared++
		if p := pairOf(c.traits, listed.traits, published, r.members[k]); place == nobody || p.compare(best) < 0 {
			best, place = p, k
		}
	}
	return place
}

// lookCost is that of comparing an event with another one, in steps.
func lookCost(c *candidate) int { return 4 + len(c.parts) }

func (t traits) isSameSecond(other traits) bool { return t.at/second == other.at/second }
