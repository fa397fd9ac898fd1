package schema

import (
	"encoding/json"
	"errors"
	"time"
)

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Time is a time as payloads carry it: RFC 3339, UTC, milliseconds.
type Time struct{ time.Time }

// NewTime returns t cut to milliseconds, or nil for the zero time: "not known".
func NewTime(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	return &Time{t.UTC().Truncate(time.Millisecond)}
}

// String returns the time as payloads carry it.
func (t Time) String() string { return t.UTC().Format(timeLayout) }

// MarshalText refuses years that RFC 3339 cannot write.
func (t Time) MarshalText() ([]byte, error) { return t.appendText(nil) }

// appendText is MarshalText behind what b holds.
func (t Time) appendText(b []byte) ([]byte, error) {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return nil, errors.New("a time's year must be within 0 and 9999")
	}
	return t.UTC().AppendFormat(b, timeLayout), nil
}

// UnmarshalText reads any RFC 3339 time.
func (t *Time) UnmarshalText(b []byte) error {
	read, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return errors.New("not an RFC 3339 time")
	}
	t.Time = read.UTC()
	return nil
}

// MarshalJSON stands here because the one of time.Time would be promoted.
func (t Time) MarshalJSON() ([]byte, error) {
	b, err := t.appendText(append(make([]byte, 0, len(timeLayout)+2), '"'))
	if err != nil {
		return nil, err
	}
	return append(b, '"'), nil
}

// UnmarshalJSON reads a JSON string holding any RFC 3339 time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New("not an RFC 3339 time")
	}
	return t.UnmarshalText([]byte(s))
}
