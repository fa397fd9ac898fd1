package brightpattern

import (
	"errors"
	"net/http"
	"time"
)

// What the error of a call means for whoever made it.

// wire is the Error in err, nil if there is none.
func wire(err error) (failure *Error) {
	errors.As(err, &failure)
	return failure
}

// Kind is what a call came to, in one of few words: "ok", the name of the code that
// the answer had, or else the reason. "internal" is for what is no Error.
func Kind(err error) string {
	failure := wire(err)
	switch {
	case err == nil:
		return "ok"
	case failure == nil:
		return "internal"
	case failure.Code.Name() != "":
		return failure.Code.Name()
	}
	return string(failure.Reason)
}

// Status is the answer's HTTP status, as far as a failed call tells; else 0.
func Status(err error) int {
	if failure := wire(err); failure != nil {
		return failure.Status
	}
	return 0
}

// IsTransient tells whether the same call may succeed later.
func IsTransient(err error) bool {
	failure := wire(err)
	switch {
	case failure == nil:
		return false
	case failure.Reason != ReasonRefused:
		return failure.Reason != ReasonInvalid
	case failure.Code == CodeTooManyPollRequests || failure.Status == http.StatusTooManyRequests:
		return true
	case failure.Code.Name() != "":
		return transientCodes[failure.Code]
	}
	return failure.Status >= 500
}

var transientCodes = map[Code]bool{
	CodeServerTimeout:          true,
	CodeServerNotAvailable:     true,
	CodeServerDisconnected:     true,
	CodeInternalServerError:    true,
	CodeUnspecifiedServerError: true,
	CodeFileError:              true,
	CodeCRMServerError:         true,
}

// IsLostAnswer tells whether the contact center may have answered with events
// that never arrived. Its own error answers give none away; an answer of
// something between, a gateway, replaced the contact center's own.
func IsLostAnswer(err error) bool {
	failure := wire(err)
	return failure != nil && failure.Effect == EffectUnknown && (failure.Reason != ReasonRefused || failure.IsGateway())
}

// IsGateway tells the answer of something between the connector and the contact center.
func (e *Error) IsGateway() bool {
	return e.Code == "" && (e.Status == http.StatusBadGateway || e.Status == http.StatusGatewayTimeout)
}

// IsGone tells that the contact center knows no such session, or that it has ended.
func IsGone(err error) bool {
	failure := wire(err)
	return failure != nil && failure.Code == CodeNotFound
}

// IsOwnWord tells an error that is the contact center's own word, by one of its
// codes, but not that its chat servers are away.
func IsOwnWord(err error) bool {
	failure := wire(err)
	return failure != nil && failure.Reason == ReasonRefused && failure.Code.Name() != "" && !awayCodes[failure.Code]
}

var awayCodes = map[Code]bool{CodeServerTimeout: true, CodeServerNotAvailable: true, CodeServerDisconnected: true}

// IsContended tells that the contact center holds another poll of the chat.
func IsContended(err error) bool {
	failure := wire(err)
	return failure != nil && failure.Code == CodeTooManyPollRequests
}

// IsOdd tells an answer that may not be the contact center's: one that cannot be
// read, or a refusal that passes without any code of the protocol. Such comes
// from proxies, firewalls and maintenance pages.
func IsOdd(err error) bool {
	failure := wire(err)
	if failure == nil || failure.Reason != ReasonRefused {
		return failure != nil && failure.Reason == ReasonUnreadable
	}
	return failure.Code == "" && failure.Status < 500 && failure.Status != http.StatusTooManyRequests
}

// IsUnfound tells a bare 404, or its like: nothing is known of who says so.
func IsUnfound(err error) bool {
	failure := wire(err)
	return failure != nil && failure.Reason == ReasonRefused && failure.Code == "" &&
		(failure.Status == http.StatusNotFound || failure.Status == http.StatusGone)
}

// IsUnreadable tells that the contact center answered what cannot be read.
func IsUnreadable(err error) bool {
	failure := wire(err)
	return failure != nil && failure.Reason == ReasonUnreadable
}

// RetryAfter is what the contact center asked for, 0 if it did not.
func RetryAfter(err error) time.Duration {
	if failure := wire(err); failure != nil {
		return failure.RetryAfter
	}
	return 0
}
