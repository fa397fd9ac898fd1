package schema

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"unicode/utf8"
)

// byDecoder are the members of an object as encoding/json takes it apart.
func byDecoder(data []byte) (all []member, isObject bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	if brace, err := d.Token(); !utf8.Valid(data) || !json.Valid(data) || err != nil || brace != json.Delim('{') {
		return nil, false
	}
	for d.More() {
		name, err := d.Token()
		var m member
		if err != nil || d.Decode(&m.value) != nil {
			return nil, false
		}
		m.name, _ = name.(string)
		all = append(all, m)
	}
	return all, true
}

// FuzzMembers takes objects apart as encoding/json does.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { } `, `{"a":1}`, `{"a":1,"a":"2"}`, "{\t\"a\\\"b\" :\r\n[1, {\"b\":\"]}\\\\\"}] , \"\\u00e9\\ud800\":null}", `{"":{"a":{}},"b":-1.5e+7 ,"c":true}`,
		`[]`, `"{}"`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":1}{`, `null`, ``, "{\"\xff\":1}", `{"a":"\n"}`, `{"a":"é😀\/"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var got []member
		isObject := eachMember(data, func(m member) bool { got = append(got, m); return true })
		want, wantObject := byDecoder(data)
		same := func(a, b member) bool { return a.name == b.name && bytes.Equal(a.value, b.value) }
		if isObject != wantObject || !slices.EqualFunc(got, want, same) {
			t.Errorf("%q: got %q, %v, want %q, %v", data, got, isObject, want, wantObject)
		}
		for _, m := range got {
			var want string
			wantText := firstByte(m.value) == '"' && json.Unmarshal(m.value, &want) == nil
			if got, isText := text(m.value); got != want || isText != wantText {
				t.Errorf("%q is read as %q, %v", m.value, got, isText)
			}
		}
		eachMemberOf(data, func(member) bool { return true }) // whatever it is, this ends
	})
}
