package poller

import (
	"slices"
	"time"
)

// # Gaps
//
// A gap is a time of which events may be missing for good. What is lost is told
// once, so no gap reaches into another: of one that would, what the others have
// is left out. A loss that is heard of late may lie before gaps that are told, so
// the last ones are remembered, and the stream tells them to the next holder.

// gap is one of them. The zero gap is none.
type gap struct{ from, to time.Time }

// toldGaps are the last ones, the first one first.
type toldGaps []gap

const toldMost = 8

// add takes the place of the one that was told first.
func (t *toldGaps) add(g gap) {
	all := append(slices.Clone(*t), g)
	*t = all[max(0, len(all)-toldMost):]
}

// tell returns what is to be told of a time that events may be missing of, and
// remembers it as told. It may begin by a clock that is ahead of this one.
func (t *toldGaps) tell(g gap) []gap {
	g.from, g.to = g.from.Truncate(time.Millisecond), g.to.Truncate(time.Millisecond) // as they are published
	if !g.from.Before(g.to) {
		g.to = g.from.Add(time.Millisecond)
	}
	rest := []gap{g}
	for _, told := range *t {
		rest = without(rest, told)
	}
	for _, g := range rest {
		t.add(g)
	}
	return rest
}

// without leaves out of gaps what one that is told has of them.
func without(gaps []gap, told gap) (rest []gap) {
	for _, g := range gaps {
		for _, part := range []gap{{g.from, earlier(g.to, told.from)}, {later(g.from, told.to), g.to}} {
			if part.from.Before(part.to) {
				rest = append(rest, part)
			}
		}
	}
	return rest
}

// list is how they are kept.
func (t toldGaps) list() (all []toldGap) {
	for _, g := range t {
		all = append(all, toldGap{g.from, g.to})
	}
	return all
}

// toldGap is one as it is kept for the next holder.
type toldGap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func later(a, b time.Time) time.Time   { return slices.MaxFunc([]time.Time{a, b}, time.Time.Compare) }
func earlier(a, b time.Time) time.Time { return slices.MinFunc([]time.Time{a, b}, time.Time.Compare) }
