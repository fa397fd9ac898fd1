package translate

import "slices"

// Which groups are paired with which: see matching.go.

// pairing is of a published group with a listed one.
type pairing struct {
	published, listed *group
	common            int  // how many fields both tell, and the time
	details           bool // have to be the same as well
}

const (
	mostVisits   = 500_000 // of listed groups, for all published ones
	mostPairings = 200_000 // are kept
	leastVisits  = 64      // for each published group
	leastKept    = 8
)

// choice finds the listed groups that published ones have most in common with.
// Where there are very many, each published one has its share of looks: first
// at those that tell the very same fields, then at those that tell its rarest.
type choice struct {
	named, silent map[uint32][]*group
	same          map[string][]*group
	telling       map[namedField][]*group
	visits, kept  int  // for each
	cut           bool // there was more to be looked at, or to be kept
	buffer        []pairing
}

type namedField struct {
	name  uint32
	field field
}

func newChoice(among []*group, choosers int) *choice {
	c := &choice{
		named: map[uint32][]*group{}, silent: map[uint32][]*group{}, same: map[string][]*group{}, telling: map[namedField][]*group{},
		visits: max(leastVisits, mostVisits/max(choosers, 1)), kept: max(leastKept, mostPairings/max(choosers, 1)),
	}
	for _, g := range among {
		c.named[g.name] = append(c.named[g.name], g)
		c.same[g.shape] = append(c.same[g.shape], g)
		if g.silent {
			c.silent[g.name] = append(c.silent[g.name], g)
		}
		for _, f := range slices.Compact(slices.Clone(g.fields)) {
			c.telling[namedField{g.name, f}] = append(c.telling[namedField{g.name, f}], g)
		}
	}
	return c
}

// pairings are those of a published group, with most in common first.
func (c *choice) pairings(p *group, turn int) []pairing {
	all, left := c.buffer[:0], c.visits
	for _, list := range c.lists(p) {
		for _, l := range list {
			if left == 0 {
				c.cut = true
				break
			}
			if left--; l.turn != turn {
				l.turn = turn
				all = append(all, pairingOf(p, l))
			}
		}
	}
	c.buffer = all
	slices.SortStableFunc(all, pairing.compare)
	if len(all) > c.kept {
		c.cut, all = true, all[:c.kept]
	}
	return slices.Clone(all)
}

// lists are of the groups that can have anything in common with another one.
func (c *choice) lists(p *group) [][]*group {
	if p.silent {
		return [][]*group{c.named[p.name]}
	}
	var lists [][]*group
	for _, f := range p.fields {
		lists = append(lists, c.telling[namedField{p.name, f}])
	}
	slices.SortStableFunc(lists, func(a, b []*group) int { return len(a) - len(b) })
	if len(p.fields) > 0 {
		lists = slices.Insert(lists, 0, c.same[p.shape])
	}
	return append(lists, c.silent[p.name])
}

func pairingOf(p, l *group) pairing {
	pair := pairing{published: p, listed: l}
	if p.timed && l.timed {
		pair.common++
	}
	one, other := p.fields, l.fields
	for len(one) > 0 && len(other) > 0 {
		switch f, g := one[0], other[0]; {
		case f < g:
			one = one[1:]
		case f > g:
			other = other[1:]
		default:
			pair.common++
			one, other = one[1:], other[1:]
		}
	}
	return pair
}

// fields are those that both tell.
func (p pairing) fields() (common []field) {
	for _, f := range p.published.fields {
		if _, found := slices.BinarySearch(p.listed.fields, f); found {
			common = append(common, f)
		}
	}
	return common
}

func (p pairing) compare(other pairing) int { return other.common - p.common }

// pairGroups pairs along the pairings of those groups that have events without
// a partner. It reports whether that should be done again, as not all that is
// left has been tried.
func (m *matching) pairGroups() (again bool) {
	open := m.published.open()
	c := newChoice(m.listed.open(), len(open))
	var pairings []pairing
	for _, p := range open {
		pairings = append(pairings, m.choose(c, p)...)
	}
	slices.SortStableFunc(pairings, pairing.compare)
	found := false
	for _, p := range pairings {
		for _, p.details = range []bool{true, false} {
			if m.isSpent() {
				return false
			}
			found = m.pairAlong(p) || found
		}
	}
	return found && c.cut
}

// choose asks a published group for its choice.
func (m *matching) choose(c *choice, p *group) []pairing {
	m.turn++
	pairings := c.pairings(p, m.turn)
	m.spend(len(pairings))
	return pairings
}
