package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/trace"

	"cc-connector/connector/brightpattern"
	"cc-connector/subjects"
)

// Lane is the way on which a command came.
type Lane string

// The lanes.
const (
	Live    Lane = "live"
	Durable Lane = "durable"
)

// Command is what a span tells of a command.
type Command struct {
	Name        subjects.Command
	ID          string // that its sender gave it
	Identity    string // the same for all tries and repeats
	ChatID      brightpattern.ChatID
	Chat        subjects.ChatToken
	Lane        Lane
	TraceParent string
	TraceState  string
	Since       time.Time // when it was taken in hand
}

// Command begins one try of a command.
func (t *Tracer) Command(ctx context.Context, c Command) (context.Context, Span) {
	if t == nil {
		return ctx, Span{}
	}
	if ctx = w3c.Extract(ctx, &carried{c.TraceParent, c.TraceState}); !isTraced(ctx) {
		ctx = named(ctx, c.Identity)
	}
	subject := t.prefix.Live(c.Name)
	if c.Lane == Durable {
		subject = t.prefix.Durable(c.Name, c.Chat)
	}
	template := t.template(subject)
	ctx, span := t.tracer.Start(ctx, "process "+template, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(c.Since), trace.WithAttributes(
		attrSystem.String("nats"), attrOperation.String("process"), attrType.String("process"), attrSubject.String(subject), attrTemplate.String(template),
		attrMessage.String(c.ID), attrCommand.String(string(c.Name)), attrLane.String(string(c.Lane)),
	))
	if c.ChatID != "" {
		span.SetAttributes(attrChat.String(string(c.ChatID)))
	}
	return ctx, Span{span}
}
