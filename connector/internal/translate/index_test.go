package translate

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// What the index finds is as likely as what a look at each event finds.
func TestIndexFindsTheLikeliest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, left := NewIndex(), map[int]Likeness{}
		for place, tr := range truths(t, false) {
			told := LikenessOf(tr.spelt(t))
			if rapid.IntRange(0, 5).Draw(t, "is bare") == 0 {
				told.Identity = ""
			}
			x.Add(place, told)
			left[place] = told
		}
		for _, tr := range truths(t, false) {
			polled := LikenessOf(tr.spelt(t))
			if rapid.IntRange(0, 5).Draw(t, "is bare") == 0 {
				polled.Identity = ""
			}
			var most Agreement
			for _, told := range left {
				if a := told.Agreement(polled); a.Exists() && (!most.Exists() || a.IsCloser(most)) {
					most = a
				}
			}
			place, found := x.Likeliest(polled)
			if found != most.Exists() || found && left[place].Agreement(polled) != most {
				t.Fatalf("found is %v, %+v, and the likeliest agrees by %+v", found, left[place], most)
			}
			if found && rapid.Bool().Draw(t, "is removed") {
				x.Remove(place)
				delete(left, place)
			}
		}
		for place := range left {
			x.Remove(place)
		}
		if len(x.known)+len(x.equal)+len(x.printed)+len(x.shelves)+len(x.named)+len(x.silent)+len(x.telling) != 0 {
			t.Fatalf("empty, it is %+v", x)
		}
	})
}

// However many others agree, one of the same second is found.
func TestIndexFindsTheSameSecond(t *testing.T) {
	x := NewIndex()
	typing := func(at int64) Likeness {
		return LikenessOf(wire(fmt.Sprintf(`{"event":"chat_session_typing","party_id":"p","timestamp":%d}`, at)))
	}
	for i := range int64(2 * enough) {
		x.Add(int(i), typing(1614718747_500+i))
	}
	const place = 2 * enough
	x.Add(place, typing(1614718748_300))
	if got, found := x.Likeliest(typing(1614718748)); !found || got != place {
		t.Errorf("found is %d, %v", got, found)
	}
}

// Of very many events each is found once, however they differ.
func TestIndexOfLongChats(t *testing.T) {
	const events = 1000
	for name, chat := range long {
		x := NewIndex()
		for i := range events {
			x.Add(i, LikenessOf(wire(chat.listed(i))))
		}
		for i := range events {
			place, found := x.Likeliest(LikenessOf(wire(chat.polled(i))))
			if !found {
				t.Errorf("%s: number %d of %d is not found", name, i, events)
				break
			}
			x.Remove(place)
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	for name, chat := range long {
		var listed, polled, other []Likeness
		for i := range 10_000 {
			listed, polled = append(listed, LikenessOf(wire(chat.listed(i)))), append(polled, LikenessOf(wire(chat.polled(i))))
			other = append(other, LikenessOf(wire(fmt.Sprintf(`{"event":"x","party_id":"q","n":%d}`, i))))
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x := NewIndex()
				for i, l := range listed {
					x.Add(i, l)
				}
				for _, l := range other {
					x.Likeliest(l)
				}
				for _, l := range polled {
					if place, found := x.Likeliest(l); found {
						x.Remove(place)
					}
				}
			}
		})
	}
}
