package schema

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// splitObject lists a JSON object's members in order, repeated names too: a map
// would silently keep the last. It reports false for anything but one object in UTF-8.
func splitObject(data []byte) ([]member, bool) {
	if !utf8.Valid(data) || !json.Valid(data) || firstByte(data) != '{' {
		return nil, false
	}
	var members []member
	d := json.NewDecoder(bytes.NewReader(data))
	_, _ = d.Token() // the brace; from here nothing can fail, the text being valid
	for d.More() {
		var m member
		token, err := d.Token()
		if err != nil {
			return nil, false
		}
		m.name, _ = token.(string)
		if d.Decode(&m.value) != nil {
			return nil, false
		}
		members = append(members, m)
	}
	return members, true
}

// repeated returns the first name that stands twice.
func repeated(members []member) (string, bool) {
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		if seen[m.name] {
			return m.name, true
		}
		seen[m.name] = true
	}
	return "", false
}

// firstByte returns the first byte that is not JSON's white space, or 0.
func firstByte(data []byte) byte {
	data = bytes.TrimLeft(data, " \t\r\n")
	if len(data) == 0 {
		return 0
	}
	return data[0]
}

// text returns a JSON string's value.
func text(raw json.RawMessage) (string, bool) {
	if firstByte(raw) != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}
