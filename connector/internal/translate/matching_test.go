package translate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
)

// truth is an event as it really was, before anybody has left out a part of it.
type truth struct {
	kind   string
	fields map[string]any
	millis int64
}

// truths are of a small world, so that look-alikes occur; with ids, each has one.
func truths(t *rapid.T, withIDs bool) []truth {
	now := int64(1614718748000)
	var all []truth
	for i := range rapid.IntRange(0, 12).Draw(t, "events") {
		now += rapid.SampledFrom([]int64{0, 1, 400, 1000}).Draw(t, "pause")
		small := func(name string) int { return rapid.IntRange(1, 2).Draw(t, name) }
		kind := rapid.SampledFrom([]string{"message", "status", "typing", "form_show", "future"}).Draw(t, "kind")
		fields := map[string]map[string]any{
			"message":   {"msg": fmt.Sprint("m", small("text")), "party_id": fmt.Sprint("p", small("party")), "msg_id": small("id"), "channel": "web"},
			"status":    {"state": fmt.Sprint("s", small("state")), "ewt": small("wait")},
			"typing":    {"party_id": fmt.Sprint("p", small("party"))},
			"form_show": {"form_request_id": small("form"), "form_name": "f"},
			"future":    {"n": small("n"), "x": map[string]any{"y": small("y"), "z": []any{small("z")}}, "party_id": "p1"},
		}[kind]
		if withIDs {
			fields[map[string]string{"message": "msg_id", "form_show": "form_request_id", "future": "n", "status": "state", "typing": "party_id"}[kind]] = fmt.Sprint(i)
		}
		all = append(all, truth{"chat_session_" + kind, fields, now})
	}
	return all
}

// spelt leaves out what one side may not have, and tells the rest as it may be told.
func (tr truth) spelt(t *rapid.T, kept ...string) brightpattern.Event {
	fields := map[string]any{"event": tr.kind}
	for _, name := range slices.Sorted(maps.Keys(tr.fields)) {
		if slices.Contains(kept, name) || rapid.IntRange(0, 3).Draw(t, "has "+name) > 0 {
			fields[name] = respelt(t, tr.fields[name])
		}
	}
	switch rapid.IntRange(0, 3).Draw(t, "time") {
	case 0:
		fields["timestamp"] = respelt(t, tr.millis/1000)
	case 1, 2:
		fields["timestamp"] = respelt(t, tr.millis)
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return wire(string(raw))
}

func respelt(t *rapid.T, value any) any {
	switch value := value.(type) {
	case int, int64:
		if rapid.Bool().Draw(t, "as a text") {
			return fmt.Sprint(value)
		}
	case map[string]any:
		inner := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(value)) {
			inner[key] = respelt(t, value[key])
		}
		if rapid.IntRange(0, 3).Draw(t, "in a text") == 0 {
			written, _ := json.Marshal(inner)
			return string(written)
		}
		return inner
	case []any:
		return []any{respelt(t, value[0])}
	}
	return value
}

// However the two sides spell them, and whatever each leaves out: as many
// events of a history are missing as were lost, and none when those have been
// published.
func TestAnySpellingsAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := truths(t, false)
		published, history, lost := play(t, all)
		missing := Missing(recoveredChat, published, history)
		if len(missing) != len(lost) {
			t.Fatalf("%d events were lost, and %d are missing: %s", len(lost), len(missing), raws(missing))
		}
		for _, event := range missing {
			published = append(published, LikenessOf(event))
		}
		if again := Missing(recoveredChat, published, history); len(again) != 0 {
			t.Fatalf("a second look finds %s", raws(again))
		}
	})
}

