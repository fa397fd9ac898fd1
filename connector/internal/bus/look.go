package bus

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// IsPublished looks for a message with an id on a subject, behind a position:
// the stream's own memory of ids is short.
func IsPublished(ctx context.Context, log *slog.Logger, stream *Stream, subject, id string, behind uint64) (bool, error) {
	found, err := Look(ctx, log, stream, subject, behind, func(msg *Stored) bool { return msg.Header.Get(nats.MsgIdHdr) == id })
	return found.Message != nil, err
}

// Found is what a look has found.
type Found struct {
	Message   *Stored // nil: nothing
	Forgotten bool    // then the stream's limits may have taken it
}

// Look finds the first message on a subject behind a position that is the wanted
// one. A stream that was made anew has not come so far, and is looked through from
// its beginning.
func Look(ctx context.Context, log *slog.Logger, stream *Stream, subject string, behind uint64, isWanted func(*Stored) bool) (Found, error) {
	found, err := next(ctx, log, stream, subject, behind, math.MaxUint64, isWanted)
	if found != nil || err != nil {
		return Found{Message: found}, err
	}
	now, err := stream.Reach(ctx, log)
	if err != nil || now.Last >= behind {
		return Found{Forgotten: now.First > behind+1}, err
	}
	return LookIn(ctx, log, stream, now, subject, behind, isWanted)
}

// Reach is what a stream had at a moment, from its first message to its last.
type Reach struct {
	First, Last uint64
	At          time.Time // when that was asked for
}

// Reach is what the stream has now.
func (s *Stream) Reach(ctx context.Context, log *slog.Logger) (Reach, error) {
	at := time.Now()
	info, err := Ask(ctx, log, lookingFor, func(ctx context.Context) (*jetstream.StreamInfo, error) { return s.Info(ctx) })
	if err != nil {
		return Reach{}, err
	}
	return Reach{info.State.FirstSeq, info.State.LastSeq, at}, nil
}

// LookIn is Look among what the stream had at a moment.
func LookIn(ctx context.Context, log *slog.Logger, stream *Stream, then Reach, subject string, behind uint64, isWanted func(*Stored) bool) (Found, error) {
	if then.Last < behind {
		found, err := next(ctx, log, stream, subject, 0, then.Last, isWanted)
		return Found{Message: found}, err
	}
	found, err := next(ctx, log, stream, subject, behind, then.Last, isWanted)
	return Found{Message: found, Forgotten: found == nil && then.First > behind+1}, err
}

const lookingFor = "looking for what is published"

func next(ctx context.Context, log *slog.Logger, stream *Stream, subject string, behind, upTo uint64, isWanted func(*Stored) bool) (*Stored, error) {
	for behind < upTo {
		msg, err := Ask(ctx, log, lookingFor, func(ctx context.Context) (*Stored, error) {
			return stream.Next(ctx, behind+1, subject)
		})
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			return nil, nil
		case err != nil:
			return nil, err
		case msg.Sequence <= upTo && isWanted(msg):
			return msg, nil
		}
		behind = msg.Sequence
	}
	return nil, nil
}
