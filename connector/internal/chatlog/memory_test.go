package chatlog

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/translate"
)

func likeness(raw string) translate.Likeness {
	return translate.LikenessOf(brightpattern.ParseEvent(json.RawMessage(raw)))
}

// remember draws what may come to be known of a chat's events.
func remember(t *rapid.T) *Memory {
	m := NewMemory()
	for range rapid.IntRange(0, 20).Draw(t, "steps") {
		l := likeness(fmt.Sprintf(`{"event":"chat_session_typing","party_id":"%d"}`, rapid.IntRange(0, 3).Draw(t, "party")))
		switch rapid.IntRange(0, 4).Draw(t, "step") {
		case 0:
			m.take(l)
		case 1:
			m.add(translate.Likeness{Fingerprint: l.Fingerprint}, rapid.Bool().Draw(t, "untaken"))
		case 2:
			m.add(translate.Likeness{Fingerprint: translate.Fingerprint(rapid.StringN(1, 100, -1).Draw(t, "imported"))}, false)
		default:
			m.add(l, rapid.Bool().Draw(t, "untaken"))
		}
	}
	return m
}

// What a journal says is all that is known, in however many pieces it is kept;
// no piece is larger than it may be, and none ends within an entry.
func TestJournalTellsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := remember(t)
		most := rapid.IntRange(0, 200).Draw(t, "most")
		var pieces [][]byte
		for rest := m.Journal(); len(rest) > 0; {
			piece := CutJournal(rest, most)
			if _, first := readEntry(piece); len(piece) == 0 || len(piece) > most && len(piece) > first {
				t.Fatalf("a piece of %d has %d bytes", most, len(piece))
			}
			pieces, rest = append(pieces, piece), rest[len(piece):]
		}
		again, err := ReadMemory(slices.Concat(pieces...))
		if err != nil || !reflect.DeepEqual(again.likenesses(), m.likenesses()) || !slices.Equal(again.untaken, m.untaken) || !reflect.DeepEqual(again.counts, m.counts) {
			t.Fatalf("read is %+v, %v, written was %+v", again, err, m)
		}
		seen, _ := m.Counts()
		if without, _ := WithoutUntaken(pieces...).Counts(); !reflect.DeepEqual(without, seen) {
			t.Fatalf("without what polls may still tell it is %v, not %v", without, seen)
		}
		for f, count := range seen {
			if m.Seen(f) != count {
				t.Fatalf("%s was seen %d times, not %d", f, m.Seen(f), count)
			}
		}
	})
}

// Of what earlier versions have kept, nothing is lost, and they find all again.
func TestMemoryOfEarlierVersions(t *testing.T) {
	seen := translate.Counts{"one": 1, "two": 3, "0f18e58104f59d7c70221b56718202fc": 2}
	untaken := translate.Counts{"two": 2, "0f18e58104f59d7c70221b56718202fc": 1}
	m := MemoryOf(seen, untaken)
	gotSeen, gotUntaken := m.Counts()
	golden.Same(t, []translate.Counts{gotSeen, gotUntaken}, []translate.Counts{seen, untaken}, nil)
	two := translate.Likeness{Fingerprint: "two"}
	for n, want := range []bool{true, true, false} {
		if m.take(two) != want {
			t.Errorf("number %d is taken: %v", n+1, !want)
		}
	}
}

// Of several events that a history told, the poll's is the one that it has most
// in common with.
func TestTheLikeliestIsTaken(t *testing.T) {
	m := NewMemory()
	for _, raw := range []string{
		`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`, `{"event":"chat_session_typing","timestamp":1614718748}`,
		`{"event":"chat_session_typing","timestamp":1614718750}`,
	} {
		m.add(likeness(raw), true)
	}
	for _, c := range []struct {
		raw  string
		want bool
	}{
		{`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748123}`, true},
		{`{"event":"chat_session_typing","party_id":"q","timestamp":1614718748123}`, true},
		{`{"event":"chat_session_typing","timestamp":1614718748}`, false},
		{`{"event":"chat_session_not_typing","timestamp":1614718750}`, false},
		{`{"event":"chat_session_typing"}`, true},
		{`{"event":"chat_session_typing"}`, false},
	} {
		if m.take(likeness(c.raw)) != c.want {
			t.Errorf("%s is taken: %v", c.raw, !c.want)
		}
	}
}

