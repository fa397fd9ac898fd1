package translate

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// # Which of very many events is meant
//
// An event of a poll may be one that a history has told already, in another
// spelling. Where very many have been told, the likeliest is found without a
// look at each: an equal one at once; else by what few share, the rarest part
// first. The events are kept in shelves, one for each set of fields: on one
// shelf, whatever agrees with an event has all that both tell, so that only
// those need be looked at that share the rarest of it, and are of its time.

// Index is of events, each of which stands in a place of its own.
type Index struct {
	known   map[int]*indexed
	equal   map[Identity]spots
	printed map[printed]spots
	shelves map[string]*shelf
	named   map[uint32][]*shelf
	silent  map[uint32][]*shelf
	telling map[part][]*shelf // those with an event that has the part
	made    int               // shelves
	turn    int               // in which shelves are looked at
}

// printed is a fingerprint, and whether no more than that is known.
type printed struct {
	fingerprint Fingerprint
	bare        bool
}

type indexed struct {
	Likeness
	traits
	place int
	shelf *shelf // nil if it is known by its fingerprint alone
}

type shelf struct {
	shape  string
	name   uint32
	timed  bool
	silent bool // its events tell nothing but name and time
	fields []field
	all    spots
	by     map[part]spots
	from   int64 // no event of it has an earlier time,
	to     int64 // nor a later one
	number int
	turn   int
}

// spots are in the order of time, then of places.
type spots []*indexed

func (e *indexed) compare(other *indexed) int {
	return cmp.Or(cmp.Compare(e.at, other.at), e.place-other.place)
}

func (list spots) with(e *indexed) spots {
	i, _ := slices.BinarySearchFunc(list, e, (*indexed).compare)
	return slices.Insert(list, i, e)
}

func (list spots) without(e *indexed) spots {
	if i, found := slices.BinarySearchFunc(list, e, (*indexed).compare); found {
		return slices.Delete(list, i, i+1)
	}
	return list
}

// NewIndex is empty.
func NewIndex() *Index {
	return &Index{
		known: map[int]*indexed{}, equal: map[Identity]spots{}, printed: map[printed]spots{}, shelves: map[string]*shelf{},
		named: map[uint32][]*shelf{}, silent: map[uint32][]*shelf{}, telling: map[part][]*shelf{},
	}
}

// Add notes an event that stands behind all others.
func (x *Index) Add(place int, l Likeness) {
	t, ok := l.Identity.read()
	e := &indexed{Likeness: l, traits: t, place: place}
	if ok {
		e.shelf = x.shelfOf(t)
		x.equal[l.Identity] = x.equal[l.Identity].with(e)
		x.shelve(e)
	}
	x.printed[e.printedAs()] = x.printed[e.printedAs()].with(e)
	x.known[place] = e
}

func (e *indexed) printedAs() printed { return printed{e.Fingerprint, e.shelf == nil} }

func (x *Index) shelfOf(t traits) *shelf {
	fields := t.fields()
	shape := shapeOf(t, fields)
	s := x.shelves[shape]
	if s == nil {
		x.made++
		s = &shelf{
			shape: shape, name: t.name, timed: t.timed, silent: len(fields) == 0, fields: fields,
			by: map[part]spots{}, from: t.at, to: t.at, number: x.made,
		}
		x.shelves[shape] = s
		x.named[s.name] = append(x.named[s.name], s)
		if s.silent {
			x.silent[s.name] = append(x.silent[s.name], s)
		}
	}
	return s
}

func (x *Index) shelve(e *indexed) {
	s := e.shelf
	s.all, s.from, s.to = s.all.with(e), min(s.from, e.at), max(s.to, e.at)
	for _, p := range e.parts {
		list := s.by[p]
		if len(list) == 0 {
			i, _ := slices.BinarySearchFunc(x.telling[p], s, (*shelf).compare)
			x.telling[p] = slices.Insert(x.telling[p], i, s)
		}
		s.by[p] = list.with(e)
	}
}

// Remove forgets the event that stands in a place.
func (x *Index) Remove(place int) {
	e := x.known[place]
	if e == nil {
		return
	}
	delete(x.known, place)
	keep(x.printed, e.printedAs(), x.printed[e.printedAs()].without(e))
	if e.shelf != nil {
		keep(x.equal, e.Identity, x.equal[e.Identity].without(e))
		x.unshelve(e)
	}
}

func (x *Index) unshelve(e *indexed) {
	s := e.shelf
	for _, p := range e.parts {
		if keep(s.by, p, s.by[p].without(e)); len(s.by[p]) == 0 {
			keep(x.telling, p, removed(x.telling[p], s))
		}
	}
	if s.all = s.all.without(e); len(s.all) == 0 {
		delete(x.shelves, s.shape)
		keep(x.named, s.name, removed(x.named[s.name], s))
		keep(x.silent, s.name, removed(x.silent[s.name], s))
	}
}

