package brightpattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxMessage    = 500 // bytes of an error_message that are kept
	maxCode       = 32  // bytes of an error_code; a longer one is none
	maxRetryAfter = 24 * time.Hour
)

var (
	errNotJSON     = errors.New("the body is not the JSON that was expected")
	errNoChatID    = errors.New("the answer names no chat")
	errNoFileID    = errors.New("the answer names no file")
	errNoEventList = errors.New("the answer has no list of events")
)

// readErrorBody reads what an error answer says about itself. HTML, nothing,
// or a body that breaks off say nothing: then the status must do.
func readErrorBody(body io.Reader) (Code, string) {
	data, err := io.ReadAll(io.LimitReader(body, smallBody))
	if err != nil {
		return "", ""
	}
	return parseErrorBody(withoutBOM(data))
}

func parseErrorBody(body []byte) (Code, string) {
	o, ok := parseObject(body)
	if !ok {
		return "", ""
	}
	return o.errorCode(), cut(o.text("error_message"), maxMessage)
}

// errorInGoodAnswer finds an error code in an answer of status 200: the
// reference does not say with which status an error such as 5511 comes. An
// answer that has events is no error.
func errorInGoodAnswer(body []byte) (Code, string) {
	if !bytes.Contains(body, []byte(`"error_code"`)) {
		return "", ""
	}
	if events, _, _ := parseEvents(body); len(events) > 0 {
		return "", ""
	}
	return parseErrorBody(body)
}

func withoutBOM(body []byte) []byte { return bytes.TrimPrefix(body, []byte("\ufeff")) }

// errorCode takes a string or a number; "0" is a way to say that there is no error.
func (o object) errorCode() Code {
	code := strings.TrimSpace(o.text("error_code"))
	if code == "0" || len(code) > maxCode {
		return ""
	}
	return Code(code)
}

// cut shortens s to at most limit bytes of valid UTF-8.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// retryAfter reads both forms of the header. A date counts from the answer's
// own date, so that two clocks that differ do no harm.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(header.Get("Date")); err == nil {
		now = date
	}
	return min(max(until.Sub(now), 0), maxRetryAfter)
}

// acknowledged reads an answer whose content does not matter. Something other
// than JSON did not come from the API.
func acknowledged(body []byte) error {
	if len(bytes.TrimSpace(body)) > 0 && !json.Valid(body) {
		return errNotJSON
	}
	return nil
}