// Each event that a history told in milliseconds is known again when it is given
// away, in whole seconds or not, in whatever order, also if others are like it.
func TestEachIsTakenOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(1614718748_000, 1614718751_999), 1, 8).Draw(t, "times")
		m := NewMemory()
		for _, at := range times {
			m.add(typingAt(at), true)
		}
		for _, at := range rapid.Permutation(times).Draw(t, "given away") {
			came := typingAt(at)
			if rapid.Bool().Draw(t, "is cut") {
				came = typingAt(at / 1000)
			}
			if !m.take(came) {
				t.Fatalf("%d of %v is not known", at, times)
			}
		}
		if m.take(typingAt(times[0])) {
			t.Fatal("more is known than was told")
		}
	})
}

// One of which a history has told nothing is new, though one that it told is near,
// and the one who took that might be another one.
func TestNewEventsAreNotTaken(t *testing.T) {
	m := NewMemory()
	m.add(typingAt(1614718747_900), true) // no poll gives it away
	m.add(typingAt(1614718748_500), true)
	if !m.take(typingAt(1614718748)) || m.take(typingAt(1614718749)) {
		t.Error("a new event is taken for one that was told before")
	}
}

func typingAt(at int64) translate.Likeness {
	return likeness(fmt.Sprintf(`{"event":"chat_session_typing","party_id":"p","timestamp":%d}`, at))
}

// A chat of a few events is cheap.
func TestMemoryIsSmall(t *testing.T) {
	m := NewMemory()
	const events, most = 25, 100
	for i := range events {
		m.add(likeness(fmt.Sprintf(`{"event":"chat_session_message","party_id":"p","msg_id":"%d","msg":"a","msg_text":"a","timestamp":1614718748}`, i)), false)
	}
	if size := len(m.Journal()); size > events*most {
		t.Errorf("%d events take %d bytes", events, size)
	}
}

func TestGoldenJournal(t *testing.T) {
	typing := likeness(`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`)
	m := NewMemory()
	m.add(typing, false)
	m.add(typing, true)
	m.add(translate.Likeness{Fingerprint: typing.Fingerprint}, false)
	m.add(translate.Likeness{Fingerprint: "imported"}, true)
	m.take(typing)
	var written []string
	for rest := m.Journal(); len(rest) > 0; {
		piece := CutJournal(rest, 0)
		written, rest = append(written, hex.EncodeToString(piece)), rest[len(piece):]
	}
	journal, err := hex.DecodeString(strings.Join(golden.Lines(t, "journal.txt", written), ""))
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadMemory(journal)
	m.takings = nil // the one thing that no journal has
	golden.Same(t, read, m, err)
}

// FuzzJournal: whatever is stored, it is read, or refused.
func FuzzJournal(f *testing.F) {
	m := MemoryOf(translate.Counts{"one": 2}, translate.Counts{"one": 1})
	m.add(likeness(`{"event":"chat_session_typing"}`), true)
	m.take(likeness(`{"event":"chat_session_typing"}`))
	for _, seed := range [][]byte{nil, m.Journal(), {isTakenEntry, 0}, {hasText, 255}, {255}, {isTakenEntry, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, journal []byte) {
		m, err := ReadMemory(journal)
		if WithoutUntaken(journal); err != nil {
			return
		}
		m.take(likeness(`{"event":"chat_session_typing"}`))
		m.Counts()
		if again, err := ReadMemory(m.Journal()); err != nil || !slices.Equal(again.untaken, m.untaken) {
			t.Errorf("read again it is %+v, %v, and was %+v", again, err, m)
		}
	})
}

