package translate

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
)

// How those events are found that may agree: see matching.go.

// group are the events of one side that tell the same fields.
type group struct {
	name    uint32
	timed   bool
	fields  []field
	members []int
}

// pairing is of a published group with a listed one.
type pairing struct {
	published, listed *group
	details           bool // have to be the same as well
}

// table leads from the hash of what a pairing's events have in common to the
// listed ones, which are in the order of time.
type table map[uint64][]int

func (m *matching) group() {
	both := m.published.freeNames()
	listed := m.listed.freeNames()
	maps.DeleteFunc(both, func(name uint32, _ bool) bool { return !listed[name] })
	m.published.groupBy(both)
	m.listed.groupBy(both)
}

// freeNames are those of events without a partner.
func (s *side) freeNames() map[uint32]bool {
	names := map[uint32]bool{}
	for i, partner := range s.partner {
		if partner == nobody {
			names[s.events[i].name] = true
		}
	}
	return names
}

// groupBy groups the events of some names.
func (s *side) groupBy(names map[uint32]bool) {
	known := map[string]*group{}
	for i := range s.events {
		c := &s.events[i]
		if !names[c.name] {
			continue
		}
		g := known[c.shape()]
		if g == nil {
			g = &group{name: c.name, timed: c.timed, fields: c.fields()}
			known[c.shape()] = g
			s.groups = append(s.groups, g)
		}
		g.members, c.group = append(g.members, i), g
	}
}

func (t traits) fields() []field {
	fields := make([]field, len(t.parts))
	for i, p := range t.parts {
		fields[i] = p.field()
	}
	return fields
}

// shape is the same for events that tell the same fields.
func (t traits) shape() string {
	out := binary.BigEndian.AppendUint32(nil, t.name)
	if t.timed {
		out = append(out, 1)
	}
	for _, f := range t.fields() {
		out = binary.BigEndian.AppendUint32(out, uint32(f))
	}
	return string(out)
}

// mostPairs are looked at: the fields that events tell are few, as a rule.
const mostPairs = 50_000

// pairs are the pairings of groups that can have anything in common, those
// with most in common first.
func (m *matching) pairs() []pairing {
	var pairs []pairing
	common := map[pairing]int{}
	for _, p := range m.published.groups {
		for _, l := range m.listed.groups {
			if m.spend(1); len(pairs) >= mostPairs || m.isSpent() {
				break
			}
			if p.name == l.name && p.canAgree(l) {
				pair := pairing{published: p, listed: l}
				pairs, common[pair] = append(pairs, pair), p.common(l)
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b pairing) int { return common[b] - common[a] })
	return pairs
}

func (g *group) canAgree(other *group) bool {
	return len(g.fields) == 0 || len(other.fields) == 0 || slices.ContainsFunc(g.fields, func(f field) bool {
		_, found := slices.BinarySearch(other.fields, f)
		return found
	})
}

func (g *group) common(other *group) (count int) {
	if g.timed && other.timed {
		count++
	}
	for _, f := range g.fields {
		if _, found := slices.BinarySearch(other.fields, f); found {
			count++
		}
	}
	return count
}

// tableCost is that of an empty one, in steps.
const tableCost = 20

func (m *matching) table(p pairing) table {
	if t := m.tables[p]; t != nil {
		return t
	}
	t := make(table, len(p.listed.members))
	for _, i := range p.listed.members {
		h := m.listed.events[i].hash(p.published.fields, p.details)
		t[h] = append(t[h], i)
	}
	m.spend(tableCost + len(p.listed.members))
	m.tables[p] = t
	return t
}

// hash is of the parts whose fields the other side tells, too.
func (t traits) hash(fields []field, details bool) uint64 {
	h := fnv.New64a()
	buffer := make([]byte, 0, 2*partLength)
	for _, p := range t.parts {
		if _, found := slices.BinarySearch(fields, p.field()); found {
			_, _ = h.Write(binary.BigEndian.AppendUint64(buffer, uint64(p)))
		}
	}
	if details {
		_, _ = h.Write(binary.BigEndian.AppendUint32(buffer, t.details))
	}
	return h.Sum64()
}
