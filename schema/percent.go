package schema

import (
	"encoding/hex"
	"strings"
)

// percentEncode makes a header value of an attribute's value: space, double
// quote, percent and all bytes outside U+0021–U+007E are written as %XX, of UTF-8.
func percentEncode(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r > 0x7e || mustEncode(byte(r)) }) < 0 {
		return s
	}
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; mustEncode(c) {
			b.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func mustEncode(c byte) bool { return c <= ' ' || c > 0x7e || c == '"' || c == '%' }

// percentDecode takes hex digits of both cases and leaves all else as it is,
// also what should have been encoded. False: a percent sign that encodes nothing.
func percentDecode(s string) (string, bool) {
	before, rest, found := strings.Cut(s, "%")
	if !found {
		return s, true
	}
	var b strings.Builder
	for b.WriteString(before); found; b.WriteString(before) {
		if len(rest) < 2 {
			return "", false
		}
		c, err := hex.DecodeString(rest[:2])
		if err != nil {
			return "", false
		}
		b.Write(c)
		before, rest, found = strings.Cut(rest[2:], "%")
	}
	return b.String(), true
}

// unquote undoes HTTP's quoted-string, which a sender may use instead of encoding.
func unquote(s string) string {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return s
	}
	var b strings.Builder
	inner := s[1 : len(s)-1]
	for i := 0; i < len(inner); i++ {
		if inner[i] == '\\' && i+1 < len(inner) {
			i++
		}
		b.WriteByte(inner[i])
	}
	return b.String()
}