// So it is where there are very many look-alikes, each with its own of many
// shapes: nobody is published again.
func TestAnySpellingsOfVeryManyAreCounted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		fields, values := rapid.IntRange(1, 20).Draw(t, "fields"), rapid.IntRange(1, 4).Draw(t, "values")
		polledHas, listedHas := rapid.IntRange(1, 10).Draw(t, "polled has"), rapid.IntRange(1, 10).Draw(t, "listed has")
		isTimed := rapid.Bool().Draw(t, "is timed")
		var published []Likeness
		var history []brightpattern.Event
		lost := 0
		for i := range 200 {
			polled, listed := `{"event":"x","party_id":"p"`, `{"event":"x","party_id":"p"`
			for f := range fields {
				told := fmt.Sprintf(`,"f%d":%d`, f, random.IntN(values))
				if random.IntN(10) < polledHas {
					polled += told
				}
				if random.IntN(10) < listedHas {
					listed += told
				}
			}
			if isTimed {
				polled += fmt.Sprintf(`,"timestamp":%d%03d`, 1614718748+i/30, random.IntN(1000))
			}
			history = append(history, wire(listed+fmt.Sprintf(`,"timestamp":%d}`, 1614718748+i/30)))
			if random.IntN(10) == 0 {
				lost++
			} else {
				published = append(published, LikenessOf(wire(polled+"}")))
			}
		}
		if missing := Missing(recoveredChat, published, history); len(missing) != lost {
			t.Fatalf("%d events were lost, and %d are missing", lost, len(missing))
		}
	})
}

// play spells each event for the history, and for the poll that gave it away,
// if that was not lost. One of the two may leave out fields, but for those kept.
func play(t *rapid.T, all []truth, kept ...string) (published []Likeness, history []brightpattern.Event, lost []int) {
	for i, tr := range all {
		polled, listed := kept, slices.Collect(maps.Keys(tr.fields))
		if rapid.Bool().Draw(t, "the history leaves out") {
			polled, listed = listed, polled
		}
		history = append(history, tr.spelt(t, listed...))
		if rapid.Bool().Draw(t, "arrives") {
			published = append(published, LikenessOf(tr.spelt(t, polled...)))
		} else {
			lost = append(lost, i)
		}
	}
	return published, rapid.Permutation(history).Draw(t, "order"), lost
}

func raws(events []brightpattern.Event) (all []string) {
	for _, event := range events {
		all = append(all, string(event.Raw))
	}
	return all
}

// Where both sides tell what the event is, it is the lost ones that are found.
func TestAnySpellingsOfDistinctEventsAreTheLostOnes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := truths(t, true)
		published, history, lost := play(t, all, "msg_id", "form_request_id", "n", "state", "party_id")
		var got []string
		for _, event := range Missing(recoveredChat, published, history) {
			var told map[string]any
			_ = json.Unmarshal(event.Raw, &told)
			got = append(got, fmt.Sprint(told["event"], all[0].of(told)))
		}
		var want []string
		for _, i := range lost {
			want = append(want, fmt.Sprint(all[i].kind, i))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("missing are %v, lost were %v", got, want)
		}
	})
}

// of is the id in what an event tells.
func (truth) of(told map[string]any) any {
	id := map[any]string{"chat_session_message": "msg_id", "chat_session_form_show": "form_request_id",
		"chat_session_future": "n", "chat_session_status": "state", "chat_session_typing": "party_id"}[told["event"]]
	return told[id]
}

