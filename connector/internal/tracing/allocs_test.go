package tracing

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace"

	"cc-connector/connector/internal/allocs"
)

// steps are all that a command and an event go through because of traces.
func steps(t *Tracer, b testing.TB) []allocs.Operation {
	ctx, since := b.Context(), time.Now()
	command := Command{Name: "chat.send", ID: "an id", Identity: "its result", ChatID: "chat", Chat: "chat", Lane: Live, TraceParent: aParent, Since: since}
	return []allocs.Operation{
		{Name: "a command", Run: func() {
			ctx, span := t.Command(ctx, command)
			Fail(ctx, "timeout")
			span.Fail("timeout")
			span.PutOff()
			place := span.Place()
			_, publication := t.Publish(t.Within(ctx, place, command.TraceParent, ""), "cc.chat.chat.result.chat.send")
			publication.Published(nil)
			span.End()
			_ = place.TraceID()
		}},
		{Name: "an event", Run: func() {
			ctx, span := t.Poll(ctx, "chat", 1)
			ctx, publication := t.Publish(ctx, "cc.chat.chat.event.message")
			Carry(ctx)
			publication.Published(nil)
			span.End()
		}},
	}
}

// Without a provider nothing is allocated, whatever is done.
func TestOffIsFree(t *testing.T) { allocs.Check(t, steps(nil, t)) }

func BenchmarkOff(b *testing.B) { allocs.Bench(b, steps(nil, b)) }

func BenchmarkOn(b *testing.B) {
	provider := trace.NewTracerProvider(trace.WithIDGenerator(IDs{}))
	allocs.Bench(b, steps(New(provider, "cc", "a", "1.0.0"), b))
}
