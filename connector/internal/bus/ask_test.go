package bus_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/retry"
)

func TestAskRepeatsUntilItIsAnswered(t *testing.T) {
	var log bytes.Buffer
	errs := []error{nats.ErrTimeout, nats.ErrTimeout, nats.ErrNoResponders, nil}
	asked := 0
	answer, err := bus.Ask(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)), "asking", func(ctx context.Context) (int, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("what is never answered would be waited for")
		}
		asked++
		return asked, errs[asked-1]
	})
	if err != nil || answer != len(errs) {
		t.Errorf("after %d times: %d, %v", asked, answer, err)
	}
	if lines := strings.Count(log.String(), "asking does not succeed yet"); lines != 2 {
		t.Errorf("%d reasons are logged:\n%s", lines, &log)
	}
}

// A try ends when an answer is late, or with who asks.
func TestAskWaitsNoLongerThanForAnAnswer(t *testing.T) {
	for _, patience := range []time.Duration{time.Minute, bus.AnswerPatience / 2} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		latest := time.Now().Add(min(patience, bus.AnswerPatience))
		_, err := bus.Ask(ctx, slog.New(slog.DiscardHandler), "asking", func(try context.Context) (int, error) {
			if end, ends := try.Deadline(); !ends || end.After(latest.Add(bus.AnswerPatience/4)) {
				t.Errorf("with %v at most, a try may end at %v, later than %v", patience, end, latest)
			}
			return 0, nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestAskEndsWithWhatIsFinal(t *testing.T) {
	own := errors.New("own")
	for _, final := range []error{
		&jetstream.APIError{ErrorCode: jetstream.JSErrCodeStreamWrongLastSequence}, nats.ErrConnectionClosed, nats.ErrMaxPayload, nats.ErrBadSubject,
		jetstream.ErrMsgNotFound, retry.Final(own),
	} {
		asked := 0
		var log bytes.Buffer
		_, err := bus.Ask(t.Context(), slog.New(slog.NewJSONHandler(&log, nil)), "asking", func(context.Context) (int, error) {
			asked++
			return 0, final
		})
		if asked != 1 || retry.IsFinal(err) || !errors.Is(err, final) && !errors.Is(err, own) || log.Len() > 0 {
			t.Errorf("%v: asked %d times, %v; log: %s", final, asked, err, &log)
		}
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := bus.Ask(ctx, slog.New(slog.DiscardHandler), "asking", func(context.Context) (int, error) {
		cancel()
		return 0, nats.ErrTimeout
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}
