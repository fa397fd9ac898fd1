package brightpattern

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	errorBody  = 64 << 10  // of an error answer
	smallBody  = 256 << 10 // of an answer
	largeBody  = 1 << 20   // of one that is passed on as it is
	eventsBody = 16 << 20  // of a poll's, a send's or a history's answer
	fileBody   = MaxFile   // of a file, either way

	jsonType = "application/json; charset=UTF-8"
)

// kind decides what a failure may have done.
type kind int

const (
	get  kind = iota // reads, and changes nothing
	poll             // reads, and takes away what it reads
	post             // changes something
)

// call is one call, ready to be written.
type call struct {
	method      string   // the protocol's name
	kind        kind     //
	path        []string // segments, not escaped
	contentType string   // "" without a body
	body        []byte   // or
	upload      *upload
	limit       int64 // of the answer's body; 0: smallBody
	noPage      bool  // a page (HTML) is no answer to it

	seen func(*http.Response) // gets the head of any answer; nil: nobody asks
}

// send makes the call and has decode read the body of a good answer. What
// decode refuses is unreadable.
func (c *Client) send(ctx context.Context, cred Credentials, call call, decode func([]byte) error) error {
	return c.sendFor(ctx, cred, &call, func(f *feed) error {
		body, err := f.all()
		if err == nil {
			err = errorInGoodAnswer(body)
		}
		if err != nil {
			return err
		}
		return decode(body)
	})
}

// sendFor is send for an answer that is read as it comes. All calls but the
// streaming ones go through here.
func (c *Client) sendFor(ctx context.Context, cred Credentials, call *call, read func(*feed) error) error {
	began := time.Now()
	err := c.deliver(ctx, cred, call, read)
	c.tell(ctx, call.observed(cred, began, err))
	return err
}

// observed is the call as observers see it.
func (c *call) observed(cred Credentials, began time.Time, err error) Observation {
	return Observation{Credentials: cred, Method: c.method, IsPoll: c.kind == poll, Took: time.Since(began), Err: err}
}

func (c *Client) deliver(ctx context.Context, cred Credentials, call *call, read func(*feed) error) error {
	x, err := c.exchange(ctx, cred, call)
	if err != nil {
		return err
	}
	defer x.end()
	return x.read(read)
}

// read has a good answer's body read, and says what is wrong with it.
func (x *exchange) read(read func(*feed) error) error {
	body := x.body(orDefault(x.call.limit, smallBody))
	f := newFeed(body, body.pay)
	defer f.release()
	err := read(f)
	var no *refusal
	switch {
	case body.failed != nil:
		return x.lost(body.failed)
	case errors.As(err, &no):
		return x.refused(no.code, no.message)
	case errors.Is(err, io.EOF):
		return x.unreadable(errNotJSON)
	case err != nil:
		return x.unreadable(err)
	}
	x.keep()
	return nil
}

// exchange sends the request and waits for the head of a good answer. The
// caller must end the exchange that it gets. Redirects are not followed (see
// redirect.go); nobody has asked for a part of an answer.
func (c *Client) exchange(ctx context.Context, cred Credentials, call *call) (*exchange, error) {
	if err := checkCall(cred, call); err != nil {
		return nil, call.invalid(err)
	}
	x := newExchange(ctx, call, c.timeoutOf(call))
	x.client = cred.Client
	x.account.memory = c.memory
	if err := x.judge(c.roundTrip(x, cred)); err != nil {
		x.end()
		return nil, err
	}
	return x, nil
}

// judge is nil if the head of a good answer has come.
func (x *exchange) judge(err error) error {
	switch {
	case err != nil:
		return x.lost(err)
	case x.response.StatusCode == http.StatusPartialContent:
		return x.unreadable(errPartial)
	case x.response.StatusCode/100 != 2:
		return x.refused(readErrorBody(x))
	}
	return nil
}

