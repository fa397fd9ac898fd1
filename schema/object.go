package schema

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"
)

// Who may send one command may send any bytes in its place, so whatever reads
// JSON here stops at the first thing that is wrong: what a message costs is
// bounded by its size, and not by how many mistakes are in it.

// Limits of the JSON of a command.
const (
	MaxDepth   = 64  // of nesting
	MaxMembers = 256 // of an object whose names are not all known
)

var (
	errNotObject = &FieldError{"data", "must be one JSON object in UTF-8"}
	errTooDeep   = &FieldError{"data", "is nested too deeply: at most 64 levels"}
)

// member is one name and value of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

func isObject(data []byte) bool {
	return firstByte(data) == '{' && utf8.Valid(data) && json.Valid(data)
}

// eachMember shows a JSON object's members in order, repeated names too (a map
// would silently keep the last), until take wants no more. It reports false for
// anything but one object in UTF-8.
func eachMember(data []byte, take func(member) bool) bool {
	if !isObject(data) {
		return false
	}
	d := json.NewDecoder(bytes.NewReader(data))
	_, _ = d.Token() // the brace; from here nothing can fail, the text being valid
	for d.More() {
		var m member
		token, err := d.Token()
		if err != nil || d.Decode(&m.value) != nil {
			return false
		}
		if m.name, _ = token.(string); !take(m) {
			break
		}
	}
	return true
}

// depth is how deeply arrays and objects are nested, also in what is no JSON.
func depth(data []byte) int {
	now, most, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			quoted = !quoted
		case quoted && c == '\\':
			i++
		case quoted:
		case c == '{' || c == '[':
			now++
			most = max(most, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return most
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
