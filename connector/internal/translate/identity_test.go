package translate

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"testing"

	"cc-connector/connector/brightpattern"
)

// agreeing tells whether two spellings can be of one event.
func agreeing(t testing.TB, one, two string) bool {
	t.Helper()
	a, b := LikenessOf(wire(one)), LikenessOf(wire(two))
	agreement := a.Agreement(b)
	if agreement != b.Agreement(a) {
		t.Errorf("%s and %s agree by %+v, and the other way round by %+v", one, two, agreement, b.Agreement(a))
	}
	return agreement.Exists()
}

// Whatever the wire allows to differ between a poll and a history, the event is
// known again; and what is another event is taken for another.
func TestIdentityStandsEverySpelling(t *testing.T) {
	for name, c := range map[string]struct{ polled, same, other string }{
		"no time": {`{"event":"chat_session_status","ewt":"","state":"queued"}`,
			`{"event":"chat_session_status","ewt":"","state":"queued","timestamp":"1614718748"}`, `{"event":"chat_session_status","state":"connected","timestamp":"1614718748"}`},
		"no party": {`{"event":"chat_session_typing","timestamp":1614718748123}`,
			`{"event":"chat_session_typing","party_id":"p","timestamp":"1614718748"}`, `{"event":"chat_session_typing","party_id":"p","timestamp":"1614718750"}`},
		"milliseconds": {`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748999}`,
			`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`, `{"event":"chat_session_typing","party_id":"p","timestamp":1614718748998}`},
		"rounded": {`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748600}`,
			`{"event":"chat_session_typing","party_id":"p","timestamp":1614718749}`, `{"event":"chat_session_typing","party_id":"p","timestamp":1614718747}`},
		"nothing but a text": {`{"event":"chat_session_message","msg":"a"}`,
			`{"event":"chat_session_message","msg":"a","msg_id":7,"party_id":"p","timestamp":1614718748,"channel":"web"}`, `{"event":"chat_session_message","msg":"b","msg_id":7}`},
		"a plain text": {`{"event":"chat_session_message","msg_text":"a < b","msg_id":"1"}`,
			`{"event":"chat_session_message","msg":"a &lt; b","msg_text":"a < b","msg_id":1}`, `{"event":"chat_session_message","msg_text":"a > b","msg_id":1}`},
		"no id": {`{"event":"chat_session_file","file_id":"f","file_name":"a.png","party_id":"p"}`,
			`{"event":"chat_session_file","file_id":"f","msg_id":"1","session_id":"p"}`, `{"event":"chat_session_file","file_id":"g","session_id":"p"}`},
		"a cleared case": {`{"event":"chat_session_case_set","case_id":null}`, `{"event":"chat_session_case_set","case_id":""}`, `{"event":"chat_session_case_set","case_id":"1"}`},
		"an unknown event": {`{"event":"chat_session_future","n":1,"x":"a"}`,
			`{"event":"chat_session_future","n":"1","x":"a","party_id":"p","more":{"y":[1]},"timestamp":1614718748}`, `{"event":"chat_session_future","n":"2","x":"a"}`},
		"numbers": {`{"event":"chat_session_future","data":{"a":1.50,"b":true,"c":null},"list":[1,"2",{"d":3}]}`,
			`{"event":"chat_session_future","data":{"a":"1.5","b":"true","e":""},"list":["1",2,{"d":"3"}]}`, `{"event":"chat_session_future","data":{"a":1.5},"list":[1,2,{"d":4}]}`},
		"an object in a text":  {`{"event":"x","data":"{\"a\":1, \"b\":2}"}`, `{"event":"x","data":{"b":2,"a":1,"z":0}}`, `{"event":"x","data":{"a":2,"b":2}}`},
		"long ids":             {`{"event":"x","id":9007199254740993}`, `{"event":"x","id":"9007199254740993"}`, `{"event":"x","id":"9007199254740992"}`},
		"nameless":             {`{"a":1}`, `{"a":"1","b":2}`, `{"a":2}`},
		"no string for a name": {`{"event":7}`, `{"event":7,"timestamp":1614718748}`, `{"event":8}`},
		"no object":            {`7`, `"7"`, `8`},
		"no time that is one":  {`{"event":"x","timestamp":"2021-03-02T20:59:08Z"}`, `{"event":"x","timestamp":1614718748}`, `{"event":"y"}`},
	} {
		if !agreeing(t, c.polled, c.same) {
			t.Errorf("%s: %s is taken for another event than %s", name, c.same, c.polled)
		}
		if agreeing(t, c.polled, c.other) {
			t.Errorf("%s: %s is taken for %s", name, c.other, c.polled)
		}
	}
}