func (s *shelf) compare(other *shelf) int { return s.number - other.number }

func removed(shelves []*shelf, s *shelf) []*shelf {
	if i, found := slices.BinarySearchFunc(shelves, s, (*shelf).compare); found {
		return slices.Delete(shelves, i, i+1)
	}
	return shelves
}

// keep keeps a list, unless it is empty.
func keep[K comparable, L ~[]V, V any](lists map[K]L, key K, list L) {
	if lists[key] = list; len(list) == 0 {
		delete(lists, key)
	}
}

// Likeliest is where the event stands that has most in common with another
// spelling, if any agrees with it.
func (x *Index) Likeliest(l Likeness) (place int, ok bool) {
	t, isKnown := l.Identity.read()
	bare := x.printed[printed{l.Fingerprint, true}]
	if !isKnown {
		return first(x.printed[printed{l.Fingerprint, false}], bare)
	}
	if equal := x.equal[l.Identity]; len(equal) > 0 {
		return first(equal)
	}
	s := search{index: x, of: t}
	if s.run(); s.found > 0 {
		return s.best, true
	}
	return first(bare)
}

func first(lists ...spots) (place int, ok bool) {
	for _, list := range lists {
		if len(list) > 0 && (!ok || list[0].place < place) {
			place, ok = list[0].place, true
		}
	}
	return place, ok
}

// search is for the likeliest.
type search struct {
	index *Index
	of    traits
	best  int
	most  Agreement
	found int // that agree
}

// enough that agree are looked at: those behind them share nothing rarer.
const enough = 32

// run ends when what has not been looked at, and so has none of the rarer
// parts, cannot have more in common.
func (s *search) run() {
	s.index.turn++
	if len(s.of.parts) == 0 {
		s.look(s.index.named[s.of.name])
	}
	parts := slices.Clone(s.of.parts)
	slices.SortStableFunc(parts, func(a, b part) int { return len(s.index.telling[a]) - len(s.index.telling[b]) })
	for i, p := range parts {
		if s.found > 0 && s.most.common > mostApart+len(parts)-i {
			return
		}
		s.look(s.index.telling[p])
	}
	s.look(s.index.silent[s.of.name])
}

// mostApart is what two spellings that agree can have in common apart from their parts.
const mostApart = 4

func (s *search) look(shelves []*shelf) {
	for _, shelf := range shelves {
		if s.found >= enough {
			return
		}
		if shelf.name == s.of.name && shelf.turn != s.index.turn {
			shelf.turn = s.index.turn
			for _, list := range shelf.alike(s.of) {
				s.lookAt(list)
			}
		}
	}
}

func (s *search) lookAt(list spots) {
	for _, e := range list {
		if !s.of.agrees(e.traits) {
			continue
		}
		a := s.of.agreement(e.traits)
		if isCloser := a.IsCloser(s.most); s.found == 0 || isCloser || !s.most.IsCloser(a) && e.place < s.best {
			s.best, s.most = e.place, a
		}
		if s.found++; s.found >= enough {
			return
		}
	}
}

// alike are the events of a shelf that may agree with another one, those of the
// same second first.
func (s *shelf) alike(t traits) []spots {
	list, shares := s.all, s.silent || len(t.parts) == 0
	if t.timed && s.timed && (t.at <= s.from-second || t.at >= s.to+second) {
		return nil
	}
	for _, p := range t.parts {
		if _, tells := slices.BinarySearch(s.fields, p.field()); !tells {
			continue
		}
		if rarer := s.by[p]; !shares || len(rarer) < len(list) {
			list, shares = rarer, true
		}
	}
	if !shares {
		return nil
	}
	if !t.timed || !s.timed {
		return []spots{list}
	}
	begin := t.at - t.at%second
	return []spots{list.between(begin, begin+second), list.between(t.at-second, begin), list.between(begin+second, t.at+second)}
}

func (list spots) between(from, to int64) spots {
	byTime := func(e *indexed, at int64) int { return cmp.Compare(e.at, at) }
	start, _ := slices.BinarySearchFunc(list, from, byTime)
	end, _ := slices.BinarySearchFunc(list, to, byTime)
	return list[start:end]
}

// fields are in their order.
func (t traits) fields() []field {
	fields := make([]field, len(t.parts))
	for i, p := range t.parts {
		fields[i] = p.field()
	}
	return fields
}

// shapeOf is the same for events that tell the same fields.
func shapeOf(t traits, fields []field) string {
	out := make([]byte, 1, 1+4+4*len(fields))
	if t.timed {
		out[0] = 1
	}
	out = binary.BigEndian.AppendUint32(out, t.name)
	for _, f := range fields {
		out = binary.BigEndian.AppendUint32(out, uint32(f))
	}
	return string(out)
}
