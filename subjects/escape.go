package subjects

import (
	"errors"
	"strings"
)

const upperHex = "0123456789ABCDEF"

// ErrEscape is returned for text that [Escape] does not write.
var ErrEscape = errors.New("not in escaped form: want A-Z a-z 0-9 _ - and =XX (upper case hex) for every other byte")

// Escape writes A-Z a-z 0-9 _ - as they are and every other byte as =XX, upper
// case hex. Distinct inputs have distinct outputs; only the empty one gives the empty one.
func Escape(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(3 * len(s))
	for i := range len(s) {
		escapeByte(&b, s[i])
	}
	return b.String()
}

func escapeByte(b *strings.Builder, c byte) {
	if plainByte(c) {
		b.WriteByte(c)
		return
	}
	b.Write([]byte{'=', upperHex[c>>4], upperHex[c&15]})
}

// Unescape reverses [Escape] and refuses everything that Escape does not write
// (lower case hex, an escaped plain byte, a cut escape), so that a text has one
// escaped form only. The error is [ErrEscape].
func Unescape(s string) (string, error) {
	if isPlain(s) {
		return s, nil
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !plainByte(c) {
			var ok bool
			if c, ok = escapedByte(s[i:]); !ok {
				return "", ErrEscape
			}
			i += 2
		}
		b = append(b, c)
	}
	return string(b), nil
}

// escapedByte reads the =XX that s begins with.
func escapedByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '=' {
		return 0, false
	}
	high, low := strings.IndexByte(upperHex, s[1]), strings.IndexByte(upperHex, s[2])
	if high < 0 || low < 0 {
		return 0, false
	}
	c := byte(high<<4 | low)
	return c, !plainByte(c)
}

func isPlain(s string) bool {
	for i := range len(s) {
		if !plainByte(s[i]) {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}
