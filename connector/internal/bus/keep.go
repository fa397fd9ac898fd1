package bus

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/retry"
)

// # Streams that vanish
//
// A stream may be deleted under a running connector, or NATS come back with an
// empty disk. What is missing then is made again, by whichever replica finds it
// missing, be it one that starts: who is second finds it there. What was in it is lost here; what the
// replicas know of it they put back themselves (see package poller), when they
// find that the stream is another one, by the time of its creation.

// longestKeep is the longest between two looks: what is lost should be put back soon.
const longestKeep = time.Second

// Keep looks after the streams until ctx ends, and makes again what is missing,
// if it may. Then putBack has its turn, which finds by Lives what was made anew.
func (s *Streams) Keep(ctx context.Context, every time.Duration, log *slog.Logger, putBack func(context.Context) error) {
	trouble := &retry.Trouble{Log: log, Doing: "looking after the streams"}
	for ctx.Err() == nil {
		retry.Sleep(ctx, min(every, longestKeep))
		areKnown, err := s.keep(ctx, log)
		if areKnown {
			err = errors.Join(err, putBack(ctx))
		}
		if err != nil && ctx.Err() == nil {
			trouble.Note(err)
		}
	}
}

// keep reports whether Lives are known now. It is not held up for long by a
// question that nobody will answer any more.
func (s *Streams) keep(ctx context.Context, log *slog.Logger) (areKnown bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkPatience)
	defer cancel()
	p, all := provision{s.js, s.cfg, log}, needs(s.cfg)
	failed := make([]error, len(all))
	var asking sync.WaitGroup
	for i, n := range all { // one that does not answer holds up no other
		asking.Go(func() { failed[i] = s.keepStream(ctx, p, n) })
	}
	asking.Wait()
	areKnown = true
	for i, n := range all {
		areKnown = areKnown && (failed[i] == nil || !s.layout.restsOn(n.Stream.Name))
	}
	return areKnown, errors.Join(failed...)
}

// restsOn tells the streams that open chats rest on.
func (l layout) restsOn(stream string) bool {
	return slices.Contains([]string{l.sessions.Name, l.events.Name, l.chats.Name, l.state.Name}, stream)
}

func (s *Streams) keepStream(ctx context.Context, p provision, n need) error {
	of := s.handle(n.Stream.Name)
	last := of.CachedInfo().Config
	_, err := of.Info(ctx) // which also brings what is known of it up to date
	if errors.Is(err, jetstream.ErrStreamNotFound) && s.cfg.Provision {
		if err = p.makeAgain(ctx, n, last); err == nil {
			_, err = of.Info(ctx)
		}
	}
	if err == nil {
		err = n.CheckOwner(of.CachedInfo()) // somebody else may have been faster
	}
	for _, c := range n.Consumers {
		if err == nil {
			err = s.keepConsumer(ctx, p, n.Stream.Name, c)
		}
	}
	return Explain(n.Stream.Name, err)
}

// makeAgain makes a stream as it was last, so that what an administrator had set
// is there again.
func (p provision) makeAgain(ctx context.Context, n need, last jetstream.StreamConfig) error {
	again := n
	again.Stream = n.fit(last)
	markAgain(again.Stream)
	made, err := p.makeStream(ctx, again)
	if made {
		p.log.Warn("a stream had vanished, and is made again: what was in it is lost, but for what the connectors know", "stream", n.Stream.Name)
		p.tell(n, again.Stream)
	}
	return err
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
	for _, of := range s.all() {
		if of.CachedInfo().Config.Name == name {
			return of
		}
	}
	return s.objects
}

// settling is more than it takes until each replica is connected again, has found
// out that a stream is another one, and has put back what it knows of message
// numbers and entries.
const settling = checkPatience + 3*longestKeep

// AwaitSettled returns when a bucket that was lost and made again has had the
// time to be told what the replicas know: until then, what it does not hold
// proves nothing. It reports whether it has waited.
func (b *Bucket) AwaitSettled(ctx context.Context) (waited bool, err error) {
	info, err := b.stream.Info(ctx)
	if err != nil {
		return false, err
	}
	left := b.stream.unsettled(info)
	retry.Sleep(ctx, left)
	return left > 0, ctx.Err()
}

// unsettled is for how long a stream that was made again is to be left alone:
// one that says so, or that is not the one which was found at the start.
func (s *Stream) unsettled(info *jetstream.StreamInfo) time.Duration {
	if info.Config.Metadata[metaRemade] == "" && info.Created.Equal(s.first) {
		return 0
	}
	return settling - info.TimeStamp.Sub(info.Created) // by the server's own clock
}

// IsSettled is that of AwaitSettled for a stream, as Keep saw it last.
func (s *Stream) IsSettled() bool { return s.unsettled(s.CachedInfo()) <= 0 }

// Lives are when the streams were made on which open chats rest. A stream that
// was made anew has another one.
type Lives struct{ Sessions, Events, Chats, State time.Time }

// Lives is as it was when Keep looked last.
func (s *Streams) Lives() Lives {
	made := func(of *Stream) time.Time { return of.CachedInfo().Created.UTC() }
	return Lives{Sessions: made(s.Sessions), Events: made(s.Events), Chats: made(s.Chats.stream), State: made(s.State.stream)}
}

// Keeps is how long what is known of a closed chat is kept: as long as events
// are, by the stream's own word. One without a limit says nothing of that.
func (s *Streams) Keeps() time.Duration {
	if age := s.Events.CachedInfo().Config.MaxAge; age > 0 {
		return age
	}
	return s.cfg.withDefaults().EventsMaxAge
}
