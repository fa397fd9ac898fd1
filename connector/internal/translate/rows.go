package translate

import (
	"math/bits"
	"slices"
)

// Who agrees with an event, of very many: see matching.go.

// bitset has a bit for each event that rows are of.
type bitset []uint64

func (b bitset) set(i int)      { b[i/64] |= 1 << (i % 64) }
func (b bitset) clear(i int)    { b[i/64] &^= 1 << (i % 64) }
func (b bitset) has(i int) bool { return b[i/64]>>(i%64)&1 == 1 }

// next is the first bit that is set from i on, nobody if none is.
func (b bitset) next(i int) int {
	for word := i / 64; word < len(b); word++ {
		rest := b[word]
		if word == i/64 {
			rest &= ^uint64(0) << (i % 64)
		}
		if rest != 0 {
			return word*64 + bits.TrailingZeros64(rest)
		}
	}
	return nobody
}

func (b bitset) keep(other bitset) {
	for i := range b {
		b[i] &= other[i]
	}
}

func (b bitset) drop(other bitset) {
	for i := range b {
		b[i] &^= other[i]
	}
}

// some are events that have something in common: in a list, or if they are
// many, with a bit each.
type some struct {
	list []int
	bits bitset
}

func (s *some) with(i, of int) *some {
	if s == nil {
		s = &some{}
	}
	switch {
	case s.bits != nil:
		s.bits.set(i)
	case len(s.list) > 0 && s.list[len(s.list)-1] == i:
	default:
		if s.list = append(s.list, i); len(s.list) > of/64 {
			s.bits = make(bitset, (of+63)/64)
			for _, j := range s.list {
				s.bits.set(j)
			}
			s.list = nil
		}
	}
	return s
}

// rows tell of some events of a side which agree with one of the other: a bit
// for each in 64 times as few steps as there are events.
type rows struct {
	members []int // where the events stand in their side, in the order of time
	names   map[uint32]*some
	told    map[field]*some
	has     map[part]*some
	silent  *some
	untimed bitset
	latest  []int64 // up to each
	shared  bitset  // for one row at a time
}

func newRows(s *side, members []int) *rows {
	words := (len(members) + 63) / 64
	r := &rows{
		members: members, names: map[uint32]*some{}, told: map[field]*some{}, has: map[part]*some{},
		untimed: make(bitset, words), shared: make(bitset, words),
	}
	for k, i := range members {
		r.note(k, s.events[i].traits)
	}
	return r
}

func (r *rows) note(k int, t traits) {
	of, latest := len(r.members), t.at
	if k > 0 {
		latest = max(latest, r.latest[k-1])
	}
	r.latest = append(r.latest, latest)
	if !t.timed {
		r.untimed.set(k)
	}
	r.names[t.name] = r.names[t.name].with(k, of)
	if len(t.parts) == 0 {
		r.silent = r.silent.with(k, of)
	}
	for _, p := range t.parts {
		r.told[p.field()] = r.told[p.field()].with(k, of)
		r.has[p] = r.has[p].with(k, of)
	}
}

// of is the row of an event. Some in it may have another time all the same.
func (r *rows) of(c *candidate) bitset {
	row := make(bitset, len(r.untimed))
	row.include(r.names[c.name])
	if c.timed {
		row.cut(r.untimed, r.before(c.at-second), r.before(c.at+second))
	}
	if len(c.parts) == 0 {
		return row
	}
	clear(r.shared)
	r.shared.include(r.silent)
	for _, p := range c.parts {
		r.shared.include(r.has[p])
		row.restrict(r.told[p.field()], r.has[p])
	}
	for i, word := range r.shared {
		row[i] &= word
	}
	return row
}

// all is the row of all.
func (r *rows) all() bitset {
	all := make(bitset, len(r.untimed))
	for k := range r.members {
		all.set(k)
	}
	return all
}

// cost is that of a row, in steps.
func (r *rows) cost(c *candidate) int { return 8 + len(r.untimed)*(2+len(c.parts))/4 }

// before is how many come before a time.
func (r *rows) before(at int64) int {
	count, _ := slices.BinarySearch(r.latest, at)
	return count
}

// cut leaves those between two, and those that have no time.
func (b bitset) cut(untimed bitset, from, to int) {
	for i := range b {
		within := below(to-i*64) &^ below(from-i*64)
		b[i] &= within | untimed[i]
	}
}

// below are as many of the lowest bits.
func below(count int) uint64 {
	switch {
	case count <= 0:
		return 0
	case count >= 64:
		return ^uint64(0)
	}
	return 1<<count - 1
}

// include sets the bits of some.
func (b bitset) include(s *some) {
	switch {
	case s == nil:
	case s.bits != nil:
		for i, word := range s.bits {
			b[i] |= word
		}
	default:
		for _, i := range s.list {
			b.set(i)
		}
	}
}

// restrict clears those that tell a field, but for those that tell it alike.
func (b bitset) restrict(told, alike *some) {
	switch {
	case told == nil:
	case told.bits == nil:
		for _, i := range told.list {
			if alike == nil || !slices.Contains(alike.list, i) {
				b.clear(i)
			}
		}
	case alike != nil && alike.bits != nil:
		for i, word := range told.bits {
			b[i] &^= word &^ alike.bits[i]
		}
	default:
		b.clearBut(told.bits, alike)
	}
}

func (b bitset) clearBut(told bitset, alike *some) {
	var kept []int
	if alike != nil {
		for _, i := range alike.list {
			if b.has(i) {
				kept = append(kept, i)
			}
		}
	}
	for i, word := range told {
		b[i] &^= word
	}
	for _, i := range kept {
		b.set(i)
	}
}
