package brightpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
)

// deepestParsed is how many levels encoding/json reads; deeper texts are
// invalid to it.
const deepestParsed = 10000

// Shape is how a JSON text is built.
type Shape struct {
	Depth  int // levels of brackets
	Values int // about how many values there are in it
}

// ShapeOf looks at brackets, commas and strings alone: it needs no memory, and
// the text need not be JSON.
func ShapeOf(raw []byte) Shape {
	var s scan
	for i := 0; i < len(raw); i++ {
		if i += s.ordinary(raw[i:]); i < len(raw) {
			s.take(raw[i])
		}
	}
	return s.Shape
}

// isJSON believes what is too deep for encoding/json.
func (s Shape) isJSON(raw []byte) bool { return s.Depth > deepestParsed || json.Valid(raw) }

// scan goes through a value, byte by byte.
type scan struct {
	Shape
	level           int
	quoted, escaped bool
}

// ordinary is how many bytes come next of which nothing depends: in a string.
func (s *scan) ordinary(text []byte) (n int) {
	if !s.quoted || s.escaped {
		return 0
	}
	for n < len(text) && text[n] != '"' && text[n] != '\\' {
		n++
	}
	return n
}

func (s *scan) take(c byte) {
	switch {
	case s.escaped:
		s.escaped = false
	case s.quoted && c == '\\':
		s.escaped = true
	case c == '"':
		s.quoted = !s.quoted
	case s.quoted:
	case c == '{' || c == '[':
		s.level++
		s.Values++
		s.Depth = max(s.Depth, s.level)
	case c == '}' || c == ']':
		s.level--
	case c == ',':
		s.Values++
	}
}

// feed reads a JSON text as it comes, a value at a time: what is counted can be
// cut off before it has become anything, and one value that nobody can read
// spoils no other.
type feed struct {
	src    io.Reader         // nil: there is no more
	window *[windowSize]byte // what src is read into
	buf    []byte            // of it, what is not taken yet
	pay    func(cost int64) error
}

const (
	byteOrderMark = "\ufeff"
	windowSize    = 4 << 10
)

// windows are those of feeds that were released.
var windows = sync.Pool{New: func() any { return new([windowSize]byte) }}

// newFeed reads what is still to come. Who has called it releases the feed.
func newFeed(src io.Reader, pay func(int64) error) *feed {
	f := &feed{src: src, window: windows.Get().(*[windowSize]byte), pay: pay}
	n, _ := io.ReadAtLeast(src, f.window[:], len(byteOrderMark)) // what goes wrong does so again
	f.buf = bytes.TrimPrefix(f.window[:n], []byte(byteOrderMark))
	return f
}

// release ends a feed. Nothing that was read of it shares its window.
func (f *feed) release() {
	windows.Put(f.window)
	f.src, f.window, f.buf = nil, nil, nil
}

// feedOf reads what is in memory already, and shares that.
func feedOf(text []byte) *feed {
	return &feed{buf: text, pay: func(int64) error { return nil }}
}

// all is the rest of the text.
func (f *feed) all() ([]byte, error) {
	return io.ReadAll(io.MultiReader(bytes.NewReader(f.buf), f.src))
}

// fill sees that there is something to take.
func (f *feed) fill() error {
	for len(f.buf) == 0 {
		if f.src == nil {
			return io.EOF
		}
		n, err := f.src.Read(f.window[:])
		if f.buf = f.window[:n]; n == 0 && err != nil {
			return err
		}
	}
	return nil
}

// next is the first byte that is no white space; it stays to be taken.
func (f *feed) next() (byte, error) {
	for {
		if err := f.fill(); err != nil {
			return 0, err
		}
		if f.buf = bytes.TrimLeft(f.buf, space); len(f.buf) > 0 {
			return f.buf[0], nil
		}
	}
}

const space = " \t\r\n"

// end fails unless nothing but white space is left.
func (f *feed) end() error {
	switch _, err := f.next(); {
	case err == nil:
		return errNotJSON
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// value is the next value's text.
func (f *feed) value() (json.RawMessage, error) {
	text, shape, err := f.part()
	if err == nil && !shape.isJSON(text) {
		err = errNotJSON
	}
	return text, err
}

// part is value that does not look whether it is JSON.
func (f *feed) part() (text json.RawMessage, s scan, err error) {
	first, err := f.next()
	if err != nil {
		return nil, s, err
	}
	plain := first != '"' && first != '{' && first != '[' // ends before what follows it
	for {
		n, whole := s.through(f.buf, plain)
		if f.src == nil && text == nil {
			text = f.buf[:n:n]
		} else {
			text = append(text, f.buf[:n]...)
		}
		f.buf = f.buf[n:]
		if whole {
			return text, s, nil
		}
		if err := f.fill(); plain && errors.Is(err, io.EOF) {
			return text, s, nil
		} else if err != nil {
			return nil, s, err
		}
	}
}

// through is how much of a text belongs to the value, and whether that is the
// rest of it.
func (s *scan) through(text []byte, plain bool) (n int, whole bool) {
	for i := 0; i < len(text); i++ {
		if i += s.ordinary(text[i:]); i == len(text) {
			break
		}
		if plain && strings.IndexByte(",:]}"+space, text[i]) >= 0 {
			return i, true
		}
		if s.take(text[i]); !plain && !s.quoted && s.level <= 0 {
			return i + 1, true
		}
	}
	return len(text), false
}

// object reads {"<key>":<value>,…}; member reads the value.
func (f *feed) object(member func(key string) error) error {
	return f.sequence('{', '}', func() error {
		quoted, _, err := f.part()
		if err != nil {
			return err
		}
		key, isText := unquote(quoted)
		if !isText {
			return errNotJSON
		}
		if err := f.expect(':'); err != nil {
			return err
		}
		return member(key)
	})
}

// list reads an array; item reads what stands in it. Null is an empty one.
func (f *feed) list(item func() error) error {
	if first, err := f.next(); err != nil || first == '[' {
		return f.sequence('[', ']', item)
	}
	other, err := f.value()
	if err == nil && string(other) != "null" {
		err = errNotList
	}
	return err
}

func (f *feed) sequence(open, closing byte, item func() error) error {
	if err := f.expect(open); err != nil {
		return err
	}
	if first, err := f.next(); err == nil && first == closing {
		return f.expect(closing)
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if first, err := f.next(); err == nil && first == closing {
			return f.expect(closing)
		}
		if err := f.expect(','); err != nil {
			return err
		}
	}
}

func (f *feed) expect(want byte) error {
	got, err := f.next()
	if err == nil {
		f.buf = f.buf[1:]
	}
	if err == nil && got != want {
		err = errNotJSON
	}
	return err
}
