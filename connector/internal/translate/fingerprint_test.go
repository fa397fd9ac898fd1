package translate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"cc-connector/connector/brightpattern"
)

func wire(raw string) brightpattern.Event { return brightpattern.ParseEvent(json.RawMessage(raw)) }

// One event, as the poll and as the history may spell it.
func TestSpellingsOfOneEvent(t *testing.T) {
	for name, spellings := range map[string][]string{
		"seconds and milliseconds": {
			`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`,
			`{"event":"chat_session_typing","party_id":"p","timestamp":"1614718748"}`,
			`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748001}`,
			`{"timestamp":"1614718748999","party_id":"p","event":"chat_session_typing"}`,
		},
		"numbers and strings": {
			`{"event":"chat_session_form_show","form_request_id":7,"form_name":"f","form_timeout":"60"}`,
			`{"event":"chat_session_form_show","form_request_id":"7","form_name":"f","form_timeout":60}`,
		},
		"coordinates": {
			`{"event":"chat_session_location","msg_id":"1","party_id":"p","latitude":48.10,"longitude":"-11.50"}`,
			`{"event":"chat_session_location","msg_id":1,"party_id":"p","latitude":"48.1","longitude":-11.5}`,
		},
		"text beside the HTML": {
			`{"event":"chat_session_message","msg_id":"1","party_id":"p","msg":"a &lt; b","msg_text":"a < b"}`,
			`{"event":"chat_session_message","msg_id":"1","party_id":"p","msg":"a &lt; b"}`,
		},
		"more of the party": {
			`{"event":"chat_session_party_joined","party_id":"p","type":"internal","first_name":"Ann","display_name":"Ann L."}`,
			`{"event":"chat_session_party_joined","party_id":"p"}`,
		},
		"the wait": {
			`{"event":"chat_session_status","state":"queued","ewt":"12"}`,
			`{"event":"chat_session_status","state":"queued","ewt":""}`,
			`{"event":"chat_session_status","state":"queued"}`,
		},
		"the confirmed message": {
			`{"event":"chat_session_message_read","party_id":"p","ref_msg_id":"c:0"}`,
			`{"event":"chat_session_message_read","party_id":"p","msg_id":"c:0"}`,
		},
		"the file's party": {
			`{"event":"chat_session_file","msg_id":"1","party_id":"p","file_id":"f","file_name":"a.png","file_type":"image"}`,
			`{"event":"chat_session_file","msg_id":"1","session_id":"p","file_id":"f"}`,
		},
		"misspelt": {
			`{"event":"chat_session_inactivity_timeout","msg":"bye"}`,
			`{"event":"chat_session_inactvity_timeout"}`,
		},
		"unknown fields": {
			`{"event":"chat_session_ended","timestamp":1614718748}`,
			`{"event":"chat_session_ended","timestamp":"1614718748000","by":"agent","more":[1,2]}`,
		},
		"signal": {
			`{"event":"chat_session_signaling","party_id":"p","msg_id":"1","data":{"type":"OFFER_CALL","sdp":"v=0"}}`,
			`{"event":"chat_session_signaling","party_id":"p","msg_id":"1","data":"{\"sdp\":\"v=0\", \"type\":\"OFFER_CALL\"}"}`,
		},
		"unknown event": {
			`{"event":"chat_session_future","a":{"b":1,"c":[true,null]},"timestamp":1614718748}`,
			`{ "timestamp":"1614718748500", "a":{"c":[true, null],"b":1}, "event":"chat_session_future"}`,
		},
		"nameless": {`{"a":1}`, `{ "a" : 1 }`},
	} {
		first := FingerprintOf(wire(spellings[0]))
		for _, spelling := range spellings[1:] {
			if FingerprintOf(wire(spelling)) != first {
				t.Errorf("%s: %s is taken for another event than %s", name, spelling, spellings[0])
			}
		}
	}
}

