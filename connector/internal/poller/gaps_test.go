package poller

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever was told before, a gap is told where none has told of it, and there once.
func TestGapsAreToldOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var told toldGaps
		times := map[int]int{}
		for range rapid.IntRange(1, 3).Draw(t, "gaps") { // with what each leaves, no more than are remembered
			from := rapid.IntRange(0, 20).Draw(t, "from")
			to := from + rapid.IntRange(1, 10).Draw(t, "for")
			for _, g := range told.tell(gap{second(from), second(to)}) {
				for n := range 40 {
					if !second(n).Before(g.from) && second(n).Before(g.to) {
						times[n]++
					}
				}
			}
			for n := from; n < to; n++ {
				if times[n] != 1 {
					t.Fatalf("second %d is told of %d times", n, times[n])
				}
			}
		}
	})
}

// A loss is told of whatever the clocks say.
func TestGapOfNoLength(t *testing.T) {
	for _, to := range []int{10, 9} {
		var told toldGaps
		if got := told.tell(gap{second(10), second(to)}); len(got) != 1 || !got[0].from.Equal(second(10)) || got[0].to.Before(got[0].from) {
			t.Errorf("up to %d: %v", to, got)
		}
	}
}

func TestPartsOfAGap(t *testing.T) {
	g := gap{second(10), second(20)}
	for _, c := range []struct {
		told gap
		want []gap
	}{
		{gap{}, []gap{g}},
		{gap{second(0), second(10)}, []gap{g}},
		{gap{second(20), second(30)}, []gap{g}},
		{gap{second(5), second(15)}, []gap{{second(15), second(20)}}},
		{gap{second(15), second(25)}, []gap{{second(10), second(15)}}},
		{gap{second(13), second(16)}, []gap{{second(10), second(13)}, {second(16), second(20)}}},
		{g, nil},
		{gap{second(0), second(30)}, nil},
	} {
		if got := without([]gap{g}, c.told); !slices.Equal(got, c.want) {
			t.Errorf("without %v: %v, want %v", c.told, got, c.want)
		}
	}
}
