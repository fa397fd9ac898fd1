package tracing

import (
	"context"

	"go.opentelemetry.io/otel/trace"

	"cc-connector/connector/brightpattern"
	"cc-connector/subjects"
)

// Poll begins the handling of a poll's answer, if it gave events.
func (t *Tracer) Poll(ctx context.Context, chat brightpattern.ChatID, events int) (context.Context, Span) {
	return t.root(ctx, "poll", chat, events)
}

// Recover begins the publication of events out of a chat's history, if there are any.
func (t *Tracer) Recover(ctx context.Context, chat brightpattern.ChatID, events int) (context.Context, Span) {
	return t.root(ctx, "recover", chat, events)
}

func (t *Tracer) root(ctx context.Context, name string, chat brightpattern.ChatID, events int) (context.Context, Span) {
	if t == nil || events == 0 {
		return ctx, Span{}
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithNewRoot(), trace.WithAttributes(attrChat.String(string(chat)), attrEvents.Int(events)))
	return ctx, Span{span}
}

// Publish begins a publication, if ctx belongs to a trace.
func (t *Tracer) Publish(ctx context.Context, subject string) (context.Context, Span) {
	if t == nil || !isTraced(ctx) {
		return ctx, Span{}
	}
	template := t.template(subject)
	ctx, span := t.tracer.Start(ctx, "send "+template, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(
		attrSystem.String("nats"), attrOperation.String("publish"), attrType.String("send"), attrSubject.String(subject), attrTemplate.String(template),
	))
	return ctx, Span{span}
}

// Published ends a publication.
func (s Span) Published(err error) {
	if err != nil {
		s.Fail("not_stored")
	}
	s.End()
}

const (
	anyChat  = "{chat}"
	anyEvent = "{event}" // the contact center may make up as many as it likes
)

// template is a subject without what there are many of.
func (t *Tracer) template(subject string) string {
	s, err := t.prefix.Parse(subject)
	chat := subjects.ChatToken("")
	if s.Chat != "" {
		chat = anyChat
	}
	switch {
	case err != nil:
		return string(t.prefix)
	case s.Kind == subjects.KindEvent:
		return t.prefix.Event(chat, anyEvent)
	case s.Kind == subjects.KindSession:
		return t.prefix.Session(chat, s.Session)
	case s.Kind == subjects.KindResult:
		return t.prefix.Result(chat, s.Command)
	case s.Kind == subjects.KindDurable:
		return t.prefix.Durable(s.Command, chat)
	case s.Kind == subjects.KindDeadLetter:
		return t.prefix.DeadLetter(s.Command, chat)
	}
	return subject
}