// An event gets the partner that it has most in common with, and a partner is
// given up where another event has no other one.
func TestPartners(t *testing.T) {
	for name, c := range map[string]struct{ published, listed, missing []string }{
		"the nearest in time": {
			[]string{`{"event":"chat_session_typing","timestamp":1614718748900}`},
			[]string{`{"event":"chat_session_typing","timestamp":1614718748}`, `{"event":"chat_session_typing","timestamp":1614718749}`},
			[]string{`{"event":"chat_session_typing","timestamp":1614718749}`},
		},
		"the one that says the same of the wait": {
			[]string{`{"event":"chat_session_status","state":"queued","ewt":3}`},
			[]string{`{"event":"chat_session_status","state":"queued","ewt":"5","timestamp":1}`, `{"event":"chat_session_status","state":"queued","ewt":"3","timestamp":2}`},
			[]string{`{"event":"chat_session_status","state":"queued","ewt":"5","timestamp":1}`},
		},
		"the one that names the party": {
			[]string{`{"event":"chat_session_typing","party_id":"q"}`},
			[]string{`{"event":"chat_session_typing","timestamp":1}`, `{"event":"chat_session_typing","party_id":"q","timestamp":2}`},
			[]string{`{"event":"chat_session_typing","timestamp":1}`},
		},
		"one that another event gives up": {
			[]string{`{"event":"x","b":1}`, `{"event":"x","a":1}`},
			[]string{`{"event":"x","a":1,"b":1}`, `{"event":"x","b":1,"c":2}`, `{"event":"x","a":2}`},
			[]string{`{"event":"x","a":2}`},
		},
		"none that it has nothing in common with": {
			[]string{`{"event":"x","a":1}`},
			[]string{`{"event":"x","b":1}`},
			[]string{`{"event":"x","b":1}`},
		},
		"two that are the same": {
			[]string{`{"event":"chat_session_typing","party_id":"p"}`},
			[]string{`{"event":"chat_session_typing","party_id":"p"}`, `{"event":"chat_session_typing","party_id":"p"}`},
			[]string{`{"event":"chat_session_typing","party_id":"p"}`},
		},
	} {
		var published []Likeness
		for _, raw := range c.published {
			published = append(published, LikenessOf(wire(raw)))
		}
		var history []brightpattern.Event
		for _, raw := range c.listed {
			history = append(history, wire(raw))
		}
		if got := raws(Missing(recoveredChat, published, history)); !slices.Equal(got, c.missing) {
			t.Errorf("%s: missing are %q", name, got)
		}
	}
}

// FuzzMissing: no history makes an event appear twice or vanish. Each line of
// the text is a listed event; those that the bits choose were published, as a
// poll may have spelt them.
func FuzzMissing(f *testing.F) {
	for _, seed := range []string{
		"", "\n\n", `{"event":"chat_session_typing"}` + "\n" + `{"event":"chat_session_typing","timestamp":5}`,
		`{"event":"chat_session_message","msg":"a","timestamp":"1614718748001"}` + "\n" + `{"event":"chat_session_message","msg":"a","party_id":"p"}`,
		`{"event":"x","data":"{\"a\":[1,\"2\",1.0]}"}` + "\n" + `{"event":"x","data":{"a":["1",2,1]}}` + "\n7\n\"7\"", `{"event":"x","event":"y"}` + "\n[[[[",
	} {
		f.Add([]byte(seed), uint64(0b0101), uint64(0b0011))
	}
	f.Fuzz(func(t *testing.T, text []byte, arrived, respelt uint64) {
		var published []Likeness
		var history []brightpattern.Event
		for i, line := range bytes.Split(text, []byte("\n")) {
			event := brightpattern.ParseEvent(line)
			if event.IsFromClient(recoveredChat) {
				continue
			}
			history = append(history, event)
			if arrived>>(i%64)&1 == 1 {
				published = append(published, polledAs(event, respelt>>(i%64)))
			}
		}
		missing := Missing(recoveredChat, published, history)
		if len(missing) != len(history)-len(published) {
			t.Errorf("%d of %d are published, and %d are missing", len(published), len(history), len(missing))
		}
		for _, event := range missing {
			published = append(published, LikenessOf(event))
		}
		if again := Missing(recoveredChat, published, history); len(again) != 0 {
			t.Errorf("a second look finds %q", raws(again))
		}
	})
}

// polledAs leaves a field out, and makes a text of another.
func polledAs(event brightpattern.Event, bits uint64) Likeness {
	var fields map[string]json.RawMessage
	if json.Unmarshal(event.Raw, &fields) != nil || fields == nil || bits&1 == 0 {
		return LikenessOf(event)
	}
	names := slices.Sorted(maps.Keys(fields))
	names = slices.DeleteFunc(names, func(name string) bool { return name == "event" })
	for i, name := range names {
		value := fields[name]
		switch {
		case bits>>(i%32+1)&1 == 1:
			delete(fields, name)
		case bits>>(i%31+33)&1 == 1 && json.Valid(value) && value[0] != '"' && value[0] != 'n' && name != "timestamp":
			quoted, _ := json.Marshal(string(value))
			fields[name] = quoted
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return LikenessOf(event)
	}
	return LikenessOf(brightpattern.ParseEvent(raw))
}
