package translate

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
)

const recoveredChat brightpattern.ChatID = "chat"

// happening is an event before anybody has spelt it. Its world is small, so
// that look-alikes occur.
type happening struct {
	kind, party, text string
	second            int64 // 0: it has no time
	client            bool
}

func happenings(t *rapid.T) []happening {
	now := int64(1614718748)
	one := rapid.Custom(func(t *rapid.T) happening {
		now += rapid.Int64Range(0, 1).Draw(t, "pause")
		h := happening{
			kind:   rapid.SampledFrom([]string{"typing", "message", "form_show", "location", "future"}).Draw(t, "kind"),
			party:  rapid.SampledFrom([]string{"p", "q"}).Draw(t, "party"),
			text:   rapid.SampledFrom([]string{"1", "2"}).Draw(t, "text"),
			second: now,
			client: rapid.IntRange(0, 5).Draw(t, "client") == 0,
		}
		if h.client {
			h.kind, h.party = "message", string(recoveredChat)
		}
		return h
	})
	return rapid.SliceOfN(one, 0, 12).Draw(t, "happenings")
}

// polled spells it as a poll might: milliseconds, numbers, more fields.
func (h happening) polled() brightpattern.Event {
	return h.spell(h.second*1000+int64(len(h.text)), `"`+h.text+`"`, `,"channel":"web","msg_text":"t`+h.text+`"`)
}

// listed spells it as a history might: seconds in a string, ids as numbers.
func (h happening) listed() brightpattern.Event {
	return h.spell(fmt.Sprintf("%q", fmt.Sprint(h.second)), h.text, "")
}

func (h happening) spell(timestamp any, id, more string) brightpattern.Event {
	if h.second == 0 {
		timestamp = "null"
	}
	fields := map[string]string{
		"typing":    ``,
		"message":   `,"msg_id":` + id + `,"msg":"m` + h.text + `"` + more,
		"form_show": `,"form_request_id":` + id,
		"location":  `,"msg_id":` + id + `,"latitude":` + id + `,"longitude":` + id,
		"future":    `,"x":"` + h.text + `"`, // of an unknown kind nobody knows what may be respelt
	}
	return wire(fmt.Sprintf(`{"event":"chat_session_%s","party_id":%q,"timestamp":%v%s}`, h.kind, h.party, timestamp, fields[h.kind]))
}

// look is what makes it a look-alike of others: typing has no text.
func (h happening) look() happening {
	if h.kind == "typing" {
		h.text = ""
	}
	return h
}

func lookOf(e brightpattern.Event) happening {
	var fields struct{ X string }
	_ = json.Unmarshal(e.Raw, &fields)
	kind := string(e.Name)[len("chat_session_"):]
	text := map[string]string{"message": string(e.MessageID), "form_show": string(e.FormRequestID), "location": string(e.MessageID), "future": fields.X}[kind]
	return happening{kind: kind, party: string(e.PartyID), text: text, second: e.Time.Unix(), client: string(e.PartyID) == string(recoveredChat)}
}

// scrambled lists the seconds in any order; what shares a second keeps its order.
func scrambled(t *rapid.T, all []happening) []brightpattern.Event {
	seconds := map[int64][]happening{}
	var order []int64
	for _, h := range all {
		if seconds[h.second] == nil {
			order = append(order, h.second)
		}
		seconds[h.second] = append(seconds[h.second], h)
	}
	var history []brightpattern.Event
	for _, second := range rapid.Permutation(order).Draw(t, "order") {
		for _, h := range seconds[second] {
			history = append(history, h.listed())
		}
	}
	return history
}

// However a chat's events are split into those that a poll brought and those
// that were lost: the history brings back the lost ones, each once, in order.
func TestReconcileAnySplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := happenings(t)
		var published []Likeness
		arrived := map[happening]int{} // of each look
		for _, h := range all {
			if !h.client && rapid.Bool().Draw(t, "arrived") {
				published = append(published, LikenessOf(h.polled()))
				arrived[h.look()]++
			}
		}
		// Of look-alikes nobody can tell which arrived: the first ones count as arrived.
		var want []happening
		for _, h := range all {
			if h.client {
				continue
			}
			if arrived[h.look()]--; arrived[h.look()] < 0 {
				want = append(want, h.look())
			}
		}
		var got []happening
		for _, e := range Missing(recoveredChat, published, scrambled(t, all)) {
			got = append(got, lookOf(e).look())
			published = append(published, LikenessOf(e))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("recovered\n%v\nwant\n%v", got, want)
		}
		if again := Missing(recoveredChat, published, scrambled(t, all)); len(again) != 0 {
			t.Fatalf("a second look recovers %d more", len(again))
		}
	})
}

// What was published and is not in the history (signaling, or an event that
// the contact center has dropped) hides nothing and brings nothing back.
func TestReconcileIgnoresWhatTheHistoryLacks(t *testing.T) {
	history := []brightpattern.Event{wire(`{"event":"chat_session_typing","party_id":"p","timestamp":5}`)}
	ended := LikenessOf(wire(`{"event":"chat_session_ended","timestamp":5}`))
	published := []Likeness{ended, ended, ended}
	if got := Missing(recoveredChat, published, history); len(got) != 1 {
		t.Errorf("recovered %d events", len(got))
	}
	if got := Missing(recoveredChat, published, nil); len(got) != 0 {
		t.Errorf("recovered %d events from nothing", len(got))
	}
}

// Events without a time stand directly behind their predecessor in the list,
// wherever that goes.
func TestTimeOrderKeepsTheTimeless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.SliceOfN(rapid.Int64Range(0, 4), 0, 12).Draw(t, "seconds")
		var list []brightpattern.Event
		for i, second := range seconds {
			list = append(list, happening{kind: "message", party: "p", text: fmt.Sprint(i), second: second}.listed())
		}
		sorted := InTimeOrder(list)
		place := map[brightpattern.MessageID]int{}
		for i, e := range sorted {
			place[e.MessageID] = i
		}
		if len(place) != len(list) {
			t.Fatalf("%d of %d events", len(place), len(list))
		}
		for i, e := range list {
			at := place[e.MessageID]
			if e.Time.IsZero() && i > 0 && at != place[list[i-1].MessageID]+1 || e.Time.IsZero() && i == 0 && at != 0 {
				t.Fatalf("%v: the timeless event %d went to place %d of %v", seconds, i, at, place)
			}
			for j, later := range list[i+1:] {
				wrong := !later.Time.Before(e.Time) && !e.Time.IsZero() && !later.Time.IsZero() && place[later.MessageID] < at
				if wrong {
					t.Fatalf("%v: event %d stands before event %d", seconds, i+1+j, i)
				}
			}
		}
	})
}

func TestNextNumber(t *testing.T) {
	for want, history := range map[uint64][]string{
		0:  nil,
		1:  {`{"event":"chat_session_message","msg_id":"chat:0"}`},
		12: {`{"event":"chat_session_message","msg_id":"chat:11"}`, `{"event":"chat_session_file","msg_id":"chat:2"}`},
		5:  {`{"event":"chat_session_message","msg_id":"other:9"}`, `{"msg_id":"chat:4"}`, `{"msg_id":"chat:x"}`, `{"msg_id":7}`, `{"msg_id":"chat:18446744073709551615"}`},
	} {
		var events []brightpattern.Event
		for _, raw := range history {
			events = append(events, wire(raw))
		}
		if got := NextNumber(recoveredChat, events, 1<<53); got != want {
			t.Errorf("%v: %d, want %d", history, got, want)
		}
	}
}
