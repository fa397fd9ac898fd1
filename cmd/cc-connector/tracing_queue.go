package main

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/trace"
)

// The SDK's queue of spans is bounded, and drops what is too much without a word; of a collector that is away it
// complains for each batch. So the spans are counted before it and behind it, and it is said once that they are lost,
// and once that they are not any more.

// spanQueue stands before the SDK's.
type spanQueue struct {
	trace.SpanProcessor
	waiting *waiting
}

// spanSender stands behind it.
type spanSender struct {
	trace.SpanExporter
	waiting *waiting
}

// waiting are the spans in between.
type waiting struct {
	most int64
	now  atomic.Int64
	says *sayings
}

// queued has spans wait to be exported, so many at most.
func queued(exporter trace.SpanExporter, most int, says *sayings) trace.SpanProcessor {
	w := &waiting{most: int64(most), says: says}
	return &spanQueue{trace.NewBatchSpanProcessor(&spanSender{exporter, w}, trace.WithMaxQueueSize(most)), w}
}

func (q *spanQueue) OnEnd(span trace.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	if q.waiting.now.Add(1) > q.waiting.most {
		q.waiting.now.Add(-1)
		q.waiting.says.dropped()
		return
	}
	q.SpanProcessor.OnEnd(span)
}

// ExportSpans leaves nothing to be told by the SDK.
func (s *spanSender) ExportSpans(ctx context.Context, spans []trace.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	s.waiting.now.Add(-int64(len(spans)))
	s.waiting.says.sent(len(spans), err)
	return nil
}

// sayings are what the log says of traces: what changes.
type sayings struct {
	secrets []string
	log     *slog.Logger

	mu   sync.Mutex
	lost int    // spans, since the last that were sent
	full bool   // it is said that some are dropped
	last string // why they cannot be sent, as it was said; "" if they can
	also string // what else the SDK said last
}

// sent says what became of spans.
func (s *sayings) sent(spans int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.lost += spans
		if why := s.safe(err); why != s.last {
			s.last = why
			s.log.Warn("traces cannot be sent, and are lost; nothing else waits for them", "error", why)
		}
		return
	}
	if s.lost > 0 {
		s.log.Info("traces are sent again", "lost", s.lost)
	}
	s.lost, s.full, s.last = 0, false, ""
}

// dropped says that there was no room for a span.
func (s *sayings) dropped() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost++
	if !s.full {
		s.full = true
		s.log.Warn("traces are lost: more are made than are taken from this process; a sampler makes fewer (OTEL_TRACES_SAMPLER)")
	}
}

// other is what the SDK says of itself.
func (s *sayings) other(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if what := s.safe(err); what != s.also {
		s.also = what
		s.log.Warn("OpenTelemetry reports a failure", "error", what)
	}
}

const longestSaying = 300

// safe is what an error says but for secrets, and for what the collector wrote, which may be anything.
func (s *sayings) safe(err error) string {
	text, _, _ := strings.Cut(strings.Join(strings.Fields(err.Error()), " "), "body:")
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "…")
	}
	return strings.ToValidUTF8(text[:min(len(text), longestSaying)], "")
}
