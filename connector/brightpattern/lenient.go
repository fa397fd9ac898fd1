package brightpattern

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// object is a JSON object of which nobody knows the types. Its keys are exact,
// unlike those of encoding/json's structs.
type object map[string]json.RawMessage

func parseObject(raw []byte) (object, bool) {
	var o object
	err := json.Unmarshal(raw, &o)
	return o, err == nil && o != nil
}

func (o object) has(key string) bool {
	_, ok := o[key]
	return ok
}

// text is a string as it is, a number or a boolean as it is spelt, else "".
func (o object) text(key string) string {
	raw := o[key]
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '{', '[', 'n':
		return ""
	case '"':
		return o.str(key)
	}
	return string(raw)
}

// str is a string, or "".
func (o object) str(key string) string {
	s, _ := unquote(o[key])
	return s
}

// unquote returns a JSON string's value. Few have anything in them that has to
// be decoded.
func unquote(raw []byte) (s string, isText bool) {
	last := len(raw) - 1
	if last < 1 || raw[0] != '"' {
		return "", false
	}
	if s = string(raw[1:last]); isPlain(s) && raw[last] == '"' {
		return s, true
	}
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// isPlain tells a text in which, in a JSON string, every byte stands for itself.
func isPlain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	return utf8.ValidString(text)
}

// isString tells whether there is a string that says something.
func (o object) isString(key string) bool { return o.str(key) != "" }

// said is a string, or a number as it is spelt: servers write one for the other.
func (o object) said(key string) string {
	if raw := o[key]; len(raw) == 0 || raw[0] == 't' || raw[0] == 'f' {
		return ""
	}
	return o.text(key)
}

// number takes a number or a string that holds one; nil if neither.
func (o object) number(key string) *float64 {
	n, ok := parseNumber(o.text(key))
	if !ok {
		return nil
	}
	return &n
}

func parseNumber(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.Trim(s, "0123456789+-.eE") != "" { // no NaN, Inf or hexadecimal
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}

// boolean is nil for what is none.
func (o object) boolean(key string) *bool {
	yes, err := strconv.ParseBool(o.text(key))
	if err != nil {
		return nil
	}
	return &yes
}

// nested is an object, or one that a string holds; else nil.
func (o object) nested(key string) json.RawMessage {
	raw := o[key]
	if s := o.str(key); s != "" {
		raw = bytes.TrimSpace([]byte(s))
	}
	if len(raw) == 0 || raw[0] != '{' || !json.Valid(raw) {
		return nil
	}
	return WithoutHalves(raw)
}

// pick reads of a JSON object what stands under some keys, however deep or
// large the rest is. Of keys that repeat the last one counts.
func pick(raw []byte, keys map[string]bool) (object, bool) {
	o, f := object{}, feedOf(raw)
	err := f.object(func(key string) error {
		value, _, err := f.part()
		if keys[key] {
			o[key] = value
		}
		return err
	})
	if err == nil {
		err = f.end()
	}
	return o, err == nil
}

// readable makes of a JSON text one in UTF-8 that strict readers take.
func readable(raw []byte) []byte {
	if !utf8.Valid(raw) {
		raw = bytes.ToValidUTF8(raw, []byte("\ufffd"))
	}
	return WithoutHalves(raw)
}

// WithoutHalves puts U+FFFD, which encoding/json reads there anyway, in the
// place of each escaped half of a surrogate pair that stands alone.
func WithoutHalves(raw []byte) []byte {
	mended := raw
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		unit, ok := escapedUnit(raw[i:])
		if !ok {
			i++ // over what is escaped
			continue
		}
		next, _ := escapedUnit(raw[i+escapeLength:])
		switch {
		case utf16.IsSurrogate(unit) && utf16.DecodeRune(unit, next) != utf8.RuneError:
			i += escapeLength
		case utf16.IsSurrogate(unit):
			if &mended[0] == &raw[0] {
				mended = bytes.Clone(raw)
			}
			copy(mended[i+2:], "fffd")
		}
		i += escapeLength - 1
	}
	return mended
}

const escapeLength = len(`\uXXXX`)

// escapedUnit reads the \uXXXX that text begins with.
func escapedUnit(text []byte) (rune, bool) {
	if len(text) < escapeLength || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	unit, err := strconv.ParseUint(string(text[2:escapeLength]), 16, 16)
	return rune(unit), err == nil
}

const (
	firstMillis = 1e11            // from here on a timestamp is in milliseconds
	lastMillis  = 253402300799999 // the end of the year 9999
)

// time reads seconds or milliseconds since the epoch. What is not after the
// epoch, or after the year 9999, is no time.
func (o object) time(key string) time.Time {
	n, ok := parseNumber(o.text(key))
	if n < firstMillis {
		n *= 1000
	}
	if !ok || n < 1 || n > lastMillis {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(n))).UTC() // exact: far below 2^53
}

// encode leaves <, > and & as they are, as the SDKs do.
func encode(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
