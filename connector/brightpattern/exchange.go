package brightpattern

import (
	"compress/flate"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	errTooLarge    = errors.New("the body is larger than allowed")
	errBadlyPacked = errors.New("the body is not packed as its header says")
	errRepeated    = errors.New("the connection broke and the request would have been repeated")
	errBroken      = errors.New("the connection broke")
	errTimedOut    = errors.New("timed out") // the cause with which an exchange's own timer ends it
)

// exchange is one request and its answer, and knows how far it came.
type exchange struct {
	call     *call
	client   ClientID        // that asks
	parent   context.Context // the caller's
	ctx      context.Context
	cancel   context.CancelCauseFunc
	timeout  time.Duration
	timer    *time.Timer
	response *http.Response // nil before an answer
	account  account        // of what the answer becomes

	connected atomic.Bool // it has a connection: from now on the request may go out
	headOut   atomic.Bool // the whole head was handed to the connection
	repeated  atomic.Bool // the transport wanted to send it a second time
}

func newExchange(parent context.Context, call *call, timeout time.Duration) *exchange {
	x := &exchange{call: call, parent: parent, timeout: timeout}
	x.ctx, x.cancel = context.WithCancelCause(parent)
	x.timer = time.AfterFunc(timeout, func() { x.cancel(errTimedOut) })
	return x
}

// end frees the connection; what was not read of the answer is dropped.
func (x *exchange) end() {
	x.timer.Stop()
	x.cancel(nil)
	if x.response != nil {
		_ = x.response.Body.Close()
	}
	x.account.close()
}

// progress gives a streaming exchange its whole time again.
func (x *exchange) progress() { x.timer.Reset(x.timeout) }

// traced is the request's context. The transport repeats a GET when a pooled
// connection breaks before the answer begins. That must not happen to a poll
// whose first request may have been answered: the hooks, which run before
// anything is written, end the second try and close its connection.
//
// A try of which nothing was written is repeated for POSTs too; that is
// harmless, and the repetition starts anew.
func (x *exchange) traced() context.Context {
	return httptrace.WithClientTrace(x.ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { x.nextTry() },
		GotConn:      x.gotConn,
		WroteHeaders: func() { x.headOut.Store(true) },
	})
}

func (x *exchange) nextTry() {
	if x.call.kind == poll && x.headOut.Load() {
		x.repeated.Store(true)
		x.cancel(errRepeated)
		return
	}
	x.connected.Store(false)
}

func (x *exchange) gotConn(info httptrace.GotConnInfo) {
	if x.repeated.Load() {
		_ = info.Conn.Close()
		return
	}
	x.connected.Store(true)
}

// body is the answer's, of at most limit bytes.
func (x *exchange) body(limit int64) *body {
	if x.response.ContentLength > limit {
		limit = -1
	}
	return &body{x: x, left: limit}
}

// body is read at the answer's expense.
type body struct {
	x      *exchange
	left   int64
	failed error // why it could not be read to its end
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		b.failed = errTooLarge
	}
	if b.failed != nil {
		return 0, b.failed
	}
	n, err := b.x.response.Body.Read(p)
	if b.left -= int64(n); b.left < 0 {
		err = errTooLarge
	}
	if err == nil || err == io.EOF {
		if unpaid := b.pay(perByte * int64(n)); unpaid != nil {
			return 0, unpaid
		}
		return n, err
	}
	b.failed = err
	return 0, err
}

// pay waits for the reserve, if it has to, and for that wait the exchange is
// given its whole time again.
func (b *body) pay(cost int64) error {
	if b.x.account.tryPay(cost) {
		return nil
	}
	b.x.timer.Stop()
	defer b.x.progress()
	b.failed = b.x.account.awaitReserve(b.x.ctx)
	return b.failed
}

// keep leaves the answer's expense on the account until the caller's context
// ends: by then nobody works on the answer any more.
func (x *exchange) keep() {
	if !x.account.holds() || x.parent.Done() == nil {
		return
	}
	kept := x.account
	x.account = account{}
	context.AfterFunc(x.parent, kept.close)
}

// refused is the error of an answer that says no.
func (x *exchange) refused(code Code, message string) *Error {
	status := x.response.StatusCode
	return &Error{
		Method:     x.call.method,
		IsRead:     x.call.kind != post,
		Status:     status,
		Code:       code,
		Message:    cut(x.withoutClient(message), maxMessage),
		Target:     x.withoutClient(redirectTarget(x.response)),
		RetryAfter: retryAfter(x.response.Header, time.Now()),
		Reason:     ReasonRefused,
		Effect:     refusedEffect(x.call.kind, status, code),
	}
}

// withoutClient takes out of the server's words what is the customer's alone.
func (x *exchange) withoutClient(message string) string {
	if x.client == "" || !strings.Contains(folded(message), folded(string(x.client))) {
		return message
	}
	client := regexp.MustCompile("(?i)" + regexp.QuoteMeta(string(x.client))) // servers spell it in their own way
	return client.ReplaceAllString(message, "…")
}

// folded is equal for texts that an expression takes for each other which knows
// no case, if one of them is ASCII.
func folded(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ſ", "s") }

func (x *exchange) unreadable(cause error) *Error {
	return x.failed(ReasonUnreadable, cause)
}

// lost is the error of an exchange that brought no whole answer.
func (x *exchange) lost(err error) *Error {
	return x.failed(x.why(err))
}

func (x *exchange) failed(reason Reason, cause error) *Error {
	e := &Error{
		Method: x.call.method, IsRead: x.call.kind != post, Reason: reason, Err: cause,
		Effect: lostEffect(x.call.kind, x.connected.Load()),
	}
	if x.response != nil {
		e.Status = x.response.StatusCode
	}
	if reason == ReasonInvalid {
		e.Effect = EffectNone // an incomplete request is not carried out
	}
	return e
}

// why finds the reason behind what the transport or a body said, and a cause
// that repeats nothing of an answer.
func (x *exchange) why(err error) (Reason, error) {
	switch {
	case errors.Is(x.parent.Err(), context.Canceled):
		return ReasonCanceled, context.Canceled
	case x.parent.Err() != nil:
		return ReasonTimeout, context.DeadlineExceeded
	case x.repeated.Load():
		return ReasonCut, errRepeated
	case errors.Is(err, errTooLarge):
		return ReasonUnreadable, errTooLarge
	case x.call.upload != nil && x.call.upload.failure() != nil:
		return ReasonInvalid, x.call.upload.failure()
	case !x.connected.Load():
		return ReasonUnreachable, x.beforeConnection(err)
	case errors.Is(context.Cause(x.ctx), errTimedOut):
		return ReasonTimeout, context.DeadlineExceeded
	case isBadlyPacked(err):
		return ReasonUnreadable, errBadlyPacked
	}
	return ReasonCut, harmless(err)
}

// isBadlyPacked tells a body that does not unpack as its header says.
func isBadlyPacked(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt)
}

func (x *exchange) beforeConnection(err error) error {
	if errors.Is(err, errTimedOut) {
		return context.DeadlineExceeded
	}
	return err
}

// harmless keeps of a broken connection's error what is known to hold no
// foreign text: net/http quotes malformed answers.
func harmless(err error) error {
	var errno syscall.Errno
	switch {
	case errors.As(err, &errno):
		return errno
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	case errors.Is(err, io.EOF):
		return io.EOF
	}
	return errBroken
}
