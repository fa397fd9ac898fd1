package translate

import (
	"cmp"
	"slices"
)

// Pairing by what is rare: see matching.go.

// mostRare is how many listed events may share a part that is rare, and how
// many pairs an event is thought of in.
const mostRare = 16

// sharer is a listed event that has a part.
type sharer struct {
	part  part
	event int
}

// sharers are in the order of parts, then of events.
type sharers []sharer

// pair is a possible one, and how likely it is.
type pair struct {
	published, listed int
	common            int
	otherDetails      bool
	otherSecond       bool
	distance          int64
}

// pairRare pairs the events that share something rare, those first that have
// most in common.
func (m *matching) pairRare() {
	names := m.openNames()
	index := m.sharers(names)
	var pairs []pair
	for i := range m.published.events {
		if m.published.partner[i] == nobody && names[m.published.events[i].name] {
			pairs = m.addRare(pairs, i, index)
		}
	}
	slices.SortFunc(pairs, pair.compare)
	for _, p := range pairs {
		if m.published.partner[p.published] == nobody && m.listed.partner[p.listed] == nobody {
			m.pair(p.published, p.listed)
		}
	}
}

// sharers are those without a partner, of some names.
func (m *matching) sharers(names map[uint32]bool) sharers {
	var all sharers
	for i := range m.listed.events {
		if c := &m.listed.events[i]; m.listed.partner[i] == nobody && names[c.name] {
			for _, p := range c.parts {
				all = append(all, sharer{p, i})
			}
		}
	}
	slices.SortFunc(all, func(a, b sharer) int {
		return cmp.Or(cmp.Compare(a.part, b.part), a.event-b.event)
	})
	return all
}

// of are those that share a part.
func (all sharers) of(p part) sharers {
	byPart := func(s sharer, p part) int { return cmp.Compare(s.part, p) }
	from, _ := slices.BinarySearchFunc(all, p, byPart)
	to := from
	for to < len(all) && all[to].part == p && to-from <= mostRare {
		to++
	}
	return all[from:to]
}

// rare are those that share a rare part with an event, the rarest part first.
func (all sharers) rare(c *candidate) (lists []sharers) {
	for _, p := range c.parts {
		if list := all.of(p); len(list) > 0 && len(list) <= mostRare {
			lists = append(lists, list)
		}
	}
	slices.SortStableFunc(lists, func(a, b sharers) int { return len(a) - len(b) })
	return lists
}

func (m *matching) addRare(pairs []pair, published int, index sharers) []pair {
	c, before := &m.published.events[published], len(pairs)
	for _, list := range index.rare(c) {
		for _, s := range list {
			isKnown := slices.ContainsFunc(pairs[before:], func(p pair) bool { return p.listed == s.event })
			if listed := &m.listed.events[s.event]; !isKnown && len(pairs) < before+mostRare && c.agrees(listed.traits) {
				pairs = append(pairs, pairOf(c.traits, listed.traits, published, s.event))
			}
		}
	}
	return pairs
}

func pairOf(a, b traits, published, listed int) pair {
	p := pair{published: published, listed: listed, common: a.shared(b), otherDetails: a.details != b.details}
	if a.timed && b.timed {
		p.common++
		p.otherSecond, p.distance = !a.isSameSecond(b), distance(a.at, b.at)
	}
	return p
}

// compare puts the likelier pair first.
func (p pair) compare(other pair) int {
	return cmp.Or(other.common-p.common, compareBool(p.otherDetails, other.otherDetails), p.published-other.published,
		compareBool(p.otherSecond, other.otherSecond), cmp.Compare(p.distance, other.distance), p.listed-other.listed)
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
