package schema

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestDecodeSession(t *testing.T) {
	for name, want := range map[string]Session{
		"opened":    &SessionOpened{"K1x", "r-1", "web", true, "queued"},
		"recovered": &SessionRecovered{"K1x", 2, goldenTime, goldenTime},
		"gap":       &SessionGap{"K1x", goldenTime, nil, GapHistoryUnreadable},
		"closed":    &SessionClosed{"K1x", ClosedGone},
	} {
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeSession(carrying(t, SessionType(name), string(b)))
		if err != nil || !reflect.DeepEqual(got, want) || got.SessionName() != name {
			t.Errorf("%s: %#v, %v", name, got, err)
		}
	}
}

func TestDecodeResult(t *testing.T) {
	r, err := DecodeResult(carrying(t, ResultType("chat", "send"),
		`{"command":"chat.send","status":"error","error":{"code":"timeout","message":"m","retryable":true,"outcome":"unknown"}}`))
	want := &Result{Command: "chat.send", Status: StatusError, Error: &Error{Code: CodeTimeout, Message: "m", Retryable: true, Outcome: OutcomeUnknown}}
	if err != nil || !reflect.DeepEqual(r, want) {
		t.Errorf("%#v, %v", r, err)
	}
	if got := r.Error.Error(); got != "timeout: m" {
		t.Errorf("%q", got)
	}
}

func TestPercentEncode(t *testing.T) {
	for value, want := range map[string]string{
		"":               "",
		"!#$&'()*~}{|^`": "!#$&'()*~}{|^`",
		" \"%":           "%20%22%25",
		"\x00\x1f\x7f":   "%00%1F%7F",
		"\u0080€😀":       "%C2%80%E2%82%AC%F0%9F%98%80",
		"%41":            "%2541",
	} {
		if got := percentEncode(value); got != want {
			t.Errorf("%q is written %q, want %q", value, got, want)
		}
	}
	for _, bad := range []string{"%", "a%4", "%%41", "%4g", "%-1", "%41%"} {
		if got, ok := percentDecode(bad); ok {
			t.Errorf("%q was read as %q", bad, got)
		}
	}
}