// Events that differ in what identifies them.
func TestDifferentEvents(t *testing.T) {
	seen := map[Fingerprint]string{}
	for _, raw := range []string{
		`{}`, `[]`, `null`, `"x"`, `{"a":1}`, `{"a":2}`, `{"a":"1"}`, `{"event":""}`,
		`{"event":"chat_session_typing"}`,
		`{"event":"chat_session_typing","party_id":"p"}`,
		`{"event":"chat_session_typing","party_id":"q"}`,
		`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`,
		`{"event":"chat_session_typing","party_id":"p","timestamp":1614718749}`,
		`{"event":"chat_session_not_typing","party_id":"p"}`,
		`{"event":"chat_session_message","party_id":"p","msg_id":"1","msg":"a"}`,
		`{"event":"chat_session_message","party_id":"p","msg_id":"1","msg":"b"}`,
		`{"event":"chat_session_message","party_id":"p","msg_id":"2","msg":"a"}`,
		`{"event":"chat_session_message","party_id":"q","msg_id":"1","msg":"a"}`,
		`{"event":"chat_session_message","party_id":"p","msg_id":"1","msg_text":"a"}`,
		`{"event":"chat_session_message","party_id":"p1","msg_id":"","msg":"a"}`,
		`{"event":"chat_session_message_delivered","party_id":"p","ref_msg_id":"c:0"}`,
		`{"event":"chat_session_message_delivered","party_id":"p","ref_msg_id":"c:1"}`,
		`{"event":"chat_session_message_delivered","party_id":"q","ref_msg_id":"c:0"}`,
		`{"event":"chat_session_message_read","party_id":"p","ref_msg_id":"c:0"}`,
		`{"event":"chat_session_status","state":"queued"}`,
		`{"event":"chat_session_status","state":"connected"}`,
		`{"event":"chat_session_case_set","case_id":"1"}`,
		`{"event":"chat_session_case_set","case_id":""}`,
		`{"event":"chat_session_party_joined","party_id":"p"}`,
		`{"event":"chat_session_party_left","party_id":"p"}`,
		`{"event":"chat_session_info","service_name":"a"}`,
		`{"event":"chat_session_info","service_name":"b"}`,
		`{"event":"chat_session_location","party_id":"p","latitude":1,"longitude":2}`,
		`{"event":"chat_session_location","party_id":"p","latitude":2,"longitude":1}`,
		`{"event":"chat_session_location","party_id":"p","latitude":1,"longitude":2,"url":"u"}`,
		`{"event":"chat_session_file","party_id":"p","file_id":"a"}`,
		`{"event":"chat_session_file","party_id":"p","file_id":"b"}`,
		`{"event":"chat_session_form_show","form_request_id":"1"}`,
		`{"event":"chat_session_form_show","form_request_id":"2"}`,
		`{"event":"chat_session_secure_form_show","form_request_id":"1"}`,
		`{"event":"chat_session_secure_form_cancel","form_request_id":"1"}`,
		`{"event":"chat_session_timeout_warning","msg":"5 minutes"}`,
		`{"event":"chat_session_timeout_warning","msg":"1 minute"}`,
		`{"event":"chat_session_inactivity_timeout"}`,
		`{"event":"chat_session_ended"}`,
		`{"event":"chat_session_signaling","party_id":"p","data":{"type":"OFFER_CALL"}}`,
		`{"event":"chat_session_signaling","party_id":"p","data":{"type":"END_CALL"}}`,
		`{"event":"chat_session_cobrowsing_requested","msg_id":"1"}`,
		`{"event":"chat_session_cobrowsing_requested","msg_id":"2"}`,
		`{"event":"chat_session_future","x":1}`,
		`{"event":"chat_session_future","x":1.0}`,
		`{"event":"chat_session_future","x":[1,2]}`,
		`{"event":"chat_session_future","x":[2,1]}`,
		`{"event":"chat_session_other","x":1}`,
	} {
		like := FingerprintOf(wire(raw))
		if other, taken := seen[like]; taken {
			t.Errorf("%s is taken for %s", raw, other)
		}
		seen[like] = raw
	}
}

// An event's identity must outlive every version of this program: streams
// hold events that were published by earlier ones. The values were calculated
// by another program.
func TestIdentityIsStable(t *testing.T) {
	typing := FingerprintOf(wire(`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`))
	future := FingerprintOf(wire(`{"event":"chat_session_future","timestamp":"1614718748","b":1,"a":"<"}`))
	for got, want := range map[string]string{
		string(typing): "0f18e58104f59d7c70221b56718202fc", string(future): "e5a69604d074e45b3b00e0c8130c21ac",
		EventID("chat", typing, 1): "ec2a9654-4bec-8b2e-830d-205a2b7ffefd", EventID("chat", typing, 2): "1f9c4c67-b0f3-80f3-b466-d75a8ebc7e69", SessionID("chat", 1): "cd11bebd-384c-8564-859e-7b8dde133245",
	} {
		if got != want {
			t.Errorf("%s has become %s", want, got)
		}
	}
}

