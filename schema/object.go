package schema

import (
	"bytes"
	"encoding/json"
	"strings"
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
// anything but one object in UTF-8. What it shows is data's own memory.
func eachMember(data []byte, take func(member) bool) bool {
	if !isObject(data) {
		return false
	}
	eachMemberOf(data, take)
	return true
}

// eachMemberOf is eachMember for what is known to be an object.
func eachMemberOf(object []byte, take func(member) bool) {
	w := walk{rest: object}
	for w.skip("{,"); w.next() == '"'; w.skip(",") {
		name := memberName(w.value())
		w.skip(":")
		if !take(member{name, w.value()}) {
			return
		}
	}
}

// walk goes over a text that is known to be JSON.
type walk struct{ rest []byte }

// next is the first byte of what comes next, 0 at the end.
func (w *walk) next() byte {
	w.skip("")
	if len(w.rest) == 0 {
		return 0
	}
	return w.rest[0]
}

// skip passes over white space, and over signs.
func (w *walk) skip(signs string) {
	for len(w.rest) > 0 && (isSpace(w.rest[0]) || strings.IndexByte(signs, w.rest[0]) >= 0) {
		w.rest = w.rest[1:]
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// value takes the value that comes next.
func (w *walk) value() json.RawMessage {
	w.skip("")
	end, level := 0, 0
	for end < len(w.rest) {
		switch c := w.rest[end]; {
		case c == '"':
			end += stringLength(w.rest[end:])
		case c == '{' || c == '[':
			level++
			end++
		case level == 0 && (c == ',' || c == '}' || c == ']' || isSpace(c)):
			return w.take(end)
		case c == '}' || c == ']':
			level--
			end++
		default:
			end++
			continue
		}
		if level == 0 { // the end of a string, an object or a list
			break
		}
	}
	return w.take(end)
}

func (w *walk) take(length int) json.RawMessage {
	taken := w.rest[:length:length]
	w.rest = w.rest[length:]
	return taken
}

// stringLength is that of the JSON string that a text begins with, quotes included.
func stringLength(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
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
	if isPlainString(raw) {
		return string(raw[1 : len(raw)-1]), true
	}
	if firstByte(raw) != '"' {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// isPlainString tells a JSON string in which every byte stands for itself.
func isPlainString(raw []byte) bool {
	last := len(raw) - 1
	if last < 1 || raw[0] != '"' || raw[last] != '"' {
		return false
	}
	for _, c := range raw[1:last] {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.Valid(raw)
}
