package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	otelattribute "go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	otelresource "go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"cc-connector/connector"
)

// # Traces
//
// Spans wait in a queue of their own, and are sent beside everything else: a collector that is slow, or away, costs
// spans and nothing else. What is dropped is said once. Leaving sends what is left, as far as its time goes.

// traces are where this process's spans go; nil: nowhere.
type traces struct {
	provider *trace.TracerProvider
	exporter trace.SpanExporter
	leaveBy  atomic.Pointer[time.Time]
	drain    time.Duration
	log      *slog.Logger
}

// openTraces makes no connection: that is made with the first spans, again and again. Leaving begins with the end of
// ctx, and takes as long as drain.
func openTraces(ctx context.Context, cfg tracingConfig, drain time.Duration, log *slog.Logger) (*traces, error) {
	if !cfg.on {
		return nil, nil
	}
	if err := cfg.tellSDK(); err != nil {
		return nil, err
	}
	says := &sayings{secrets: cfg.secrets, log: log}
	otel.SetLogger(logr.Discard()) // it quotes what it cannot read; the errors come here
	otel.SetErrorHandler(otel.ErrorHandlerFunc(says.other))
	exporter, err := newExporter(ctx, cfg.grpc)
	if err != nil {
		return nil, fmt.Errorf("the exporter of traces: %s", says.safe(err))
	}
	about, err := otelresource.New(ctx, otelresource.WithTelemetrySDK(),
		otelresource.WithAttributes(otelattribute.String("service.name", "cc-connector"), otelattribute.String("service.version", buildVersion())), otelresource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("what traces say of this process: %s", says.safe(err))
	}
	t := &traces{drain: drain, log: log, exporter: exporter, provider: trace.NewTracerProvider(
		trace.WithSpanProcessor(queued(exporter, cfg.most, says)), trace.WithResource(about), trace.WithIDGenerator(connector.TraceIDs{}),
	)}
	context.AfterFunc(ctx, t.leave)
	log.Info("traces are sent", "to", hostOf(cmp.Or(cfg.TracesEndpoint, cfg.Endpoint)))
	return t, nil
}

func newExporter(ctx context.Context, grpc bool) (trace.SpanExporter, error) {
	if grpc {
		return otlptracegrpc.New(ctx)
	}
	return otlptracehttp.New(ctx)
}

// use has the connector, and its calls, be traced.
func (t *traces) use(cfg *config) {
	if t == nil {
		return
	}
	cfg.connector.Traces = t.provider
	cfg.client.Wrap = connector.TraceCalls(t.provider)
}

func (t *traces) leave() {
	by := time.Now().Add(t.drain)
	t.leaveBy.Store(&by)
}

const (
	longestSpanFlush  = 5 * time.Second // a collector that is away must not hold up who leaves
	shortestSpanFlush = 250 * time.Millisecond
)

// close sends what is left.
func (t *traces) close() {
	if t == nil {
		return
	}
	patience := min(longestSpanFlush, t.drain)
	if by := t.leaveBy.Load(); by != nil {
		patience = min(patience, time.Until(*by))
	}
	ctx, cancel := context.WithTimeout(context.Background(), max(patience, shortestSpanFlush))
	defer cancel()
	if t.provider.Shutdown(ctx) != nil {
		t.log.Warn("the last traces could not be sent")
		_ = t.exporter.Shutdown(ctx) // ends what it still tries
	}
}
