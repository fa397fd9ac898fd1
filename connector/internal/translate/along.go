package translate

import "slices"

// Pairing the events of two groups: see matching.go.

// table leads from the hash of what a pairing's events have in common to the
// listed ones, which are in the order of time.
type table struct {
	all     []int // if they are few, they are all looked at
	hashed  map[uint64][]int
	fields  []field // whose values are hashed
	details bool    // are hashed, too
}

// fewLooks are cheaper than a table.
const fewLooks = 64

// pairAlong pairs the events of two groups that have no partner.
func (m *matching) pairAlong(p pairing) (found bool) {
	published, listed := m.published.freeOf(p.published), m.listed.freeOf(p.listed)
	if len(published) == 0 || len(listed) == 0 {
		return false
	}
	t := m.wanted(p, published, listed)
	for _, i := range published {
		c := &m.published.events[i]
		hash := t.hash(c.traits)
		list := t.list(hash)
		if at := m.nearest(c, list, p); at != nobody {
			m.pair(i, list[at])
			t.drop(hash, at)
			m.spend(len(list) / 32)
			found = true
		}
		if m.isSpent() {
			break
		}
	}
	return found
}

// wanted is a table of only those listed events that some published one asks for.
func (m *matching) wanted(p pairing, published, listed []int) *table {
	if len(published)*len(listed) <= fewLooks {
		return &table{all: slices.Clone(listed)}
	}
	t := &table{hashed: make(map[uint64][]int), fields: p.fields(), details: p.details}
	for _, i := range published {
		t.hashed[t.hash(m.published.events[i].traits)] = nil
	}
	for _, i := range listed {
		hash := t.hash(m.listed.events[i].traits)
		if list, isWanted := t.hashed[hash]; isWanted {
			t.hashed[hash] = append(list, i)
		}
	}
	m.spend(p.hashCost() * (len(published) + len(listed)))
	return t
}

// hashCost is that of one hash and where it is kept, in steps.
func (p pairing) hashCost() int { return 8 + p.published.hashCost() + p.listed.hashCost() }
func (g *group) hashCost() int  { return len(g.fields) / 2 }

func (t *table) hash(of traits) uint64 {
	if t.hashed == nil {
		return 0
	}
	return of.hash(t.fields, t.details)
}

func (t *table) list(hash uint64) []int {
	if t.hashed == nil {
		return t.all
	}
	return t.hashed[hash]
}

// drop takes an event off its list.
func (t *table) drop(hash uint64, at int) {
	list := t.list(hash)
	if at == 0 {
		list = list[1:]
	} else {
		list = slices.Delete(list, at, at+1)
	}
	if t.hashed == nil {
		t.all = list
	} else {
		t.hashed[hash] = list
	}
}

// hash is of the parts of some fields.
func (t traits) hash(fields []field, details bool) uint64 {
	const odd = 0x9e3779b97f4a7c15
	h := uint64(odd)
	if details {
		h += uint64(t.details)
	}
	for _, p := range t.parts {
		for len(fields) > 0 && fields[0] < p.field() {
			fields = fields[1:]
		}
		if len(fields) == 0 {
			break
		}
		if fields[0] == p.field() {
			h = (h ^ uint64(p)) * odd
			h ^= h >> 29
		}
	}
	return h
}

// nearest is where in a list of free events that stands which is likeliest the
// same as a published one.
func (m *matching) nearest(c *candidate, list []int, p pairing) int {
	best := nobody
	from, to := m.window(c, list, p.listed)
	for k := from; k < to && !m.isSpent(); k++ {
		m.spend(lookCost(c))
		listed := &m.listed.events[list[k]]
		switch {
		case p.details && c.details != listed.details || !c.agrees(listed.traits):
			continue
		case best == nobody || c.isNearer(listed.traits, m.listed.events[list[best]].traits):
			best = k
		case c.isSameSecond(m.listed.events[list[best]].traits): // they only go farther away
			return best
		}
		if !c.timed || !listed.timed {
			break
		}
	}
	return best
}

// lookCost is that of comparing an event with another one, in steps.
func lookCost(c *candidate) int { return 2 + len(c.parts)/2 }

// window is where in a list those stand that may be of the same time.
func (m *matching) window(c *candidate, list []int, listed *group) (from, to int) {
	if !c.timed || !listed.timed {
		return 0, len(list)
	}
	from, _ = slices.BinarySearchFunc(list, c.at-second, m.compareTime)
	to, _ = slices.BinarySearchFunc(list, c.at+second, m.compareTime)
	return from, to
}

func (m *matching) compareTime(listed int, at int64) int {
	return int(m.listed.events[listed].at - at)
}

// isNearer prefers the same second to another one.
func (t traits) isNearer(one, other traits) bool {
	if same := t.isSameSecond(one); same != t.isSameSecond(other) {
		return same
	}
	return distance(t.at, one.at) < distance(t.at, other.at)
}

func (t traits) isSameSecond(other traits) bool { return t.at/second == other.at/second }
