package bus

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/retry"
)

// # Streams that vanish
//
// A stream may be deleted under a running connector, or NATS come back with an
// empty disk. What is missing then is made again, by whichever replica finds it
// missing: who is second finds it there. What was in it is lost here; what the
// replicas know of it they put back themselves (see package poller), when they
// find that the stream is another one, by the time of its creation.

// Keep looks after the streams until ctx ends, and makes again what is missing,
// if it may.
func (s *Streams) Keep(ctx context.Context, every time.Duration, log *slog.Logger) {
	trouble := &retry.Trouble{Log: log, Doing: "looking after the streams"}
	for ctx.Err() == nil {
		retry.Sleep(ctx, every)
		if err := s.keep(ctx, log); err != nil && ctx.Err() == nil {
			trouble.Note(err)
			continue
		}
		trouble.Over()
	}
}

func (s *Streams) keep(ctx context.Context, log *slog.Logger) error {
	p := provision{s.js, s.cfg, log}
	for _, n := range needs(s.cfg) {
		if err := s.keepStream(ctx, p, n); err != nil {
			return err
		}
	}
	return nil
}

func (s *Streams) keepStream(ctx context.Context, p provision, n need) error {
	of := s.handle(n.Stream.Name)
	_, err := of.Info(ctx) // which also brings what is known of it up to date
	if errors.Is(err, jetstream.ErrStreamNotFound) && s.cfg.Provision {
		again := n
		again.Stream.Metadata = maps.Clone(n.Stream.Metadata)
		again.Stream.Metadata[metaRemade] = time.Now().UTC().Format(time.RFC3339)
		made, makeErr := p.makeStream(ctx, again)
		if err = makeErr; made {
			p.log.Warn("a stream had vanished, and is made again: what was in it is lost, but for what the connectors know", "stream", n.Stream.Name)
			_, err = of.Info(ctx)
		}
	}
	for _, c := range n.Consumers {
		if err == nil {
			err = s.keepConsumer(ctx, p, n.Stream.Name, c)
		}
	}
	return Explain(n.Stream.Name, err)
}

func (s *Streams) keepConsumer(ctx context.Context, p provision, stream string, c jetstream.ConsumerConfig) error {
	_, err := s.js.Consumer(ctx, stream, c.Durable)
	if !errors.Is(err, jetstream.ErrConsumerNotFound) || !s.cfg.Provision {
		return err
	}
	p.log.Warn("a consumer had vanished, and is made again", "stream", stream, "consumer", c.Durable)
	return p.consumer(ctx, stream, c)
}

// handle is that of the stream of a name.
func (s *Streams) handle(name string) jetstream.Stream {
	for _, of := range []jetstream.Stream{s.Events, s.Sessions, s.Commands, s.Dead, s.Journal.stream, s.Chats.stream, s.State.stream} {
		if of.CachedInfo().Config.Name == name {
			return of
		}
	}
	return s.objects
}

// longestSettling is more than it takes until each replica has found out that
// a stream is another one, and has put back what it knows.
const longestSettling = 10 * time.Second

// AwaitSettled returns when a bucket that was lost and made again has had the
// time to be told what the replicas know: until then, what it does not hold
// proves nothing. It reports whether it has waited.
func (b *Bucket) AwaitSettled(ctx context.Context) (waited bool, err error) {
	info, err := b.stream.Info(ctx)
	if err != nil {
		return false, err
	}
	left := b.settling - info.TimeStamp.Sub(info.Created) // by the server's own clock
	if info.Config.Metadata[metaRemade] == "" || left <= 0 {
		return false, nil
	}
	retry.Sleep(ctx, left)
	return true, ctx.Err()
}

// Lives are when the streams were made on which open chats rest. A stream that
// was made anew has another one.
type Lives struct{ Sessions, Events, Chats, State time.Time }

// Lives asks JetStream.
func (s *Streams) Lives(ctx context.Context) (l Lives, err error) {
	for of, made := range map[*Stream]*time.Time{
		s.Sessions: &l.Sessions, s.Events: &l.Events, s.Chats.stream: &l.Chats, s.State.stream: &l.State,
	} {
		info, err := of.Info(ctx)
		if err != nil {
			return Lives{}, err
		}
		*made = info.Created.UTC()
	}
	return l, nil
}

// Keeps is how long what is known of a closed chat is kept: as long as events
// are, by the stream's own word. One without a limit says nothing of that.
func (s *Streams) Keeps() time.Duration {
	if age := s.Events.CachedInfo().Config.MaxAge; age > 0 {
		return age
	}
	return s.cfg.withDefaults().EventsMaxAge
}
