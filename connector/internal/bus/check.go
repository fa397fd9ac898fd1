package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// checkPatience is how long the streams may take to answer, all together.
const checkPatience = 2 * time.Second

// Check asks for each stream without which the connector does not work, or not
// for long. However often and by however many it is asked itself, JetStream is
// asked once at a time, and once a second.
func (s *Streams) Check() error {
	return s.checked.ask(time.Second, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), checkPatience)
		defer cancel()
		return s.check(ctx)
	})
}

// check names all that is missing, or the first thing that does not answer.
func (s *Streams) check(ctx context.Context) error {
	var missing []error
	for _, part := range s.parts() {
		err := part.ask(ctx)
		if err == nil {
			continue
		}
		explained := Explain(part.stream, err)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			explained = explainConsumer(part.stream, err)
		}
		if missing = append(missing, fmt.Errorf("%s: %w", part.what, explained)); !isGone(err) {
			break
		}
	}
	return errors.Join(missing...)
}

// isGone tells the server's word that there is no such stream or consumer.
func isGone(err error) bool {
	return errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerNotFound)
}

type part struct {
	what   string // in an operator's words
	stream string
	ask    func(context.Context) error
}

func (s *Streams) parts() []part {
	stream := func(what string, of jetstream.Stream) part {
		name := of.CachedInfo().Config.Name
		return part{what, name, func(ctx context.Context) error { return s.askStream(ctx, of) }}
	}
	consumer := func(what string, of jetstream.Stream, c jetstream.Consumer) part {
		return part{what, of.CachedInfo().Config.Name, func(ctx context.Context) error {
			if err := s.askStream(ctx, of); err != nil {
				return err
			}
			_, err := c.Info(ctx)
			return err
		}}
	}
	return []part{
		stream("stream of events", s.Events), consumer("stream of chats to poll", s.Sessions, s.Holders),
		consumer("stream of durable commands", s.Commands, s.Runners), stream("stream of dead letters", s.Dead),
		stream("journal of commands", s.Journal.stream), stream("bucket of chats", s.Chats.stream),
		stream("bucket of the connector's memory", s.State.stream), stream("store of files", s.objects),
	}
}

// askStream is an error, too, for a stream that somebody else has made in the
// place of the connector's.
func (s *Streams) askStream(ctx context.Context, of jetstream.Stream) error {
	info, err := of.Info(ctx)
	if err != nil {
		return err
	}
	return Definition{Stream: jetstream.StreamConfig{Metadata: metadata(s.cfg)}}.CheckOwner(info)
}
