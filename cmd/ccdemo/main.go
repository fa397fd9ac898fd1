// Command ccdemo shows cc-connector at work with nothing installed and nothing
// configured: NATS with JetStream, a simulated contact center and the
// connector run in this one process, and a customer's chat flows by as
// CloudEvents. With -against it plays the customer on a system that runs
// already.
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
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

// demonstrate starts everything, plays the conversation, and stays unless told not to.
func demonstrate(ctx context.Context, set settings, out io.Writer) error {
	stage, err := build(ctx, set)
	if err != nil {
		return err
	}
	defer stage.close()
	printer := newPrinter(out, set.prefix)
	printer.welcome(stage)
	if _, err := play(ctx, stage.bus(), printer); err != nil {
		return err
	}
	if set.once {
		return nil
	}
	return watch(ctx, stage, printer)
}