// What an earlier version has published is known by the wire event in it, if
// it stands there; else by its fingerprint alone.
func TestEventsOfEarlierVersionsAreKnownAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.log()
	r.Check(l.Raise(r.Ctx))
	deep := `{"event":"x","a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`
	for _, raw := range []string{`{"event":"chat_session_status","ewt":"","state":"queued"}`, deep} {
		r.Check(l.AppendEvent(r.Ctx, translate.ReadServerEvent(r.chat.ID, brightpattern.ParseEvent(json.RawMessage(raw))), translate.FromPoll, time.Now(), time.Now()))
	}
	bare := translate.ReadServerEvent(r.chat.ID, brightpattern.ParseEvent(json.RawMessage(`{"event":"chat_session_ended"}`))).Bare("reason")
	r.Check(l.AppendEvent(r.Ctx, bare, translate.FromPoll, time.Now(), time.Now()))
	stored := r.stored()
	r.Check(r.streams.Events.Purge(r.Ctx))
	for _, msg := range stored {
		msg.Header.Del(headerIdentity)
		_, err := r.JS.PublishMsg(r.Ctx, &nats.Msg{Subject: msg.Subject, Header: earlier(msg.Header), Data: msg.Data})
		r.Check(err)
	}
	next := r.log()
	r.Check(next.Raise(r.Ctx))
	r.Check(next.ReadBack(r.Ctx, func(Published) {}))
	want := l.memory.likenesses()
	want[2].Identity = ""
	golden.Same(t, next.memory.likenesses(), want, nil)
	history := []brightpattern.Event{brightpattern.ParseEvent(json.RawMessage(`{"event":"chat_session_status","state":"queued","timestamp":1614718748}`))}
	if missing := next.Missing(history); len(missing) != 0 {
		t.Errorf("it would be published again: %+v", missing)
	}
}

// earlier are the headers of a message that is published by hand.
func earlier(h nats.Header) nats.Header {
	kept := nats.Header{}
	for name, values := range h {
		if !strings.HasPrefix(name, "Nats-") {
			kept[name] = values
		}
	}
	return kept
}

// longChat tells events out of a history, in another spelling than polls do.
func longChat(events int) (told, polled []translate.Likeness) {
	for i := range events {
		told = append(told, likeness(fmt.Sprintf(`{"event":"chat_session_message","party_id":"p","msg_id":"%d","msg":"text %d","timestamp":%d}`, i, i/2, 1614718748+i/3)))
		polled = append(polled, likeness(fmt.Sprintf(`{"event":"chat_session_message","party_id":"p","msg":"text %d"}`, i/2)))
	}
	return told, polled
}

// Where a history told very many events, each poll's is found without a look at
// all of them, also while most stay for good.
func TestTakingFromVeryMany(t *testing.T) {
	const events, most = 3000, 100 << 20
	told, polled := longChat(events)
	_, others := longChat(events + events)
	m := NewMemory()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i, l := range told {
		m.add(l, true)
		if i == events/2 && !m.take(l) {
			t.Error("what was just told is not taken")
		}
	}
	for _, l := range others[events+2:] {
		if m.take(l) {
			t.Fatal("what was not told is taken")
		}
	}
	for i, l := range polled {
		if m.take(l) != (i != events/2+1) { // of the two that look like it, one is taken
			t.Fatalf("number %d is taken: %v", i, i == events/2+1)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > most || len(m.untaken) != 0 || m.index != nil && len(m.untaken) > 0 {
		t.Errorf("it took %d bytes in all, and %d are untaken", took, len(m.untaken))
	}
	read, err := ReadMemory(m.Journal())
	if err != nil || !reflect.DeepEqual(read.counts, m.counts) || len(read.untaken) != 0 {
		t.Errorf("read is %+v, %v", read, err)
	}
}

func BenchmarkTake(b *testing.B) {
	told, polled := longChat(10_000)
	b.ReportAllocs()
	for b.Loop() {
		m := NewMemory()
		for _, l := range told {
			m.add(l, true)
		}
		for _, l := range polled {
			m.take(l)
		}
	}
}