func TestEventIDs(t *testing.T) {
	seen := map[string]bool{}
	for _, chat := range []brightpattern.ChatID{"a", "b", "a1", "aa"} {
		for _, like := range []Fingerprint{"a", "1a", "11"} {
			for ordinal := range 12 {
				id := EventID(chat, like, ordinal)
				if seen[id] {
					t.Errorf("%s/%s/%d has the id of another", chat, like, ordinal)
				}
				if _, err := uuid.Parse(id); err != nil {
					t.Errorf("%s: %v", id, err)
				}
				seen[id] = true
			}
		}
		if id := SessionID(chat, 1); seen[id] || id == SessionID(chat, 11) {
			t.Errorf("session %s is not alone", id)
		}
	}
}

func TestDigestIsInjective(t *testing.T) {
	parts := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("a\x00\x01")), 0, 3, -1), 0, 4)
	rapid.Check(t, func(t *rapid.T) {
		one, two := parts.Draw(t, "one"), parts.Draw(t, "two")
		if same := digest(one...) == digest(two...); same != slices.Equal(one, two) {
			t.Fatalf("%q and %q: same digest: %v", one, two, same)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		list := parts.Draw(t, "list")
		for _, glue := range []string{"", "\x00", "\x01", "\x02", "\x03"} {
			if glued := strings.Join(list, glue); len(list) > 1 && digest(list...) == digest(glued) {
				t.Fatalf("%q is taken for %q", glued, list)
			}
		}
	})
	long := strings.Repeat("x", 300)
	if digest(long, "") == digest("", long) || digest(long+"y") == digest(long, "y") {
		t.Error("long parts run into each other")
	}
}

// jsonValue is any JSON value of a small world, so that equal ones occur.
func jsonValue(depth int) *rapid.Generator[any] {
	leaf := rapid.SampledFrom([]any{nil, true, json.Number("1"), json.Number("1.0"), "1", "", "a", "<"})
	if depth == 0 {
		return leaf
	}
	inner := jsonValue(depth - 1)
	list := rapid.Map(rapid.SliceOfN(inner, 0, 2), func(l []any) any { return append([]any{}, l...) })
	object := rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", ""}), inner, 0, 2), func(m map[string]any) any { return m })
	return rapid.OneOf(leaf, list, object)
}

// spell writes a value with its keys in any order and white space anywhere.
func spell(t *rapid.T, value any) string {
	space := func() string { return rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space") }
	var parts []string
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			parts = append(parts, spell(t, element))
		}
		return "[" + space() + strings.Join(parts, space()+",") + "]"
	case map[string]any:
		for key, element := range value { // Go's order is any order
			parts = append(parts, fmt.Sprintf("%q%s:%s", key, space(), spell(t, element)))
		}
		return "{" + strings.Join(parts, ","+space()) + space() + "}"
	}
	plain, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return space() + string(plain) + space()
}

func TestCanonicalIsInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, two := jsonValue(2).Draw(t, "one"), jsonValue(2).Draw(t, "two")
		same := Canonical(json.RawMessage(spell(t, one))) == Canonical(json.RawMessage(spell(t, two)))
		if same != reflect.DeepEqual(one, two) {
			t.Fatalf("%v and %v: same form: %v", one, two, same)
		}
		respelt := Canonical(json.RawMessage(spell(t, one)))
		if respelt != Canonical(json.RawMessage(spell(t, one))) {
			t.Fatalf("two spellings of %v differ", one)
		}
	})
	for one, two := range map[string]string{"1": "1.0", "100": "1e2", "9007199254740993": "9007199254740992"} {
		if Canonical(json.RawMessage(one)) == Canonical(json.RawMessage(two)) {
			t.Errorf("%s and %s have the same form", one, two)
		}
	}
	for _, raw := range []string{"", "{", "nul", "\xff"} {
		if got := Canonical(json.RawMessage(raw)); got != raw {
			t.Errorf("%q becomes %q", raw, got)
		}
	}
}
