package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func put(r *ring, sequences ...uint64) {
	for _, sequence := range sequences {
		r.add(entry{sequence, []byte(fmt.Sprintf("<%d>", sequence))})
	}
}

// told is all that a page is told from a place on.
func told(r *ring, at *place) (sequences []uint64, holes []hole) {
	for {
		batch, missed, _ := r.read(at)
		if missed != nil {
			holes = append(holes, *missed)
		}
		if len(batch) == 0 {
			return sequences, holes
		}
		for _, e := range batch {
			sequences = append(sequences, e.sequence)
		}
	}
}

func checkTold(t *testing.T, r *ring, at place, want []uint64, holes ...hole) {
	t.Helper()
	got, missed := told(r, &at)
	if !slices.Equal(got, want) || !slices.Equal(missed, holes) {
		t.Errorf("told %v and %v, want %v and %v", got, missed, want, holes)
	}
}

func TestPlacesInTheRing(t *testing.T) {
	r := newRing(4, 1<<20)
	r.begin(10)
	put(r, 12, 15, 0, 16)
	at, end := r.latest(2)
	checkTold(t, r, at, []uint64{15, 0, 16})
	if end != 4 {
		t.Errorf("the past ends at %d", end)
	}
	at, _ = r.latest(100)
	checkTold(t, r, at, []uint64{12, 15, 0, 16})

	at, _, known := r.behind(15, "")
	checkTold(t, r, at, []uint64{0, 16})
	if _, _, beyond := r.behind(17, ""); !known || beyond {
		t.Error("a message that there never was is known")
	}
	r.readsFrom("this one")
	at, _, known = r.behind(18, "this one") // which another replica has told
	if _, _, other := r.behind(15, "another one"); !known || other {
		t.Error("streams are not told apart")
	}
	checkTold(t, r, at, nil)
	at, _, _ = r.behind(3, "") // 4 to 10 were before the ring, 11 is none of ours
	checkTold(t, r, at, []uint64{12, 15, 0, 16}, hole{4, 10})

	at, _, _ = r.behind(18, "this one")
	put(r, 17, 18, 0, 19)
	checkTold(t, r, at, []uint64{0, 19})
}

func TestSlowPageIsToldItsHole(t *testing.T) {
	r := newRing(3, 1<<20)
	put(r, 1, 2)
	at, _ := r.latest(0)
	put(r, 3, 4, 5)
	checkTold(t, r, at, []uint64{3, 4, 5}) // what it had before is gone, and no loss
	put(r, 6, 7)
	checkTold(t, r, at, []uint64{5, 6, 7}, hole{3, 4})
}

func TestBytesOfTheRing(t *testing.T) {
	r := newRing(100, 1000)
	for i := range 50 {
		r.add(entry{uint64(i + 1), []byte(strings.Repeat("x", 300))})
	}
	if len(r.entries) != 3 || r.bytes != 900 {
		t.Errorf("%d entries of %d bytes", len(r.entries), r.bytes)
	}
	r.add(entry{51, []byte(strings.Repeat("x", 5000))})
	if len(r.entries) != 1 {
		t.Error("the latest one is not there alone")
	}
}

// A contact center whose clock is ahead is to be seen.
func TestLatencyBelowNothing(t *testing.T) {
	data := []byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","time":"2026-01-01T00:00:02Z"}`)
	m := readMessage("cc", stored{1, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "cc.chat.c1.event.message", nil, data})
	if m.LatencyMs == nil || *m.LatencyMs != -2000 {
		t.Errorf("got %v", m.LatencyMs)
	}
}

func TestStreamThatWasMadeAnew(t *testing.T) {
	r := newRing(10, 1<<20)
	put(r, 7, 8)
	at, _ := r.latest(0)
	r.restart(entry{0, []byte("restarted")})
	put(r, 1, 2)
	checkTold(t, r, at, []uint64{0, 1, 2})
	if _, _, known := r.behind(8, ""); known {
		t.Error("a message of the old stream is known")
	}

	r = newRing(3, 1<<20) // too little for a page that was far in the old one
	put(r, 7, 8)
	at, _ = r.latest(0)
	r.restart(entry{0, []byte("restarted")})
	put(r, 1, 2, 3, 4, 5)
	checkTold(t, r, at, []uint64{3, 4, 5}, hole{1, 2})
}

// However many pages there are, what they are told is made once: to feed one more
// takes a few allocations for each batch of messages, none for each message.
func TestOneMorePageCostsLittle(t *testing.T) {
	r := newRing(ringMessages, ringBytes)
	for i := range batchEntries {
		r.add(entry{uint64(i + 1), []byte(strings.Repeat("x", 1000))})
	}
	allocs := testing.AllocsPerRun(100, func() {
		at, _ := r.latest(batchEntries)
		if batch, _, _ := r.read(&at); len(batch) != batchEntries {
			t.Fatal("not all were read")
		}
	})
	if allocs > 10 {
		t.Errorf("a batch of %d messages takes %v allocations", batchEntries, allocs)
	}
}
