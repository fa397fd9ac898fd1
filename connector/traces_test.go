package connector_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// spans are what the connectors of a rig have traced.
type spans struct {
	*rig
	exporter *tracetest.InMemoryExporter
}

// trace has the connectors that start later make traces.
func (r *rig) trace() spans {
	s := spans{r, tracetest.NewInMemoryExporter()}
	provider := sdk.NewTracerProvider(sdk.WithSyncer(s.exporter), sdk.WithIDGenerator(connector.TraceIDs{}))
	r.config.Traces, r.client.Wrap = provider, connector.TraceCalls(provider)
	return s
}

// of are the spans of a trace, as a tree in words: what each is, and below what.
func (s spans) of(id string) []string {
	names := map[trace.SpanID]string{}
	var found tracetest.SpanStubs
	for _, span := range s.exporter.GetSpans() {
		if span.SpanContext.TraceID().String() == id {
			found, names[span.SpanContext.SpanID()] = append(found, span), span.Name
		}
	}
	tree := []string{}
	for _, span := range found {
		below, known := names[span.Parent.SpanID()]
		if span.Parent.IsValid() && !known {
			below = span.Parent.SpanID().String()
		}
		tree = append(tree, fmt.Sprintf("%v: %s < %s", span.SpanKind, span.Name, below))
	}
	slices.Sort(tree)
	return tree
}

