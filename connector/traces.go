package connector

import (
	"net/http"

	"go.opentelemetry.io/otel/trace"

	"cc-connector/connector/internal/tracing"
)

// TraceIDs makes the ids of spans, for the provider of Config.Traces: with it all
// tries of a command whose sender names no trace are of one trace.
type TraceIDs = tracing.IDs

// TraceCalls has the calls to the contact center be traced; it is for
// brightpattern.Config.Wrap. The contact center is told nothing of it.
func TraceCalls(provider trace.TracerProvider) func(http.RoundTripper) http.RoundTripper {
	return tracing.Calls(provider)
}
