package translate

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"
)

// canonical is a struct whose members stand in no order.
type canonical struct {
	Text   string          `json:"text"`
	Tex    string          `json:"tex,omitempty"`
	Number *float64        `json:"number,omitempty"`
	Flag   bool            `json:"flag"`
	Map    map[string]any  `json:"a,omitempty"`
	Raw    json.RawMessage `json:"raw,omitempty"`
}

// A struct has the canonical form that its text has, whatever its members hold.
func TestCanonicalStruct(t *testing.T) {
	texts := rapid.StringOfN(rapid.RuneFrom([]rune("ab\"\\,:{}[]<&é\x01\u2028")), 0, 9, -1)
	rapid.Check(t, func(t *rapid.T) {
		value := canonical{Text: texts.Draw(t, "text"), Tex: texts.Draw(t, "tex"), Flag: rapid.Bool().Draw(t, "flag")}
		if rapid.Bool().Draw(t, "has a number") {
			number := rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
			value.Number = &number
		}
		value.Map = rapid.SampledFrom([]map[string]any{nil, nil, {"z": texts.Draw(t, "z"), "a": []any{1, "2"}}}).Draw(t, "map")
		value.Raw = rapid.SampledFrom([]json.RawMessage{nil, nil, []byte(`{"z":1,"a":{}}`), []byte(`[]`), []byte(`null`)}).Draw(t, "raw")
		written, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := CanonicalStruct(written), Canonical(written); got != want {
			t.Fatalf("%s is %s, want %s", written, got, want)
		}
	})
	if got := CanonicalStruct([]byte(`{}`)); got != `{}` {
		t.Errorf("without members it is %s", got)
	}
}
