package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// source gives the messages of the stream of events, in its order.
type source interface {
	next(ctx context.Context) (jetstream.Msg, error)
	stop()
}

// ownConsumer is a consumer of Follow's own, made anew behind the last message
// wherever it has got lost. The client library's ordered consumer does the same,
// but not under a context.
type ownConsumer struct {
	client  *Client
	filters []string
	after   uint64    // the place of the message that was given last
	past    uint64    // the end of this stream when the loop began, if it matters
	made    time.Time // the stream was

	messages  jetstream.MessagesContext // nil: there is no consumer
	delivered uint64                    // by this one
	pending   uint64                    // messages behind the last one that this one gave; known once it is there
}

const (
	leastPause   = 250 * time.Millisecond
	longestPause = 5 * time.Second
	heartbeat    = 2 * time.Second // a consumer that is silent for two of them is lost
	forgotten    = 30 * time.Second
	// Whoever restarts may have had a question without having answered it.
	answerPatience = 5 * time.Second
)

// end is the place of the stream's last message.
func (o *ownConsumer) end(ctx context.Context) (uint64, error) {
	stream, err := o.client.js.Stream(ctx, o.client.cfg.Prefix.StreamName("EVENTS"))
	if err != nil {
		return 0, fmt.Errorf("client: the stream of events: %w", err)
	}
	return stream.CachedInfo().State.LastSeq, nil
}

// next waits for the message behind the last one, for as long as the context lasts.
func (o *ownConsumer) next(ctx context.Context) (msg jetstream.Msg, err error) {
	err = untilDone(ctx, func(ctx context.Context) error {
		if msg, err = o.try(ctx); err != nil {
			o.stop()
		}
		return err
	})
	return msg, err
}

// until is next up to a place; nil if the stream has nothing more up to there.
// What is pending may be taken by the stream's limits, and never come: after a
// while, another consumer tells what is left.
func (o *ownConsumer) until(ctx context.Context, place uint64) (jetstream.Msg, error) {
	for ctx.Err() == nil {
		if err := untilDone(ctx, o.open); err != nil || o.pending == 0 {
			return nil, err
		}
		msg, err := o.soon(ctx)
		switch {
		case err == nil && o.after <= place:
			return msg, nil
		case err == nil:
			return nil, nil
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		}
	}
	return nil, context.Cause(ctx)
}

// soon is next, but not for long.
func (o *ownConsumer) soon(ctx context.Context) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*heartbeat)
	defer cancel()
	return o.next(ctx)
}

// untilDone tries something that needs NATS until it is done or the context ends.
func untilDone(ctx context.Context, do func(context.Context) error) error {
	for wait := leastPause; ; wait = min(2*wait, longestPause) {
		err := do(ctx)
		switch {
		case err == nil, errors.Is(err, nats.ErrConnectionClosed):
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		}
		pause(ctx, wait)
	}
}

var errGap = errors.New("client: the consumer has left something out")

func (o *ownConsumer) try(ctx context.Context) (jetstream.Msg, error) {
	if err := o.open(ctx); err != nil {
		return nil, err
	}
	msg, err := o.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, err
	}
	meta, err := msg.Metadata()
	if err == nil && meta.Sequence.Consumer != o.delivered+1 {
		err = errGap
	}
	if err != nil {
		return nil, err
	}
	o.delivered, o.after, o.pending = meta.Sequence.Consumer, meta.Sequence.Stream, meta.NumPending
	return msg, nil
}

// open makes a consumer, if there is none. A stream that was made anew, or is
// shorter than what was said of it, is read from its beginning.
func (o *ownConsumer) open(ctx context.Context) error {
	if o.messages != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	stream, err := o.client.js.Stream(ctx, o.client.cfg.Prefix.StreamName("EVENTS"))
	if err != nil {
		return err
	}
	info := stream.CachedInfo()
	if another := !o.made.IsZero() && !info.Created.Equal(o.made); another || o.after > info.State.LastSeq {
		o.after, o.past = 0, 0
	}
	o.made = info.Created
	consumer, err := stream.CreateConsumer(ctx, o.definition())
	if err != nil {
		return err
	}
	o.delivered, o.pending = 0, consumer.CachedInfo().NumPending
	o.messages, err = consumer.Messages(jetstream.PullExpiry(5*heartbeat), jetstream.PullHeartbeat(heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	return err
}

func (o *ownConsumer) definition() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		FilterSubjects: o.filters, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: o.after + 1,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: forgotten,
	}
}

func (o *ownConsumer) stop() {
	if o.messages != nil {
		o.messages.Stop()
		o.messages = nil
	}
}

// pulled is a consumer that was given.
type pulled struct {
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
}

func (p *pulled) next(ctx context.Context) (msg jetstream.Msg, err error) {
	if p.messages == nil {
		if p.messages, err = p.consumer.Messages(jetstream.WithMessagesErrOnMissingHeartbeat(false)); err != nil {
			return nil, fmt.Errorf("client: the given consumer: %w", err)
		}
	}
	msg, err = p.messages.Next(jetstream.NextContext(ctx))
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return msg, err
}

func (p *pulled) stop() {
	if p.messages != nil {
		p.messages.Stop()
	}
}

// pushed is a consumer that was given, and pushes.
type pushed struct {
	consumer  jetstream.PushConsumer
	came      chan jetstream.Msg
	left      chan struct{}
	consuming jetstream.ConsumeContext
	closed    <-chan struct{} // the connection was
}

func (p *pushed) next(ctx context.Context) (jetstream.Msg, error) {
	if p.consuming == nil {
		if err := p.listen(); err != nil {
			return nil, fmt.Errorf("client: the given consumer: %w", err)
		}
	}
	select {
	case msg := <-p.came:
		return msg, nil
	case <-p.closed:
		return nil, nats.ErrConnectionClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (p *pushed) listen() (err error) {
	p.came, p.left = make(chan jetstream.Msg), make(chan struct{})
	p.consuming, err = p.consumer.Consume(func(msg jetstream.Msg) {
		select {
		case p.came <- msg:
		case <-p.left: // it comes again
		}
	})
	if err == nil {
		p.closed = p.consuming.Closed()
	}
	return err
}

func (p *pushed) stop() {
	if p.consuming != nil {
		close(p.left)
		p.consuming.Stop()
	}
}