// awaitTree waits until a trace is complete.
func (s spans) awaitTree(id string, want ...string) {
	s.Helper()
	slices.Sort(want)
	s.eventually("the trace is "+strings.Join(want, "; "), func() bool {
		if got := s.of(id); len(got) < len(want) {
			return false
		}
		return true
	})
	if got := s.of(id); !slices.Equal(got, want) {
		s.Errorf("the trace is\n%s\nand should be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// named are the spans of a name.
func (s spans) named(name string) tracetest.SpanStubs {
	return slices.DeleteFunc(s.exporter.GetSpans(), func(span tracetest.SpanStub) bool { return span.Name != name })
}

func told(span tracetest.SpanStub, key attribute.Key) string {
	for _, a := range span.Attributes {
		if a.Key == key {
			return a.Value.String()
		}
	}
	return ""
}

const (
	traceID = "0af7651916cd43dd8448eb211c80319c" // of aTrace
	spanID  = "b7ad6b7169203331"
)

// One trace goes from the publisher to every publication, over both lanes, and the contact center is told nothing of it.
func TestOneTraceFromPublisherToPublication(t *testing.T) {
	t.Parallel()
	r := newRig(t, bpsim.Options{AnswerSends: true, Hold: 100 * time.Millisecond})
	var leaked atomic.Bool
	intercept(r, func(_ http.ResponseWriter, request *http.Request) bool {
		leaked.Store(leaked.Load() || request.Header.Get("Traceparent")+request.Header.Get("Tracestate") != "")
		return false
	})
	s := r.trace()
	hangPolls(r)
	r.start()
	w := watchNew(r)
	w.says("one")
	s.followLive(w)
	s.followDurable(w)
	s.followPoll(w)
	if leaked.Load() {
		t.Error("the contact center is sent a trace context")
	}
}

// followLive: what came in the answer to the call is of the command's trace.
func (s spans) followLive(w watched) {
	s.Helper()
	msg := &nats.Msg{Subject: "cc.chat.send", Data: []byte(encode(map[string]any{"chatId": w.chat, "text": "hello"}))}
	msg.Header = nats.Header{"traceparent": {aTrace}, "tracestate": {"a=1"}, nats.MsgIdHdr: {"live"}}
	if result := s.ask(msg); result.Error != nil {
		s.Fatal(result.Error)
	}
	s.awaitTree(traceID,
		"consumer: process cc.chat.send < "+spanID,
		"client: POST sendEvents < process cc.chat.send",
		"producer: send cc.chat.{chat}.result.chat.send < process cc.chat.send",
		"producer: send cc.chat.{chat}.event.{event} < process cc.chat.send")
	process := s.named("process cc.chat.send")[0]
	for key, want := range map[attribute.Key]string{
		"messaging.system": "nats", "messaging.operation.name": "process", "messaging.operation.type": "process", "messaging.destination.name": "cc.chat.send",
		"messaging.message.id": "live", "cc.command": "chat.send", "cc.lane": "live", "cc.chat.id": w.chat, "error.type": "",
	} {
		if got := told(process, key); got != want {
			s.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	result := s.awaitStored(w.chat, ".result.chat.send", 1)[0]
	if parent, state := schema.Extension(result.event, "traceparent"), schema.Extension(result.event, "tracestate"); parent != aTrace || state != "a=1" {
		s.Errorf("the result has the trace %s, %s", parent, state)
	}
	s.checkCarried(s.awaitStored(w.chat, ".event.message", 1)[0], "a=1")
}

// checkCarried: whoever reads an event can go on with the trace, below its publication.
func (s spans) checkCarried(m message, state string) {
	s.Helper()
	parent := schema.Extension(m.event, "traceparent")
	for _, span := range s.named("send cc.chat.{chat}.event.{event}") {
		if at := span.SpanContext; parent == "00-"+at.TraceID().String()+"-"+at.SpanID().String()+"-01" {
			if got := schema.Extension(m.event, "tracestate"); got != state || told(span, "messaging.destination.name") != m.subject {
				s.Errorf("it carries the state %s, of %s", got, told(span, "messaging.destination.name"))
			}
			return
		}
	}
	s.Errorf("%s has the trace %q, which no publication has", m.subject, parent)
}

// followDurable: a try that is put off, the next one and a repeat on the other lane are of one trace, also if the sender has named none.
func (s spans) followDurable(w watched) {
	s.Helper()
	w.inject(bpsim.Fault{Method: bpsim.SendEvents, Kind: "status", Status: 503, Times: 1})
	data := map[string]any{"chatId": w.chat, "text": "lasting"}
	msg := w.giveMsg("chat.send", "durable", data)
	w.awaitResult("durable")
	msg.Subject = "cc.chat.send"
	s.ask(msg)
	const process = "process cc.durable.chat.send.{chat}"
	s.eventually("both tries have ended", func() bool { return len(s.named(process)) == 2 })
	tries := s.named(process)
	first, second := tries[0], tries[1]
	s.awaitTree(first.SpanContext.TraceID().String(),
		"consumer: "+process+" < ", "client: POST sendEvents < "+process,
		"consumer: "+process+" < ", "client: POST sendEvents < "+process,
		"producer: send cc.chat.{chat}.result.chat.send < "+process,
		"consumer: process cc.chat.send < ")
	if first.Status.Code != codes.Error || told(first, "error.type") != "unavailable" || told(first, "cc.put_off") != "true" {
		s.Errorf("the first try is told as %+v", first)
	}
	if second.Status.Code != codes.Unset || told(second, "cc.put_off") != "" || told(second, "cc.lane") != "durable" {
		s.Errorf("the second try is told as %+v", second)
	}
	names := fmt.Sprintf(`"command":"chat.send","commandId":"durable","chat":%q,"traceId":%q`, w.chat, first.SpanContext.TraceID())
	if log := s.log.String(); !strings.Contains(log, names) {
		s.Errorf("no line of the log has %s:\n%s", names, log)
	}
	result := s.awaitStored(w.chat, ".result.chat.send", 2)[1]
	if parent := schema.Extension(result.event, "traceparent"); parent != "" {
		s.Errorf("the result of a command without a trace has %s", parent)
	}
}

// followPoll: an answer with events begins a trace, one without does not.
func (s spans) followPoll(w watched) {
	s.Helper()
	w.sim.ClearFaults()
	w.untilListening()
	w.says("two")
	event := s.awaitStored(w.chat, ".event.message", 2)[1]
	begun := w.record().Polls
	w.until("a poll is answered with nothing", func(r bpsim.Record) bool { return r.Polls > begun+1 })
	polls := s.named("poll")
	if len(polls) != 1 || told(polls[0], "cc.events") != "1" || told(polls[0], "cc.chat.id") != w.chat {
		s.Fatalf("the polls are told as %+v", polls)
	}
	s.awaitTree(polls[0].SpanContext.TraceID().String(), "internal: poll < ", "producer: send cc.chat.{chat}.event.{event} < poll")
	s.checkCarried(event, "")
}

// findings are all that the spans tell.
func (s spans) findings() findings {
	s.Helper()
	seen := findings{}
	for _, span := range s.exporter.GetSpans() {
		written, err := json.Marshal(span)
		s.check(err)
		seen.add("the traces", string(written))
	}
	return seen
}
