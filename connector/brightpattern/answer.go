package brightpattern

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	maxMessage    = 500     // bytes of an error_message that are kept
	maxCode       = 32      // bytes of an error_code; a longer one is none
	maxText       = 1 << 10 // bytes of a text that others keep, such as a state
	maxRetryAfter = 24 * time.Hour
)

var (
	errPartial   = errors.New("the answer is but a part of one")
	errNoFileID  = errors.New("the answer names no file, or one whose id is too long")
	errTooMany   = errors.New("the answer lists more than allowed")
	errTooNested = errors.New("the answer is nested deeper than allowed")
)

// lacking is an answer of status 200 without what is due in it.
type lacking string

func (field lacking) Error() string {
	return "the answer has no " + string(field) + " of the kind that is due"
}

// readErrorBody reads what an error answer says about itself. HTML, nothing,
// or a body that breaks off or is too large say nothing: then the status must
// do. What follows a switch of protocols is no body, and may never end.
func readErrorBody(x *exchange) (Code, string) {
	if x.response.StatusCode < 200 {
		return "", ""
	}
	body := x.body(errorBody)
	f := newFeed(body, body.pay)
	defer f.release()
	text, err := f.all()
	if err != nil {
		return "", ""
	}
	return parseErrorBody(text)
}

func parseErrorBody(body []byte) (Code, string) {
	o, ok := parseObject(body)
	if !ok {
		return "", ""
	}
	return o.refusal()
}

func (o object) refusal() (Code, string) {
	return o.errorCode(), o.text("error_message")
}

// errorInGoodAnswer finds an error code in an answer of status 200.
func errorInGoodAnswer(body []byte) error {
	if !bytes.Contains(body, []byte(`"error_code"`)) {
		return nil
	}
	if code, message := parseErrorBody(body); code != "" {
		return &refusal{code, message}
	}
	return nil
}

const noError = "0" // a way to say that there is none

// errorCode takes a string or a number.
func (o object) errorCode() Code {
	code := strings.TrimSpace(o.text("error_code"))
	if code == noError || len(code) > maxCode {
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
	} else if errors.Is(err, strconv.ErrRange) {
		return maxRetryAfter
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
// than an object did not come from the API.
func acknowledged(body []byte) error {
	text := string(bytes.TrimSpace(body))
	if _, isObject := parseObject(body); text == "" || text == "null" || isObject {
		return nil
	}
	return errNotJSON
}
