package schema

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// checks judge one value. Empty strings pass: whether a value must be there is another matter.
var checks = map[Kind]func(Field, json.RawMessage) *FieldError{
	KindString:    checkString,
	KindID:        checkString,
	KindClientID:  checkClientID,
	KindEnum:      checkEnum,
	KindStringMap: checkStringMap,
	KindObject:    checkObject,
	KindBase64:    checkBase64,
	KindLatitude:  func(f Field, raw json.RawMessage) *FieldError { return checkDegrees(f, raw, 90) },
	KindLongitude: func(f Field, raw json.RawMessage) *FieldError { return checkDegrees(f, raw, 180) },
}

// describe says what a field wants, to follow "give" or "must be".
func (f Field) describe() string {
	switch f.Kind {
	case KindEnum:
		return "one of " + strings.Join(f.Enum, ", ")
	case KindStringMap:
		return "an object whose values are strings"
	case KindObject:
		return fmt.Sprintf("an object of at most %d bytes", f.Max)
	case KindBase64:
		return fmt.Sprintf("a base64 string of at most %d bytes when decoded", f.Max)
	case KindLatitude:
		return "a number from -90 to 90"
	case KindLongitude:
		return "a number from -180 to 180"
	}
	return fmt.Sprintf("a string of at most %d bytes", f.Max)
}

func (f Field) mustBe() *FieldError { return &FieldError{f.Name, "must be " + f.describe()} }

func (f Field) tooLong(what string, limit int) *FieldError {
	return &FieldError{f.Name, fmt.Sprintf("%s too long: at most %d bytes", what, limit)}
}

func checkString(f Field, raw json.RawMessage) *FieldError {
	s, ok := text(raw)
	if !ok {
		return f.mustBe()
	}
	if len(s) > f.Max {
		return f.tooLong("is", f.Max)
	}
	if f.InPath && !FitsPath(s) {
		return &FieldError{f.Name, unfitForPath}
	}
	return nil
}

const unfitForPath = "must hold no slashes, backslashes and control characters, and not be . or .. alone"

// FitsPath tells whether an id can stand in a path: a proxy before the contact
// center may decode it there, and go elsewhere by a slash or by dots.
func FitsPath(id string) bool {
	return id != "." && id != ".." && !strings.ContainsFunc(id, func(r rune) bool { return r == '/' || r == '\\' || unicode.IsControl(r) })
}

// RefusePath is the error of an id that [FitsPath] has refused.
func RefusePath(field string) *FieldError { return &FieldError{field, unfitForPath} }

// checkClientID keeps out what would break the Authorization header's quoted value.
func checkClientID(f Field, raw json.RawMessage) *FieldError {
	if ferr := checkString(f, raw); ferr != nil {
		return ferr
	}
	s, _ := text(raw)
	if s == "WebChat" {
		return &FieldError{f.Name, "may not be WebChat, which makes the contact center use cookies: give a UUID"}
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }) {
		return &FieldError{f.Name, "must be of printable ASCII without quotes and backslashes, at best a UUID"}
	}
	return nil
}

func checkEnum(f Field, raw json.RawMessage) *FieldError {
	if s, ok := text(raw); !ok || !slices.Contains(f.Enum, s) {
		return f.mustBe()
	}
	return nil
}

func checkStringMap(f Field, raw json.RawMessage) (ferr *FieldError) {
	seen := map[string]bool{}
	isObject := eachMember(raw, func(m member) bool {
		switch {
		case len(seen) == MaxParameters:
			ferr = &FieldError{f.Name, fmt.Sprintf("has too many entries: at most %d", MaxParameters)}
		case seen[m.name]:
			ferr = &FieldError{f.Name, "has " + foreignName(m.name) + " more than once"}
		default:
			ferr = checkEntry(f, m)
		}
		seen[m.name] = true
		return ferr == nil
	})
	if !isObject {
		return f.mustBe()
	}
	return ferr
}

func checkEntry(f Field, m member) *FieldError {
	value, ok := text(m.value)
	switch {
	case len(m.name) > MaxString:
		return f.tooLong("has a name that is", MaxString)
	case !ok:
		return &FieldError{f.Name, "must have a string for " + foreignName(m.name)}
	case len(value) > f.Max:
		return f.tooLong("has a value for "+foreignName(m.name)+" that is", f.Max)
	}
	return nil
}

func checkObject(f Field, raw json.RawMessage) *FieldError {
	if firstByte(raw) != '{' {
		return f.mustBe()
	}
	if len(raw) > f.Max {
		return f.tooLong("is", f.Max)
	}
	if depth(raw) > MaxNesting { // what is published of it stands deeper
		return &FieldError{f.Name, fmt.Sprintf("is nested too deep: at most %d levels", MaxNesting)}
	}
	if f.Member == "" {
		return nil
	}
	found := false
	eachMember(raw, func(m member) bool {
		s, ok := text(m.value)
		found = m.name == f.Member && ok && s != ""
		return !found
	})
	if !found {
		return &FieldError{f.Name, "must have a " + f.Member + ", a string"}
	}
	return nil
}

func checkBase64(f Field, raw json.RawMessage) *FieldError {
	s, ok := text(raw)
	if !ok {
		return f.mustBe()
	}
	decoded, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return f.mustBe()
	}
	if len(decoded) > f.Max {
		return f.tooLong("is", f.Max)
	}
	return nil
}

func checkDegrees(f Field, raw json.RawMessage, limit float64) *FieldError {
	n, err := strconv.ParseFloat(string(raw), 64) // fails on strings, booleans, objects and overflow
	if err != nil || !(-limit <= n && n <= limit) {
		return f.mustBe()
	}
	return nil
}
