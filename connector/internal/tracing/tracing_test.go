package tracing

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"cc-connector/subjects"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const aParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func recording(options ...sdk.TracerProviderOption) (*Tracer, *sdk.TracerProvider, *tracetest.InMemoryExporter) {
	spans := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(append(options, sdk.WithSyncer(spans), sdk.WithIDGenerator(IDs{}))...)
	return New(provider, "a.b", "replica-1", "1.0.0"), provider, spans
}

// Span names tell what, and not which: there must not be one for each chat.
func TestTemplates(t *testing.T) {
	tracer, _, _ := recording()
	p := subjects.Prefix("a.b")
	for subject, want := range map[string]string{
		p.Event("chat-1", "message"):        "a.b.chat.{chat}.event.{event}",
		p.Event("chat-1", "x_made=20up"):    "a.b.chat.{chat}.event.{event}",
		p.Session("chat-1", "opened"):       "a.b.chat.{chat}.session.opened",
		p.Result("chat-1", "chat.send"):     "a.b.chat.{chat}.result.chat.send",
		p.Result("", "service.version"):     "a.b.result.service.version",
		p.Durable("chat.send", "chat-1"):    "a.b.durable.chat.send.{chat}",
		p.Durable("chat.request", ""):       "a.b.durable.chat.request",
		p.DeadLetter("chat.send", "chat-1"): "a.b.deadletter.chat.send.{chat}",
		p.Live("chat.send"):                 "a.b.chat.send",
		"somebody.else's." + "subject of 1": "a.b",
	} {
		if got := tracer.template(subject); got != want {
			t.Errorf("%s: got %s, want %s", subject, got, want)
		}
	}
}

// Tries and repeats of a command without a trace are of one; two commands are not.
func TestIdentityNamesTheTrace(t *testing.T) {
	tracer, _, _ := recording()
	begin := func(identity, parent string) (trace.SpanContext, string) {
		ctx, span := tracer.Command(t.Context(), Command{Name: "chat.send", Identity: identity, TraceParent: parent})
		defer span.End()
		_, inner := tracer.Publish(ctx, "a.b.result.chat.send")
		defer inner.End()
		if inner.Place().TraceID() != span.Place().TraceID() {
			t.Error("what comes of a command is of another trace")
		}
		return trace.SpanContextFromContext(ctx), span.Place().TraceID()
	}
	first, id := begin("one", "")
	second, again := begin("one", "nonsense")
	if id != again || first.SpanID() == second.SpanID() || !first.IsValid() {
		t.Errorf("two tries are %v and %v", first, second)
	}
	if _, other := begin("two", ""); other == id {
		t.Error("two commands are of one trace")
	}
	if _, given := begin("one", aParent); given != aParent[3:35] {
		t.Errorf("a command of a trace is of another: %s", given)
	}
}

// Who is not to be sampled is not, but the trace goes on to whoever is asked next.
func TestUnsampledTraceGoesOn(t *testing.T) {
	tracer, _, spans := recording()
	ctx, span := tracer.Command(t.Context(), Command{Name: "chat.send", TraceParent: strings.TrimSuffix(aParent, "1") + "0", TraceState: "a=1,b=2"})
	parent, state := Carry(ctx)
	span.End()
	if !strings.HasPrefix(parent, aParent[:36]) || !strings.HasSuffix(parent, "-00") || state != "a=1,b=2" {
		t.Errorf("it goes on as %s, %s", parent, state)
	}
	if got := spans.GetSpans(); len(got) != 0 {
		t.Errorf("%d spans are made", len(got))
	}
}

func TestEmptyAnswerMakesNoSpan(t *testing.T) {
	tracer, _, spans := recording()
	ctx, span := tracer.Poll(t.Context(), "chat", 0)
	_, publication := tracer.Publish(ctx, "a.b.chat.c.session.opened")
	publication.Published(errors.New("x"))
	span.End()
	if got := spans.GetSpans(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}

// center is a contact center that remembers the headers of the last request, and refuses all.
type center struct{ header http.Header }

func (c *center) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.header = r.Header
	if r.URL.Path == "/cut" {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusServiceUnavailable)
}

// Calls to the contact center: what is told of one, and that it is told nothing.
func TestCalls(t *testing.T) {
	tracer, provider, spans := recording()
	called := &center{}
	server := httptest.NewServer(called)
	defer server.Close()
	connections := &http.Transport{}
	defer connections.CloseIdleConnections()
	calls := Calls(provider)(connections)
	call(t, t.Context(), calls, server.URL+"/held")
	if got := spans.GetSpans(); len(got) != 0 {
		t.Errorf("a call of nothing traced has %+v", got)
	}
	ctx, span := tracer.Command(t.Context(), Command{Name: "chat.send", TraceParent: aParent})
	call(t, ctx, calls, server.URL+"/chats/chat-1/events")
	for _, name := range []string{"Traceparent", "Tracestate", "Baggage"} {
		if called.header.Get(name) != "" {
			t.Errorf("the contact center is sent %s", name)
		}
	}
	call(t, ctx, calls, server.URL+"/cut")
	got := spans.GetSpans()
	if len(got) != 2 {
		t.Fatalf("got %d spans", len(got))
	}
	checkCall(t, got[0], span, map[string]string{
		"http.request.method": "POST", "http.response.status_code": "503", "error.type": "503", "url.full": server.URL + "/chats/chat-1/events", "server.address": "127.0.0.1",
	})
	checkCall(t, got[1], span, map[string]string{"error.type": "connection", "url.full": server.URL + "/cut"})
}

// call has secrets wherever there may be some.
func call(t *testing.T, ctx context.Context, calls http.RoundTripper, address string) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"?tenantUrl=secret", strings.NewReader("secret"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "secret")
	if response, err := calls.RoundTrip(request); err == nil {
		_, _ = io.Copy(io.Discard, response.Body)
		response.Body.Close()
	}
}

func checkCall(t *testing.T, got tracetest.SpanStub, below Span, want map[string]string) {
	t.Helper()
	told := attributesOf(got)
	for key, value := range want {
		if told[key] != value {
			t.Errorf("%s is %q, want %q", key, told[key], value)
		}
	}
	if got.SpanKind != trace.SpanKindClient || got.Parent.SpanID() != below.span.SpanContext().SpanID() {
		t.Errorf("it is of kind %v, below %v", got.SpanKind, got.Parent)
	}
	for key, value := range told {
		if strings.Contains(value, "secret") {
			t.Errorf("%s tells %s", key, value)
		}
	}
}

func attributesOf(span tracetest.SpanStub) map[string]string {
	told := map[string]string{}
	for _, a := range span.Attributes {
		told[string(a.Key)] = a.Value.String()
	}
	return told
}

// A sender may write what he likes. What is carried on can be read, and is of his trace or of none.
func FuzzWithin(f *testing.F) {
	f.Add(aParent, "a=1,b=2")
	f.Add("00-00000000000000000000000000000000-b7ad6b7169203331-01", "")
	f.Add("cc"+aParent[2:]+"-more", strings.Repeat("a=1,", 40))
	tracer, _, _ := recording()
	f.Fuzz(func(t *testing.T, parent, state string) {
		carried, carriedState := Carry(tracer.Within(t.Context(), Place{}, parent, state))
		if carried == "" {
			return
		}
		again, againState := Carry(tracer.Within(t.Context(), Place{}, carried, carriedState))
		if len(parent) < len(aParent) || carried[3:52] != parent[3:52] || again != carried || againState != carriedState {
			t.Errorf("%q, %q becomes %q, %q, and then %q, %q", parent, state, carried, carriedState, again, againState)
		}
	})
}
