// Command ccdemo shows cc-connector at work with nothing installed and nothing
// configured: it starts NATS with JetStream, a simulated contact center and the
// connector, plays a customer's chat, whose CloudEvents flow by, and serves a page
// on which people play one themselves, from both sides, and have things go wrong.
// The connector is a process of its own, so that it can be killed. With -against
// it plays the customer on a system that runs already.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a screen that is gone ends it in order, too
	signals, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, end := context.WithCancel(context.Background())
	context.AfterFunc(signals, func() { stop(); end() }) // a second Ctrl-C ends it at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 1 && args[0] == connectorArgument {
		return beConnector(os.Stdin, out, errs)
	}
	set, err := parse(args, errs)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return exitUsage
	}
	show := demonstrate
	if set.against != "" {
		show = playAgainst
	}
	if err := show(ctx, set, out); err != nil && ctx.Err() == nil {
		fmt.Fprintln(errs, "ccdemo:", err)
		return exitFailed
	}
	return 0
}

// audience has all end when nobody can read it any more, as behind a pipe.
type audience struct {
	io.Writer
	gone func()
}

func (a *audience) Write(text []byte) (int, error) {
	n, err := a.Writer.Write(text)
	if err != nil {
		a.gone()
	}
	return n, err
}

// demonstrate starts everything, plays the conversation, and stays unless told not
// to. With a real contact center nobody is played.
func demonstrate(ctx context.Context, set settings, out io.Writer) error {
	stage, err := build(ctx, set)
	if err != nil {
		return err
	}
	defer stage.close()
	printer := newPrinter(out, set.prefix)
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	printer.out = &audience{out, leave}
	defer printer.ending(ctx)
	printer.addresses(stage)
	if set.quiet {
		printer.out = io.Discard
	}
	if set.real == nil {
		printer.legend()
		_, err := play(ctx, stage.bus(), printer)
		switch {
		case set.once:
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil:
			printer.interrupted(err)
		}
	}
	return watch(ctx, stage, printer)
}
