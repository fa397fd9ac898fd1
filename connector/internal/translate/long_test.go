package translate

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"testing"

	"cc-connector/connector/brightpattern"
)

// long are the two sides of a long chat, by how they differ.
var long = map[string]struct{ polled, listed func(i int) string }{
	"the unit": {
		func(i int) string { return longMessage(i, `,"party_id":"p","msg_id":"%d"`, `,"timestamp":%d123`) },
		func(i int) string { return longMessage(i, `,"party_id":"p","msg_id":"%d"`, `,"timestamp":%d`) },
	},
	"fields": {
		func(i int) string { return longMessage(i, ``, ``) },
		func(i int) string { return longMessage(i, `,"party_id":"p","msg_id":"%d"`, `,"timestamp":%d`) },
	},
	"nothing tells them apart": {
		func(i int) string { return `{"event":"chat_session_typing"}` },
		func(i int) string {
			return fmt.Sprintf(`{"event":"chat_session_typing","party_id":"p","timestamp":%d}`, 1614718748+i)
		},
	},
	"all in one second": {
		func(i int) string { return `{"event":"chat_session_typing","timestamp":1614718748123}` },
		func(i int) string { return `{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}` },
	},
	"each has fields of its own": {
		func(i int) string { return fmt.Sprintf(`{"event":"x","a%d":1}`, i) },
		func(i int) string { return fmt.Sprintf(`{"event":"x","a%d":1,"b":1}`, i) },
	},
	"each has fields of its own, and one that all share": {
		func(i int) string { return fmt.Sprintf(`{"event":"x","party_id":"p","k%d":1}`, i) },
		func(i int) string {
			return fmt.Sprintf(`{"event":"x","party_id":"p","k%d":1,"timestamp":1614718748}`, i)
		},
	},
	"each says something under an id of its own": {
		func(i int) string {
			return fmt.Sprintf(`{"event":"x","party_id":"p","channel":"c","items":{"%d":{"n":1,"m":"a"}},"timestamp":%d123}`, i, 1614718748+i/9)
		},
		func(i int) string {
			return fmt.Sprintf(`{"event":"x","party_id":"p","channel":"c","more":"%d","items":{"%d":{"n":"1"}},"timestamp":%d}`, i%7, i, 1614718748+i/9)
		},
	},
	"some fields of one shape": {
		func(i int) string { return someFields(i, func(j int) bool { return j == i%19 || j == i/19%20 }, ``) },
		func(i int) string {
			return someFields(i, func(int) bool { return true }, fmt.Sprintf(`,"timestamp":%d`, 1614718748+i))
		},
	},
	"some of a few fields": {
		func(i int) string { return someFields(0, func(j int) bool { return i>>j&1 == 1 }, `,"party_id":"p"`) },
		func(i int) string {
			return someFields(0, func(j int) bool { return j > 14 || i>>j&1 == 1 }, `,"party_id":"p","timestamp":1614718748`)
		},
	},
}

// someFields are those of twenty, with values that only every fiftieth event has.
func someFields(i int, has func(j int) bool, more string) string {
	text := `{"event":"x"`
	for j := range 20 {
		if has(j) {
			text += fmt.Sprintf(`,"f%d":%d`, j, (i+j)%50)
		}
	}
	return text + more + `}`
}

func longMessage(i int, ids, time string) string {
	if ids != "" {
		ids = fmt.Sprintf(ids, i)
	}
	if time != "" {
		time = fmt.Sprintf(time, 1614718748+i/3)
	}
	return fmt.Sprintf(`{"event":"chat_session_message","msg":"text %d"%s%s}`, i/2, ids, time)
}

func longChat(name string, events int) (published []Likeness, history []brightpattern.Event) {
	for i := range events {
		if i%100 != 50 {
			published = append(published, LikenessOf(wire(long[name].polled(i))))
		}
		history = append(history, wire(long[name].listed(i)))
	}
	return published, history
}

// Of a long chat what was lost is missing and no more, however the events differ.
func TestLongChats(t *testing.T) {
	for _, events := range []int{225, 300, 1000} {
		for name := range long {
			published, history := longChat(name, events)
			if missing, lost := len(Missing(recoveredChat, published, history)), events-len(published); missing != lost {
				t.Errorf("%s: %d of %d are missing, and %d were lost", name, missing, events, lost)
			}
		}
	}
}

// hard are the two sides of chats that were made to cost much: what agrees is
// hard to find, or is not there.
var hard = map[string]struct{ polled, listed func(i int) string }{
	"nothing agrees": {
		func(i int) string { return fmt.Sprintf(`{"event":"x","party_id":"p%d","k%d":1}`, i%17, i) },
		func(i int) string { return fmt.Sprintf(`{"event":"x","party_id":"q%d","l%d":1}`, i%17, i) },
	},
	"all agree, by one field": {
		func(i int) string { return fmt.Sprintf(`{"event":"x","party_id":"p","k%d":1}`, i) },
		func(i int) string { return fmt.Sprintf(`{"event":"x","party_id":"p","l%d":1}`, i) },
	},
	"many fields of two values": {
		func(i int) string { return ofTwoValues(i, func(j int) bool { return (i+j)%11 < 4 }) },
		func(i int) string { return ofTwoValues(i+7, func(j int) bool { return (i*31+j)%13 < 5 }) },
	},
	"many fields of two values, in one shape": {
		func(i int) string { return ofTwoValues(i, func(int) bool { return true }) },
		func(i int) string { return ofTwoValues(i<<3, func(j int) bool { return j != 7 }) },
	},
}

func ofTwoValues(i int, has func(j int) bool) string {
	text := `{"event":"x"`
	for j := range 22 {
		if has(j) {
			text += fmt.Sprintf(`,"b%d":%d`, j, i*2654435761>>j&1)
		}
	}
	return text + `}`
}

// A long chat costs no more than it has to, and neither does one that was made
// to cost much: neither in steps, nor in memory.
func TestLongChatsAreBounded(t *testing.T) {
	const events = 2000
	for _, chats := range []map[string]struct{ polled, listed func(i int) string }{long, hard} {
		for name, chat := range chats {
			var published, listed []Likeness
			for i := range events {
				published, listed = append(published, LikenessOf(wire(chat.polled(i)))), append(listed, LikenessOf(wire(chat.listed(i))))
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m := newMatching(published, listed)
			m.run()
			runtime.ReadMemStats(&after)
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 64 || m.steps > mostSteps+mostSteps/4 {
				t.Errorf("%s: it took %d MB in all, and %d steps", name, took, m.steps)
			}
		}
	}
}

func BenchmarkMatching(b *testing.B) {
	for _, chats := range []map[string]struct{ polled, listed func(i int) string }{long, hard} {
		for _, name := range slices.Sorted(maps.Keys(chats)) {
			var published, listed []Likeness
			for i := range 10_000 {
				if i%100 != 50 {
					published = append(published, LikenessOf(wire(chats[name].polled(i))))
				}
				listed = append(listed, LikenessOf(wire(chats[name].listed(i))))
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					m := newMatching(published, listed)
					m.run()
					b.ReportMetric(float64(m.steps), "steps")
				}
			})
		}
	}
}
