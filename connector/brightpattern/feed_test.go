package brightpattern

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func free(int64) error { return nil }

// What was read of an answer stays as it is when the next one is read, which may
// get the same memory.
func TestReadEventsAreTheirOwn(t *testing.T) {
	answer := `{"other":"text","events":[{"event":"chat_session_message","msg":"` + strings.Repeat("long ", windowSize) + `","msg_id":"m-\u0031"},{"event":"chat_session_ended","data":{"a":1}}]}`
	for name, src := range map[string]func() *feed{
		"at once":    func() *feed { return newFeed(strings.NewReader(answer), free) },
		"bit by bit": func() *feed { return newFeed(iotest.OneByteReader(strings.NewReader(answer)), free) },
	} {
		f := src()
		events, listed, err := readEvents(f)
		if err != nil || !listed || len(events) != 2 || events[0].MessageID != "m-1" {
			t.Fatalf("%s: %v", name, err)
		}
		window := f.window
		f.release()
		for i := range window {
			window[i] = 'x'
		}
		if again, _, _ := readEvents(feedOf([]byte(answer))); !reflect.DeepEqual(events, again) {
			t.Errorf("%s: what was read has changed", name)
		}
	}
}

func TestReadWholeAnswersAreTheirOwn(t *testing.T) {
	f := newFeed(strings.NewReader("\ufeff{}"), free)
	text, err := f.all()
	window := f.window
	f.release()
	clear(window[:])
	if string(text) != "{}" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
}

// Texts are read as encoding/json reads them, whatever they hold.
func TestUnquoteIsAsOfJSON(t *testing.T) {
	parts := rapid.SampledFrom([]string{"a", " ", `"`, `\`, `\"`, `\u00e9`, `\ud800`, `\n`, "\n", "\x00", "\x7f", "é", "\xff", "\u2028", "{", "null", "1"})
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(strings.Join(rapid.SliceOfN(parts, 0, 6).Draw(t, "parts"), ""))
		if rapid.Bool().Draw(t, "quoted") {
			raw = append(append([]byte{'"'}, raw...), '"')
		}
		var want string
		wantText := len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &want) == nil
		if got, isText := unquote(raw); isText != wantText || isText && got != want {
			t.Fatalf("%q: got %q, %v, want %q, %v", raw, got, isText, want, wantText)
		}
	})
}

// Texts are written as encode writes them, whatever they hold.
func TestQuotedIsAsEncoded(t *testing.T) {
	parts := rapid.SampledFrom([]string{"a", " ", `"`, `\`, "\n", "\x00", "\x1f", "\x7f", "é", "\xff", "\u2028", "\u2029", "\u20ac", "<&>", "\U0001F600"})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(parts, 0, 6).Draw(t, "parts"), "")
		want, err := encode(text)
		if got := appendQuoted([]byte("x"), text); err != nil || string(got) != "x"+string(want) {
			t.Fatalf("%q is written as %s", text, got[1:])
		}
	})
}