func (c *Client) roundTrip(x *exchange, cred Credentials) error {
	request, err := c.request(x, cred)
	if err != nil {
		return err
	}
	if x.call.upload != nil {
		defer x.call.upload.Close() // waits for a read that is under way
	}
	x.response, err = c.transport.current().RoundTrip(request)
	if err == nil && x.call.seen != nil {
		x.call.seen(x.response)
	}
	return err
}

func (c *Client) request(x *exchange, cred Credentials) (*http.Request, error) {
	method := http.MethodGet
	if x.call.kind == post {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(c.transport.mark(x.traced(), x.call), method, c.url(x.call), x.call.reader())
	if err != nil {
		return nil, errors.New("the URL cannot be built")
	}
	if x.call.upload != nil {
		x.call.upload.progress = x.progress
		request.ContentLength = x.call.upload.size
	}
	request.Header.Set("Authorization", cred.header())
	request.Header.Set("User-Agent", "MobileClient")
	request.Header.Set("Cache-Control", "no-cache")
	if x.call.contentType != "" {
		request.Header.Set("Content-Type", x.call.contentType)
	}
	return request, nil
}

// url adds to a poll what makes it unlike the one before: without it, proxies
// have answered polls from their caches.
func (c *Client) url(call *call) string {
	segments := make([]string, len(call.path))
	for i, segment := range call.path {
		segments[i] = url.PathEscape(segment)
	}
	address := c.root + strings.Join(segments, "/") + c.tenantQuery
	if call.kind == poll {
		address += "&timestamp=" + strconv.FormatInt(c.stamp(), 10)
	}
	return address
}

// stamp is the time in milliseconds, pushed on where it would come twice.
func (c *Client) stamp() int64 {
	for {
		last := c.lastStamp.Load()
		next := max(time.Now().UnixMilli(), last+1)
		if c.lastStamp.CompareAndSwap(last, next) {
			return next
		}
	}
}

func (c *Client) timeoutOf(call *call) time.Duration {
	if call.kind == poll {
		return c.pollTimeout
	}
	return c.timeout
}

func (c *call) reader() io.Reader {
	switch {
	case c.upload != nil:
		return c.upload
	case len(c.body) > 0:
		return bytes.NewReader(c.body)
	}
	return http.NoBody
}

func (c Credentials) header() string {
	return `MOBILE-API-140-327-PLAIN appId="` + string(c.App) + `", clientId="` + string(c.Client) + `"`
}

func (c Credentials) check() error {
	switch {
	case !quotable(string(c.App)):
		return errors.New("the app id is empty or has characters that a header cannot carry")
	case !quotable(string(c.Client)):
		return errors.New("the client id is empty or has characters that a header cannot carry")
	case c.Client == "WebChat":
		return errors.New("the client id WebChat is the browser's")
	}
	return nil
}

func quotable(s string) bool {
	forbidden := func(r rune) bool { return r < ' ' || r > '~' || r == '"' || r == '\\' }
	return s != "" && !strings.ContainsFunc(s, forbidden)
}

func checkCall(cred Credentials, call *call) error {
	for _, segment := range call.path {
		if segment == "" || segment == "." || segment == ".." {
			return errors.New("an id in the path is empty or made of dots")
		}
	}
	return cred.check()
}

// postJSON is a call with a body; a payload that cannot be written makes it invalid.
func postJSON(method string, payload any, path ...string) (call, error) {
	body, err := encode(payload)
	if err != nil {
		return call{}, invalid(method, "the request cannot be written as JSON")
	}
	return call{method: method, kind: post, path: path, contentType: jsonType, body: body}, nil
}

func (c *call) invalid(err error) *Error {
	return &Error{Method: c.method, IsRead: c.kind != post, Reason: ReasonInvalid, Effect: EffectNone, Err: err}
}

// invalid is the error of a call that is not made.
func invalid(method, why string) *Error {
	return &Error{Method: method, Reason: ReasonInvalid, Effect: EffectNone, Err: errors.New(why)}
}
