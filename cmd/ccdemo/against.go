package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go/jetstream"
)

// playAgainst plays the conversation against a running system, within the limit.
func playAgainst(ctx context.Context, set settings, out io.Writer) error {
	ctx, cancel := context.WithTimeoutCause(ctx, set.limit, errLimit)
	defer cancel()
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	printer := newPrinter(out, set.prefix)
	printer.legend()
	told, err := playSignedIn(ctx, fail, set, printer)
	switch cause := context.Cause(ctx); {
	case err == nil:
		printer.whole(told)
		return nil
	case errors.Is(cause, errLimit):
		return fmt.Errorf("%w of %v: %s", errLimit, set.limit, told.progress(err))
	case cause != nil:
		return cause
	}
	return err
}

var errLimit = errors.New("the conversation was not over within the limit")

func playSignedIn(ctx context.Context, forbidden func(error), set settings, p *printer) (tally, error) {
	commands, err := commander.connect(set.against, forbidden)
	if err != nil {
		return tally{}, err
	}
	defer commands.Close()
	events, err := consumer.connect(set.against, forbidden)
	if err != nil {
		return tally{}, err
	}
	defer events.Close()
	js, err := jetstream.New(events)
	if err != nil {
		return tally{}, err
	}
	return play(ctx, bus{commands: commands, events: js, prefix: set.prefix}, p)
}
