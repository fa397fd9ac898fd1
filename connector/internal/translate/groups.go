package translate

import (
	"encoding/binary"
	"maps"
	"slices"
)

// The groups of events that tell the same fields: see matching.go.

// group are the events of one side that tell the same of the fields that both
// sides tell: a field that one side never tells makes no difference.
type group struct {
	name    uint32
	timed   bool
	silent  bool // no event of it tells any field at all
	fields  []field
	shape   string // of the fields
	members []int
	free    []int // those that had no partner when they were last asked for
	turn    int   // in which it was last looked at: see choice
}

func (m *matching) group(names map[uint32]bool) {
	both := m.published.fields(names)
	listed := m.listed.fields(names)
	maps.DeleteFunc(both, func(f field, _ bool) bool { return !listed[f] })
	m.published.groupBy(names, both)
	m.listed.groupBy(names, both)
}

// fields are those that events of some names tell.
func (s *side) fields(names map[uint32]bool) map[field]bool {
	told := map[field]bool{}
	for i := range s.events {
		if c := &s.events[i]; names[c.name] {
			for _, p := range c.parts {
				told[p.field()] = true
			}
		}
	}
	return told
}

// groupBy groups the events of some names by what they tell of some fields.
func (s *side) groupBy(names map[uint32]bool, told map[field]bool) {
	known := map[string]*group{}
	for i := range s.events {
		c := &s.events[i]
		if !names[c.name] {
			continue
		}
		fields := slices.DeleteFunc(c.fields(), func(f field) bool { return !told[f] })
		shape := shapeOf(c.traits, fields)
		g := known[shape]
		if g == nil {
			g = &group{name: c.name, timed: c.timed, silent: len(c.parts) == 0, fields: fields, shape: shape[headOfShape:]}
			known[shape] = g
			s.groups = append(s.groups, g)
		}
		g.members, g.free, c.group = append(g.members, i), append(g.free, i), g
	}
}

// fields are in their order.
func (t traits) fields() []field {
	fields := make([]field, len(t.parts))
	for i, p := range t.parts {
		fields[i] = p.field()
	}
	return fields
}

// headOfShape is the length of what comes before the name in a shape.
const headOfShape = 2

// shapeOf is the same for events that tell the same fields.
func shapeOf(t traits, fields []field) string {
	out := make([]byte, headOfShape, headOfShape+4+4*len(fields))
	if t.timed {
		out[0] = 1
	}
	if len(t.parts) == 0 {
		out[1] = 1
	}
	out = binary.BigEndian.AppendUint32(out, t.name)
	for _, f := range fields {
		out = binary.BigEndian.AppendUint32(out, uint32(f))
	}
	return string(out)
}

// freeOf are the events of a group that have no partner.
func (s *side) freeOf(g *group) []int {
	g.free = slices.DeleteFunc(g.free, func(i int) bool { return s.partner[i] != nobody })
	return g.free
}

// open are the groups that have an event without a partner.
func (s *side) open() (open []*group) {
	for _, g := range s.groups {
		if len(s.freeOf(g)) > 0 {
			open = append(open, g)
		}
	}
	return open
}
