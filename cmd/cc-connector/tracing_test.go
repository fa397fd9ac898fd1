package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/sdk/trace"
	otlp "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes traces by OTLP over HTTP.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []string
	about []string // what the resources say
	token string   // that came with the last ones
	no    bool     // it refuses them, and repeats what it was sent
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.token = r.Header.Get("X-Token")
	if c.no {
		http.Error(w, "this is no good: "+c.token, http.StatusUnauthorized)
		return
	}
	var request otlp.ExportTraceServiceRequest
	if r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, resource := range request.ResourceSpans {
		for _, a := range resource.Resource.Attributes {
			c.about = append(c.about, a.Key+"="+a.Value.GetStringValue())
		}
		for _, scope := range resource.ScopeSpans {
			for _, span := range scope.Spans {
				c.spans = append(c.spans, span.Name)
			}
		}
	}
}

func (c *collector) refuse(no bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.no = no
}

// The program sends what it has traced, at the latest when it leaves, as the standard variables say.
func TestProcessSendsTraces(t *testing.T) {
	t.Parallel()
	c, options := newCollector(t), server.Options{JetStream: true, StoreDir: t.TempDir()}
	natsServer := startNATS(t, options)
	env := processEnv(t, natsServer.ClientURL())
	env["OTEL_EXPORTER_OTLP_ENDPOINT"], env["OTEL_EXPORTER_OTLP_HEADERS"] = c.URL, "x-token="+planted
	env["OTEL_SERVICE_NAME"], env["OTEL_RESOURCE_ATTRIBUTES"], env["OTEL_TRACES_SAMPLER"] = " bridge ", "team=chat", ""
	env["OTEL_BSP_SCHEDULE_DELAY"] = "600000"
	p := start(t, env)
	p.waitReady(t, http.StatusOK)
	nc, err := nats.Connect(natsServer.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := nc.Request("cc.service.version", nil, patience); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGTERM)
	p.checkExit(t, 0)
	p.checkNoSecret(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, want := range []string{"process cc.service.version", "GET getVersion", "send cc.result.service.version"} {
		if !slices.Contains(c.spans, want) {
			t.Errorf("there is no span %q of %q", want, c.spans)
		}
	}
	for _, want := range []string{"service.name=bridge", "team=chat", "service.version=1.2.3"} {
		if !slices.Contains(c.about, want) {
			t.Errorf("%s is not among %q", want, c.about)
		}
	}
	if c.token != planted {
		t.Errorf("the header is %q", c.token)
	}
}

// tracingTo opens traces by settings, as the program does. What it says is in the log.
func tracingTo(t *testing.T, env map[string]string) (*traces, *output, context.CancelFunc) {
	t.Helper()
	setEnv(t, collecting(env))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave)
	log := newOutput()
	opened, err := openTraces(ctx, cfg.tracing, 100*time.Millisecond, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return opened, log, leave
}

func (t *traces) make(spans int) {
	for range spans {
		_, span := t.provider.Tracer("test").Start(context.Background(), "a span")
		span.End()
	}
}

// A collector that refuses, and quotes what it was sent, costs spans, one line and no secret.
func TestRefusedTraces(t *testing.T) {
	c := newCollector(t)
	c.refuse(true)
	traces, log, leave := tracingTo(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_EXPORTER_OTLP_HEADERS": "x-token=Bearer%20" + planted, "OTEL_BSP_SCHEDULE_DELAY": "1",
	})
	flush := func() {
		traces.make(3)
		if err := traces.provider.ForceFlush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	log.waitFor(t, "traces cannot be sent")
	flush()
	c.refuse(false)
	flush()
	log.waitFor(t, "traces are sent again")
	leave()
	traces.close()
	text := log.String()
	if n := strings.Count(text, "traces cannot be sent"); n != 1 || !strings.Contains(text, "401") || !strings.Contains(text, "lost=6") {
		t.Errorf("it is said %d times:\n%s", n, text)
	}
	if strings.Contains(text, planted) || strings.Contains(text, "no good") {
		t.Errorf("a secret, or what the collector says, is shown:\n%s", text)
	}
}

// A collector that cannot be reached, or never answers, holds up neither who makes spans nor who leaves.
func TestUnreachableCollector(t *testing.T) {
	never := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	defer never.Close()
	for why, env := range map[string]map[string]string{
		"nobody listens":        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + unusedAddress(t)},
		"nobody listens to RPC": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + unusedAddress(t), "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
		"no answer":             {"OTEL_EXPORTER_OTLP_ENDPOINT": never.URL},
	} {
		t.Run(why, func(t *testing.T) {
			env["OTEL_BSP_MAX_QUEUE_SIZE"], env["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"], env["OTEL_EXPORTER_OTLP_TIMEOUT"] = "20", "10", "100"
			traces, log, leave := tracingTo(t, env)
			traces.make(200) // returns, however many they are
			leave()
			traces.close() // returns by itself
			if text := log.String(); !strings.Contains(text, "are lost") || strings.Count(text, "more are made than are taken") > 1 {
				t.Errorf("it is not said once that spans are lost:\n%s", text)
			}
		})
	}
}

// stuck is an exporter that takes nothing until it is told to.
type stuck struct {
	took chan int
	goOn chan struct{}
}

func (s *stuck) ExportSpans(_ context.Context, spans []trace.ReadOnlySpan) error {
	<-s.goOn
	s.took <- len(spans)
	return nil
}

func (s *stuck) Shutdown(context.Context) error { return nil }

// Every span is sent or counted as lost, and no more wait than may.
func TestLostSpansAreCounted(t *testing.T) {
	setEnv(t, nil)
	log := newOutput()
	says := &sayings{log: slog.New(slog.NewTextHandler(log, nil))}
	exporter := &stuck{took: make(chan int, 100), goOn: make(chan struct{})}
	provider := trace.NewTracerProvider(trace.WithSpanProcessor(queued(exporter, 16, says)))
	traces := &traces{provider: provider}
	traces.make(100)
	says.mu.Lock()
	lost := says.lost
	says.mu.Unlock()
	if lost != 84 {
		t.Errorf("%d are lost", lost)
	}
	close(exporter.goOn)
	if err := provider.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(exporter.took)
	sent := 0
	for n := range exporter.took {
		sent += n
	}
	if sent != 16 {
		t.Errorf("%d are sent", sent)
	}
	if text := log.String(); strings.Count(text, "are lost") != 1 || !strings.Contains(text, "lost=84") {
		t.Errorf("it is told as\n%s", text)
	}
}

func TestNoTracesWithoutEndpoint(t *testing.T) {
	setEnv(t, with(nil))
	cfg, err := readConfig()
	if err != nil {
		t.Fatal(err)
	}
	opened, err := openTraces(t.Context(), cfg.tracing, time.Second, slog.New(slog.DiscardHandler))
	if opened != nil || err != nil {
		t.Fatalf("got %v, %v", opened, err)
	}
	opened.use(&cfg)
	opened.close()
	if cfg.connector.Traces != nil || cfg.client.Wrap != nil {
		t.Error("something is traced")
	}
}
