package replicas

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestLevels(t *testing.T) {
	for _, c := range []struct {
		heights []int
		total   int
		level   int
	}{
		{nil, 5, 0},
		{[]int{10}, 0, 0},
		{[]int{10}, 7, 7},
		{[]int{10}, 70, 10},
		{[]int{10, 10}, 7, 4},
		{[]int{2, 10, 10}, 12, 5},
		{[]int{10, 2, 10}, 13, 6},
		{[]int{0, 10}, 3, 3}, // one that leaves
		{[]int{1, 2, 3}, 100, 3},
	} {
		if level := levelOf(c.heights, c.total); level != c.level {
			t.Errorf("%d in %v: level %d, want %d", c.total, c.heights, level, c.level)
		}
	}
}

func TestLevelIsTheLeastThatHoldsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		heights := rapid.SliceOfN(rapid.IntRange(0, 50), 1, 8).Draw(t, "heights")
		total := rapid.IntRange(0, 300).Draw(t, "total")
		holds := func(level int) (sum int) {
			for _, height := range heights {
				sum += min(height, level)
			}
			return sum
		}
		level, greatest := levelOf(slices.Clone(heights), total), slices.Max(heights)
		if level > greatest || level < greatest && holds(level) < total {
			t.Fatalf("level %d holds %d", level, holds(level))
		}
		if level > 0 && holds(level-1) >= total {
			t.Fatalf("level %d would do", level-1)
		}
	})
}

// crew are replicas that give chats away and take them, each by its own, older
// picture of the others.
type crew struct {
	*rapid.T
	self      []ID
	held      map[ID]int
	announced map[ID]Replica
	total     int
}

func newCrew(t *rapid.T) *crew {
	c := &crew{T: t, held: map[ID]int{}, announced: map[ID]Replica{}}
	for i := range rapid.IntRange(1, 6).Draw(t, "replicas") {
		id := ID(fmt.Sprint(i))
		most := rapid.IntRange(0, 60).Draw(t, "most")
		c.self = append(c.self, id)
		c.held[id] = rapid.IntRange(0, most).Draw(t, "held")
		c.total += c.held[id]
		c.announced[id] = Replica{MaxChats: most, Chats: rapid.IntRange(0, most).Draw(t, "announced")}
	}
	return c
}

// reckon lets one replica announce itself and give its surplus away, and
// returns how many chats it gave.
func (c *crew) reckon(self ID) int {
	record := c.announced[self]
	record.Chats = c.held[self]
	c.announced[self] = record
	shares := Shares(c.announced, c.total)
	give := Surplus(self, c.held[self], c.announced, shares)
	if give > 0 && c.held[self]-give < shares[self] {
		c.Fatalf("%s gives %d of %d, its share is %d", self, give, c.held[self], shares[self])
	}
	for range give {
		c.held[self]--
		c.held[c.taker(shares)]++
	}
	return give
}

// taker is one of those that JetStream serves first.
func (c *crew) taker(shares map[ID]int) ID {
	lacking := func(id ID) bool { return c.held[id] < shares[id] }
	roomy := func(id ID) bool { return c.held[id] < c.announced[id].MaxChats }
	for _, able := range []func(ID) bool{lacking, roomy} {
		ids := slices.DeleteFunc(slices.Clone(c.self), func(id ID) bool { return !able(id) })
		if len(ids) > 0 {
			return rapid.SampledFrom(ids).Draw(c.T, "taker")
		}
	}
	c.Fatal("nobody has room")
	return ""
}

// Whatever they begin with, replicas come to rest, and then nobody lacks much.
func TestSharesComeToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := newCrew(t)
		for range 4 {
			for _, id := range c.self {
				c.reckon(id)
			}
		}
		shares := Shares(c.announced, c.total)
		for _, id := range c.self {
			if give := c.reckon(id); give > 0 {
				t.Fatalf("%s still gives %d: %v of %v", id, give, c.held, shares)
			}
			if lack := shares[id] - c.held[id]; lack > slack(shares[id])+len(c.self) {
				t.Fatalf("%s lacks %d: %v of %v", id, lack, c.held, shares)
			}
		}
	})
}

func TestSurplus(t *testing.T) {
	of := func(chats int) Replica { return Replica{MaxChats: 100, Chats: chats} }
	for name, c := range map[string]struct {
		held   int
		others []Replica
		total  int
		give   int
	}{
		"alone":                              {20, nil, 20, 0},
		"one that is new":                    {20, []Replica{of(0)}, 20, 10},
		"one that is dead and not yet known": {20, []Replica{of(10)}, 20, 0},
		"small differences":                  {11, []Replica{of(9)}, 20, 0},
		"small ones of many":                 {40, []Replica{of(19), of(19), of(19), of(19), of(4)}, 120, 20},
		"one that leaves":                    {20, []Replica{{Chats: 3}}, 23, 0},
		"a full one":                         {20, []Replica{{MaxChats: 2, Chats: 2}}, 22, 0},
		"one that has less":                  {3, []Replica{of(20)}, 23, 0},
	} {
		alive := map[ID]Replica{"self": of(c.held)}
		for i, m := range c.others {
			alive[ID(fmt.Sprint(i))] = m
		}
		if give := Surplus("self", c.held, alive, Shares(alive, c.total)); give != c.give {
			t.Errorf("%s: %d are given, want %d", name, give, c.give)
		}
	}
}
