package bus

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	echoKeys = "canary." // and the replica's id
	echoKept = time.Minute
)

// Echo goes round over the bus, and leaves nothing there for long: it writes a key of
// its own in the connector's memory, which holds one value and expires, and reads it
// back; and it has the stream of events judge a publication that it must not store.
func (s *Streams) Echo(ctx context.Context, name string) error {
	said := uuid.NewString()
	if err := s.State.Put(ctx, echoKeys+name, []byte(said), echoKept); err != nil {
		return err
	}
	heard, err := s.State.Get(ctx, echoKeys+name)
	switch {
	case err != nil:
		return Explain(s.layout.state.Name, err)
	case string(heard.Data) != said:
		return fmt.Errorf("the bucket %s gave back something else than what was just written to it", s.layout.state.Name)
	}
	return s.knock(ctx)
}

// knock publishes what no stream can be ready for: behind a message that it will
// never have. A stream that is there, and has a leader, says no.
func (s *Streams) knock(ctx context.Context) error {
	msg := nats.NewMsg(s.cfg.Prefix.Internal("events", "canary"))
	_, err := s.js.PublishMsg(ctx, msg, jetstream.WithExpectLastSequencePerSubject(math.MaxInt64), jetstream.WithRetryAttempts(0))
	switch {
	case err == nil:
		return fmt.Errorf("the stream %s stored a message that it had to refuse", s.layout.events.Name)
	case IsConflict(err):
		return nil
	}
	return Explain(s.layout.events.Name, err)
}