// Spellings of which the fingerprint is the same are of one event.
func TestIdentityStandsWhatTheFingerprintStands(t *testing.T) {
	for _, raw := range []string{
		`{"event":"chat_session_location","msg_id":"1","party_id":"p","latitude":48.10,"longitude":"-11.50"}`,
		`{"event":"chat_session_message_read","party_id":"p","ref_msg_id":"c:0"}`, `{"event":"chat_session_inactvity_timeout"}`,
	} {
		if !agreeing(t, raw, raw) {
			t.Errorf("%s is not itself", raw)
		}
	}
	if !agreeing(t, `{"event":"chat_session_message_read","party_id":"p","ref_msg_id":"c:0"}`, `{"event":"chat_session_message_read","msg_id":"c:0"}`) {
		t.Error("a receipt is not known again")
	}
}

// Of an event with very many fields the identity is bounded, and still known again.
func TestIdentityIsBounded(t *testing.T) {
	many := func(changed int, more string) string {
		fields := map[string]any{"event": "x"}
		for i := range 1000 {
			fields[fmt.Sprint("field ", i)] = i
		}
		fields["field 500"] = changed
		if more != "" {
			fields[more] = "1"
		}
		written, _ := json.Marshal(fields)
		return string(written)
	}
	if id := IdentityOf(wire(many(1, ""))); len(id) > LongestIdentity {
		t.Errorf("it has %d bytes", len(id))
	}
	if !agreeing(t, many(1, ""), many(1, "")) || agreeing(t, many(1, ""), many(2, "")) || !agreeing(t, many(1, ""), many(1, "more")) {
		t.Error("an event of many fields is not known again, or taken for another")
	}
}

// Identities are stored: they must outlive every version of this program. The
// values were calculated by another program.
func TestIdentityIsTheSameForEver(t *testing.T) {
	for raw, want := range map[string]string{
		`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`:           "Ab6uLX5xtsHVAXf0vMVgMiT1tv9F8fg",
		`{"event":"chat_session_future","timestamp":"1614718748001","b":1,"a":{"c":"<"}}`: "AamzM9JxtsHVAXf0vMVhPnVSzMw2nFHdazbxa6b6YQ",
	} {
		id := IdentityOf(wire(raw))
		if id.String() != want {
			t.Errorf("%s has become %s", want, id)
		}
		if read, ok := ParseIdentity(want); !ok || read != id {
			t.Errorf("%s is read as %s", want, read)
		}
	}
	for _, bad := range []string{"", "AA", "%", "Ab6uLX5xtsHVAXCQ7MUoMiT1tv9F8fg=", base64.RawURLEncoding.EncodeToString(make([]byte, headLength))} {
		if _, ok := ParseIdentity(bad); ok {
			t.Errorf("%q is read as an identity", bad)
		}
	}
}

// Where only the fingerprint is known, it decides.
func TestEventsOfWhichOnlyTheFingerprintIsKnown(t *testing.T) {
	event := wire(`{"event":"chat_session_typing","party_id":"p","timestamp":1614718748}`)
	bare := Likeness{Fingerprint: FingerprintOf(event)}
	if !bare.Agreement(LikenessOf(event)).Exists() || bare.Agreement(LikenessOf(wire(`{"event":"chat_session_typing","party_id":"p"}`))).Exists() {
		t.Error("it is not known by its fingerprint, or by less")
	}
	history := []brightpattern.Event{event, event, wire(`{"event":"chat_session_typing","party_id":"p"}`)}
	if got := Missing("chat", []Likeness{bare, LikenessOf(event)}, history); len(got) != 1 || !got[0].Time.IsZero() {
		t.Errorf("missing are %+v", got)
	}
}
