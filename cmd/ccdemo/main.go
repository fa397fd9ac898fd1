// Command ccdemo shows cc-connector at work with nothing installed and nothing
// configured: NATS with JetStream, a simulated contact center and the
// connector run in this one process, and a customer's chat flows by as
// CloudEvents.
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

type settings struct {
	once bool
	addr string
	pace float64
}

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
	if err := demonstrate(ctx, set, out); err != nil && ctx.Err() == nil {
		fmt.Fprintln(errs, "ccdemo:", err)
		return exitFailed
	}
	return 0
}

func parse(args []string, errs io.Writer) (settings, error) {
	var set settings
	flags := flag.NewFlagSet("ccdemo", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.BoolVar(&set.once, "once", false, "end after the conversation")
	flags.StringVar(&set.addr, "nats", "127.0.0.1:4222", "where NATS listens; if the port is taken, another one is used")
	flags.Float64Var(&set.pace, "pace", 1, "how slowly the agent works: 1 is lifelike, 0 does not pause")
	if err := flags.Parse(args); err != nil {
		return set, err
	}
	if flags.NArg() > 0 || set.pace < 0 {
		err := fmt.Errorf("ccdemo: takes no arguments, and -pace is not below 0; see ccdemo -help")
		fmt.Fprintln(errs, err)
		return set, err
	}
	return set, nil
}

// demonstrate starts everything, plays the conversation, and stays unless told not to.
func demonstrate(ctx context.Context, set settings, out io.Writer) error {
	stage, err := build(ctx, set)
	if err != nil {
		return err
	}
	defer stage.close()
	printer := newPrinter(out)
	printer.welcome(stage)
	if err := play(ctx, stage, printer); err != nil {
		return err
	}
	if set.once {
		return nil
	}
	return watch(ctx, stage, printer)
}
