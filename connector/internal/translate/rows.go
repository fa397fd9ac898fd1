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

	hasUntimed bool
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
		r.hasUntimed = true
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

// span is of words in a row.
type span struct{ from, to int }

// fill makes a row that of an event; some in it may have another time all the
// same. It returns what that took, in steps.
func (r *rows) fill(row bitset, c *candidate) (steps int) {
	clear(row)
	in := span{0, len(row)}
	from, to := 0, len(r.members)
	if c.timed {
		from, to = r.before(c.at-second), r.before(c.at+second)
		if !r.hasUntimed {
			in = span{from / 64, min((to+63)/64, len(row))}
		}
	}
	row.include(r.names[c.name], in)
	row.cut(r.untimed, from, to, in)
	if len(c.parts) > 0 {
		r.compare(row, c.parts, in)
	}
	return 8 + (in.to-in.from)*(2+len(c.parts))/4
}

// compare leaves those in a row that share a part and differ in none, and
// those that tell nothing.
func (r *rows) compare(row bitset, parts []part, in span) {
	clear(r.shared[in.from:max(in.from, in.to)])
	r.shared.include(r.silent, in)
	for _, p := range parts {
		r.shared.include(r.has[p], in)
		row.restrict(r.told[p.field()], r.has[p], in)
	}
	for i := in.from; i < in.to; i++ {
		row[i] &= r.shared[i]
	}
}

func (r *rows) empty() bitset { return make(bitset, len(r.untimed)) }

// all is the row of all.
func (r *rows) all() bitset {
	all := r.empty()
	for k := range r.members {
		all.set(k)
	}
	return all
}

// before is how many come before a time.
func (r *rows) before(at int64) int {
	count, _ := slices.BinarySearch(r.latest, at)
	return count
}

// cut leaves those between two, and those that have no time.
func (b bitset) cut(untimed bitset, from, to int, in span) {
	for i := in.from; i < in.to; i++ {
		b[i] &= below(to-i*64)&^below(from-i*64) | untimed[i]
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
func (b bitset) include(s *some, in span) {
	switch {
	case s == nil:
	case s.bits != nil:
		for i := in.from; i < in.to; i++ {
			b[i] |= s.bits[i]
		}
	default:
		for _, i := range s.within(in) {
			b.set(i)
		}
	}
}

// within is the part of a list that stands in a span.
func (s *some) within(in span) []int {
	from, _ := slices.BinarySearch(s.list, in.from*64)
	to, _ := slices.BinarySearch(s.list, in.to*64)
	return s.list[from:max(from, to)]
}

// restrict clears those that tell a field, but for those that tell it alike.
func (b bitset) restrict(told, alike *some, in span) {
	switch {
	case told == nil:
	case told.bits == nil:
		b.restrictFew(told, alike, in)
	case alike != nil && alike.bits != nil:
		for i := in.from; i < in.to; i++ {
			b[i] &^= told.bits[i] &^ alike.bits[i]
		}
	default:
		b.restrictToFew(told, alike, in)
	}
}

func (b bitset) restrictFew(told, alike *some, in span) {
	for _, i := range told.within(in) {
		isAlike := false
		if alike != nil {
			_, isAlike = slices.BinarySearch(alike.list, i)
		}
		if !isAlike {
			b.clear(i)
		}
	}
}

func (b bitset) restrictToFew(told, alike *some, in span) {
	var kept []int
	if alike != nil {
		for _, i := range alike.within(in) {
			if b.has(i) {
				kept = append(kept, i)
			}
		}
	}
	for i := in.from; i < in.to; i++ {
		b[i] &^= told.bits[i]
	}
	for _, i := range kept {
		b.set(i)
	}
}
