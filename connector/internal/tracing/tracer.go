package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"cc-connector/subjects"
)

// scope is the instrumentation that the connector's spans are of.
const scope = "cc-connector"

// Attributes of the spans: those of the semantic conventions, and the connector's own.
const (
	attrSystem    = attribute.Key("messaging.system")
	attrOperation = attribute.Key("messaging.operation.name")
	attrType      = attribute.Key("messaging.operation.type")
	attrSubject   = attribute.Key("messaging.destination.name")
	attrTemplate  = attribute.Key("messaging.destination.template")
	attrMessage   = attribute.Key("messaging.message.id")
	attrMethod    = attribute.Key("http.request.method")
	attrStatus    = attribute.Key("http.response.status_code")
	attrURL       = attribute.Key("url.full")
	attrHost      = attribute.Key("server.address")
	attrPort      = attribute.Key("server.port")
	attrError     = attribute.Key("error.type")

	attrCommand = attribute.Key("cc.command")
	attrLane    = attribute.Key("cc.lane")
	attrChat    = attribute.Key("cc.chat.id")
	attrPutOff  = attribute.Key("cc.put_off")
	attrEvents  = attribute.Key("cc.events")
	attrCall    = attribute.Key("cc.call")
	attrReplica = attribute.Key("cc.replica")
)

// Tracer makes the spans of one replica. A nil one makes none.
type Tracer struct {
	tracer trace.Tracer
	prefix subjects.Prefix
}

// New is nil without a provider.
func New(provider trace.TracerProvider, prefix subjects.Prefix, replica, version string) *Tracer {
	if provider == nil {
		return nil
	}
	return &Tracer{prefix: prefix, tracer: provider.Tracer(scope,
		trace.WithInstrumentationVersion(version), trace.WithInstrumentationAttributes(attrReplica.String(replica)))}
}

// Span is one that is under way. The zero Span is none.
type Span struct{ span trace.Span }

// End is the end of what it tells of.
func (s Span) End() {
	if s.span != nil {
		s.span.End()
	}
}

// PutOff says that it is not over with this: there will be another try.
func (s Span) PutOff() {
	if s.span != nil {
		s.span.SetAttributes(attrPutOff.Bool(true))
	}
}

// Fail says by which error code it failed.
func (s Span) Fail(code string) {
	if s.span != nil {
		s.span.SetAttributes(attrError.String(code))
		s.span.SetStatus(codes.Error, "")
	}
}

// Fail is Span.Fail for the span that ctx belongs to, if any.
func Fail(ctx context.Context, code string) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		Span{span}.Fail(code)
	}
}

// isTraced tells whether ctx belongs to a trace.
func isTraced(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsValid() }
