package brightpattern

import (
	"strconv"
	"strings"
	"time"
)

// Reason says how a call failed. Its values serve as a metric's label.
type Reason string

// The ways in which a call fails.
const (
	ReasonRefused     Reason = "refused"     // an error answer
	ReasonUnreachable Reason = "unreachable" // no connection (DNS, dial, TLS): the request never went out
	ReasonTimeout     Reason = "timeout"     // no answer in time
	ReasonCut         Reason = "cut"         // the connection was lost after the request went out
	ReasonUnreadable  Reason = "unreadable"  // a good status, but a body that cannot be read or is too large
	ReasonCanceled    Reason = "canceled"    // the caller's context was canceled
	ReasonInvalid     Reason = "invalid"     // the call cannot be written down strictly; nothing was sent
)

// Effect says whether the contact center may have carried out a failed call;
// of a poll, whether it may have given events away.
type Effect int

// EffectUnknown is the zero value: no effect must be proven.
const (
	EffectUnknown Effect = iota
	EffectNone
)

// String is "unknown" or "none".
func (e Effect) String() string {
	if e == EffectNone {
		return "none"
	}
	return "unknown"
}

// Error is every error that a call returns (use errors.As). Its text holds no
// body, token, credential or server's message.
type Error struct {
	// Method is the protocol method, such as "requestChat".
	Method string
	// IsRead says that it is a GET: what is refused is not what the call says.
	IsRead bool
	// Status is the answer's HTTP status; 0 if there was no answer.
	Status int
	// Code is the error code of the answer; "" if it carried none.
	Code Code
	// Message is the server's error_message, cut to 500 bytes. It may hold
	// anything: do not log it.
	Message string
	// Target is the scheme and host that the answer redirects to, such as
	// "https://login.example"; "" if it does not.
	Target string
	// RetryAfter is what the server asked for, at most a day; 0 if it did not.
	RetryAfter time.Duration
	Reason     Reason
	Effect     Effect
	// Err is the cause, or nil. For ReasonCanceled it is context.Canceled.
	Err error
}

// Error names the method, the reason, the status, the code and the target.
func (e *Error) Error() string {
	parts := []string{"brightpattern: " + e.Method + ": " + string(e.Reason)}
	if e.Status != 0 {
		parts = append(parts, "status "+strconv.Itoa(e.Status))
	}
	if e.Code != "" {
		parts = append(parts, e.Code.describe())
	}
	if e.Target != "" {
		parts = append(parts, "redirected to "+e.Target)
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
