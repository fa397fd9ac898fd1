package tracing

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// IDs makes the ids of spans: random ones, but for a trace that is named. It is
// for the provider that the spans go to.
type IDs struct{}

type nameKey struct{}

// named has the next trace that begins under ctx be the same wherever it has this name.
func named(ctx context.Context, name string) context.Context {
	sum := sha256.Sum256([]byte("trace " + name))
	return context.WithValue(ctx, nameKey{}, trace.TraceID(sum[:16]))
}

// NewIDs is for a span that begins a trace.
func (i IDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, isNamed := ctx.Value(nameKey{}).(trace.TraceID)
	for !isNamed && !id.IsValid() {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id, i.NewSpanID(ctx, id)
}

// NewSpanID is for a span of a trace that has begun.
func (IDs) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
