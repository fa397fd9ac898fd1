package admin

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
)

// Stored is a message as it stands in the stream of events.
type Stored struct {
	Subject  string
	Sequence uint64
	Header   nats.Header
	Data     []byte
	Time     time.Time
}

// ErrNoEvent says that the stream of events has no message of that sequence, or no more.
var ErrNoEvent = errors.New("there is no such message: it has expired, or never was")

// Event reads one message of the stream of events, by the word of its leader: a
// connector may read in no other way. It needs no other stream.
func Event(ctx context.Context, js jetstream.JetStream, cfg Config, sequence uint64) (Stored, error) {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	name := cfg.Prefix.StreamName("EVENTS")
	events, err := bus.FindStream(ctx, js, cfg.bus(), name)
	if err != nil {
		return Stored{}, err
	}
	msg, err := events.At(ctx, sequence)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Stored{}, ErrNoEvent
	}
	if err != nil {
		return Stored{}, bus.Explain(name, err)
	}
	return Stored{msg.Subject, msg.Sequence, msg.Header, msg.Data, msg.Time}, nil
}
