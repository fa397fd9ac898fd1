package tracing

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"go.opentelemetry.io/otel/trace"

	"cc-connector/connector/brightpattern"
)

// Calls makes a span of each call to the contact center that something traced
// makes; of held polls, nothing. Nothing of it is sent with the request.
func Calls(provider trace.TracerProvider) func(http.RoundTripper) http.RoundTripper {
	tracer := provider.Tracer(scope)
	return func(next http.RoundTripper) http.RoundTripper { return &calls{tracer, next} }
}

type calls struct {
	tracer trace.Tracer
	next   http.RoundTripper
}

func (c *calls) RoundTrip(request *http.Request) (*http.Response, error) {
	if !isTraced(request.Context()) {
		return c.next.RoundTrip(request)
	}
	span := c.begin(request)
	response, err := c.next.RoundTrip(request)
	if err != nil {
		Span{span}.Fail(kindOf(request.Context(), err))
		span.End()
		return nil, err
	}
	span.SetAttributes(attrStatus.Int(response.StatusCode))
	if response.StatusCode >= http.StatusBadRequest {
		Span{span}.Fail(strconv.Itoa(response.StatusCode))
	}
	response.Body = &body{response.Body, request.Context(), span}
	return response, nil
}

// begin tells of the URL what names no customer: the query is left out, and who
// asks stands in a header.
func (c *calls) begin(request *http.Request) trace.Span {
	u, call := request.URL, brightpattern.MethodOf(request.Context())
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	_, span := c.tracer.Start(request.Context(), request.Method+" "+call, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attrMethod.String(request.Method), attrURL.String(shown.String()), attrHost.String(u.Hostname()), attrCall.String(call),
	))
	if port, err := strconv.Atoi(u.Port()); err == nil {
		span.SetAttributes(attrPort.Int(port))
	}
	return span
}

// kindOf is what kind of failure it was; the text of one may quote a server. A call
// that takes too long is cut by its client.
func kindOf(ctx context.Context, err error) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case ctx.Err() != nil:
		return "timeout"
	}
	return "connection"
}

// body ends the span with the answer.
type body struct {
	io.ReadCloser
	ctx  context.Context // the request's
	span trace.Span
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		Span{b.span}.Fail(kindOf(b.ctx, err))
	}
	return n, err
}

func (b *body) Close() error {
	defer b.span.End() // a second one does nothing
	return b.ReadCloser.Close()
}
