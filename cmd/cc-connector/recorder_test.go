package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// recorder reads CC_EVENTS from its beginning as it is written, and keeps what
// the stream may forget. It goes on through every restart of NATS, and knows by
// the stream's own numbers whether it has missed anything.
type recorder struct {
	js jetstream.JetStream

	mu      sync.Mutex
	changed chan struct{}
	next    uint64 // in the stream
	stored  []storedMessage
	byChat  map[string][]storedMessage
	missed  []string
}

var (
	errSilent = errors.New("the consumer is silent, but the stream has more")
	errHole   = errors.New("the consumer has left something out")
)

// record starts reading, until the test is over.
func record(t *testing.T, js jetstream.JetStream) *recorder {
	r := &recorder{js: js, changed: make(chan struct{}), next: 1, byChat: make(map[string][]storedMessage)}
	ctx, cancel := context.WithCancel(context.Background())
	var reading sync.WaitGroup
	reading.Go(func() {
		for ctx.Err() == nil {
			_ = r.follow(ctx) // whatever it was, the next consumer begins where this one ended
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		}
	})
	t.Cleanup(func() { cancel(); reading.Wait() })
	return r
}

const requestPatience = 2 * time.Second

// follow reads with one consumer for as long as that works.
func (r *recorder) follow(ctx context.Context) error {
	consumer, err := r.consumer(ctx)
	if err != nil {
		return err
	}
	for fresh := true; ctx.Err() == nil; fresh = false {
		batch, err := consumer.Fetch(500, jetstream.FetchMaxWait(requestPatience/4))
		if err != nil {
			return err
		}
		n := 0
		for msg := range batch.Messages() {
			if err := r.take(msg, fresh && n == 0); err != nil {
				return err
			}
			n++
		}
		if err := batch.Error(); err != nil {
			return err
		}
		if n == 0 && r.lags(ctx) {
			return errSilent
		}
	}
	return ctx.Err()
}

func (r *recorder) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	return r.js.CreateConsumer(ctx, subjects.DefaultPrefix.StreamName("EVENTS"), jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.next,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: 30 * time.Second,
	})
}

func (r *recorder) lags(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, requestPatience)
	defer cancel()
	stream, err := r.js.Stream(ctx, subjects.DefaultPrefix.StreamName("EVENTS"))
	return err != nil || stream.CachedInfo().State.LastSeq >= r.next
}

// take keeps a message. A new consumer's first one is what the stream has
// next, and what it skips is not there any more.
func (r *recorder) take(msg jetstream.Msg, first bool) error {
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := meta.Sequence.Stream
	switch {
	case at < r.next:
		return nil
	case at > r.next && !first:
		return errHole
	case at > r.next:
		r.missed = append(r.missed, fmt.Sprintf("%d to %d", r.next, at-1))
	}
	r.next = at + 1
	r.keep(meta, msg)
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

// keep reads what is meant for the world. r.mu is held.
func (r *recorder) keep(meta *jetstream.MsgMetadata, msg jetstream.Msg) {
	if strings.HasPrefix(msg.Subject(), subjects.DefaultPrefix.Internal("")) {
		return
	}
	m, err := readStored(msg.Subject(), msg.Headers(), msg.Data())
	if err != nil {
		r.missed = append(r.missed, fmt.Sprintf("%d on %s cannot be read: %v", meta.Sequence.Stream, msg.Subject(), err))
		return
	}
	m.at, m.position = meta.Timestamp, meta.Sequence.Stream
	r.stored = append(r.stored, m)
	r.byChat[m.chat] = append(r.byChat[m.chat], m)
}

func readStored(subject string, header nats.Header, data []byte) (m storedMessage, err error) {
	where, err := subjects.DefaultPrefix.Parse(subject)
	if err != nil {
		return m, err
	}
	ce, _, err := schema.Decode(header, data)
	if err != nil {
		return m, err
	}
	m = storedMessage{
		chat: where.Chat.ID(), id: ce.ID(),
		origin: schema.Extension(ce, schema.AttrOrigin), cause: schema.Extension(ce, schema.AttrCausationID),
	}
	if where.Kind == subjects.KindResult {
		m.result, err = schema.DecodeResult(ce)
		return m, err
	}
	if m.sequence, err = schema.Sequence(ce); err != nil {
		return m, err
	}
	if where.Kind == subjects.KindSession {
		m.session, err = schema.DecodeSession(ce)
		return m, err
	}
	event, err := schema.DecodeEvent(ce)
	if err != nil {
		return m, err
	}
	wire := brightpattern.ParseEvent(event.Header().Raw)
	m.event = &wire
	return m, nil
}

// all is everything so far; wait is closed when there is more.
func (r *recorder) all() (stored []storedMessage, wait <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.stored), r.changed
}

func (r *recorder) of(chat string) []storedMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clip(r.byChat[chat])
}
