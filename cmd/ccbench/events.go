package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

// listener receives the events of a flow, and notes how long each has taken
// since the contact center was due to push it. The clock is this machine's on both ends.
type listener struct {
	mu        sync.Mutex
	latencies []time.Duration
}

// pushedAt is in the wire event, which the connector publishes as it came.
var pushedAt = []byte(`"pushed_at":"`)

func (l *listener) hear(data []byte) {
	now := time.Now()
	_, rest, _ := bytes.Cut(data, pushedAt)
	digits, _, _ := bytes.Cut(rest, []byte{'"'})
	nanos, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil {
		return // then it is missed
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.latencies = append(l.latencies, now.Sub(time.Unix(0, nanos)))
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.latencies)
}

func (l *listener) take() []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.latencies
	l.latencies = nil
	return taken
}

// ears are the two ways of receiving a contender's events.
type ears struct {
	stream listener // a JetStream consumer that acknowledges
	core   listener // a subscription of core NATS
	close  func()
}

func (s *stand) listen(ctx context.Context, of contender) (*ears, error) {
	prefix := subjects.Prefix(of.prefix)
	subject := prefix.Event("*", "message")
	e := new(ears)
	core, err := s.nc.Subscribe(subject, func(m *nats.Msg) { e.core.hear(m.Data) })
	if err != nil {
		return nil, err
	}
	consumer, err := s.js.CreateConsumer(ctx, prefix.StreamName("EVENTS"), jetstream.ConsumerConfig{
		FilterSubject: subject, DeliverPolicy: jetstream.DeliverNewPolicy, AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("a consumer of the events: %w", err)
	}
	consuming, err := consumer.Consume(func(m jetstream.Msg) { e.stream.hear(m.Data()); _ = m.Ack() })
	if err != nil {
		return nil, err
	}
	e.close = func() { consuming.Stop(); <-consuming.Closed(); _ = core.Unsubscribe() }
	return e, nil
}

// heard is one flow of events.
type heard struct {
	pushed       int
	cpuMicros    float64 // of the connector, an event
	stream, core percentiles
}

const heardTime = 30 * time.Second // after the flow

// flow has the contact center push, and waits until all has been received.
func (s *stand) flow(ctx context.Context, r *replica, e *ears, perSecond float64, span time.Duration) (heard, error) {
	before, err := r.usage()
	if err != nil {
		return heard{}, err
	}
	pushed, err := s.push(ctx, perSecond, span)
	if err != nil {
		return heard{}, err
	}
	if err := e.await(ctx, pushed); err != nil {
		return heard{}, err
	}
	after, err := r.usage()
	micros := (after.cpuSeconds - before.cpuSeconds) * 1e6 / float64(max(1, pushed))
	return heard{pushed, micros, percentilesOf(e.stream.take()), percentilesOf(e.core.take())}, err
}

func (s *stand) push(ctx context.Context, perSecond float64, span time.Duration) (pushed int, err error) {
	body, err := json.Marshal(map[string]any{"perSecond": perSecond, "for": span.String(), "app": appID})
	if err != nil {
		return 0, err
	}
	var told struct{ Pushed int }
	err = s.contact.control(ctx, http.MethodPost, "flow", body, &told)
	return told.Pushed, err
}

// await fails if something is missing in the end, or there is too much.
func (e *ears) await(ctx context.Context, pushed int) error {
	deadline := time.Now().Add(heardTime)
	for ctx.Err() == nil {
		stream, core := e.stream.count(), e.core.count()
		switch late := time.Now().After(deadline); {
		case stream == pushed && core == pushed:
			return nil
		case stream > pushed || core > pushed || late:
			return fmt.Errorf("%d events were pushed, a JetStream consumer has received %d and a core subscriber %d", pushed, stream, core)
		}
		sleep(5 * time.Millisecond)
	}
	return context.Cause(ctx)
}
