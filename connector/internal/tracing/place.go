package tracing

import (
	"context"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"cc-connector/schema"
)

// Place is where in a trace something belongs that is done later, or by other
// hands. The zero Place is none.
type Place struct{ span trace.Span }

// Place is the span itself.
func (s Span) Place() Place { return Place(s) }

// TraceID names the trace; "" for none.
func (p Place) TraceID() string {
	if p.span == nil || !p.span.SpanContext().IsValid() {
		return ""
	}
	return p.span.SpanContext().TraceID().String()
}

// Within is ctx at a place, or where there is none and ctx belongs to no trace, in
// the one that a W3C trace context tells of.
func (t *Tracer) Within(ctx context.Context, p Place, parent, state string) context.Context {
	switch {
	case t == nil:
		return ctx
	case p.span != nil:
		return trace.ContextWithSpan(ctx, p.span)
	case isTraced(ctx):
		return ctx
	}
	return w3c.Extract(ctx, &carried{parent, state})
}

// Carry is the W3C trace context of what ctx belongs to; "" for none.
func Carry(ctx context.Context) (parent, state string) {
	if !isTraced(ctx) {
		return "", ""
	}
	var c carried
	w3c.Inject(ctx, &c)
	return c.parent, c.state
}

var w3c propagation.TraceContext

// carried is a W3C trace context as it travels.
type carried struct{ parent, state string }

func (c *carried) Get(key string) string {
	switch key {
	case schema.AttrTraceParent:
		return c.parent
	case schema.AttrTraceState:
		return c.state
	}
	return ""
}

func (c *carried) Set(key, value string) {
	switch key {
	case schema.AttrTraceParent:
		c.parent = value
	case schema.AttrTraceState:
		c.state = value
	}
}

func (c *carried) Keys() []string { return []string{schema.AttrTraceParent, schema.AttrTraceState} }
