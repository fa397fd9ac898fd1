package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	name := consumer.name(set.prefix)
	listen := func(context.Context) (listening, error) { return listenAs(events, set.prefix, name) }
	told, err := play(ctx, bus{commands: commands, listen: listen, prefix: set.prefix}, p)
	if told.chat != "" && told.count == 0 && err != nil {
		err = fmt.Errorf("%w; is there the consumer %s on %s? cc-connector streams --reader makes it", err, name, set.prefix.StreamName("EVENTS"))
	}
	return told, err
}
