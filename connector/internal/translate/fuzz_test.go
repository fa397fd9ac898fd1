package translate

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"unicode/utf8"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

var (
	escapedBackslash = regexp.MustCompile(`\\\\`)
	surrogatePair    = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}`)
	surrogate        = regexp.MustCompile(`\\u[dD][89a-fA-F][0-9a-fA-F]{2}`)
)

// isStrict tells what readers take that forgive nothing.
func isStrict(data []byte) bool {
	rest := surrogatePair.ReplaceAll(escapedBackslash.ReplaceAll(data, nil), nil)
	return json.Valid(data) && utf8.Valid(data) && !surrogate.Match(rest)
}

// FuzzEventsAreStrict: whatever the contact center says, what is published of it
// can be read by everybody, live and in histories, with raw as it came where
// that could be read, too.
func FuzzEventsAreStrict(f *testing.F) {
	for _, seed := range []string{
		`{"event":"chat_session_message","msg":"\ud800","msg_text":"a\udc00b","party_id":"\ud83d\ude00"}`, `{"event":"chat_session_\ud800"}`,
		`{"event":"chat_session_signaling","data":"{\"sdp\":\"\\ud800\"}"}`, `{"event":"chat_session_form_data","data":{"\ud800":["\\ud800"]}}`,
		`{"event":"chat_session_location","latitude":1e999,"longitude":"-0","a":1.50,"a":2}`, "{\"event\":\"chat_session_info\",\"service_name\":\"\xff\xed\xa0\x80\"}",
		`"\ud800"`, `{"\ud800":"\u0000"}`, `{"event":"chat_session_secure_form_data","data":{"pin":"\ud800"}}`, `null`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		event := brightpattern.ParseEvent(wire)
		for name, value := range map[string]any{"the event": ReadServerEvent("K1x", event).Data, "the history": History("K1x", []brightpattern.Event{event})} {
			written, err := schema.JSON(value)
			if err != nil || !isStrict(written) {
				t.Errorf("%s of %q is %q, %v", name, wire, written, err)
			}
		}
		if raw := ReadServerEvent("K1x", event).Data.Header().Raw; raw != nil && isStrict(wire) && brightpattern.ShapeOf(wire).Depth <= schema.MaxNesting && !bytes.Equal(raw, wire) {
			t.Errorf("raw of %q is %q", wire, raw)
		}
	})
}
