// Command ccbench measures cc-connector, for anyone who wants to repeat it. The
// connector, the simulated contact center and a NATS server with JetStream each
// run as a process of their own; this one only gives them work. Beside them runs
// the floor: the least program that does a command's work (see floor.go), by
// which the connector's figures are divided.
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

// parts are what this program also is, in a process of its own.
var parts = map[string]func(context.Context, []string, io.Writer) error{
	natsPart:  serveNATS,
	floorPart: serveFloor,
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	err := runPart(ctx, args, out, errs)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(errs, "ccbench:", err)
		return exitUsage
	}
	fmt.Fprintln(errs, "ccbench:", err)
	return exitFailed
}

func runPart(ctx context.Context, args []string, out, errs io.Writer) error {
	if len(args) > 0 && parts[args[0]] != nil {
		return parts[args[0]](ctx, args[1:], out)
	}
	set, err := parse(args, errs)
	if err != nil {
		return err
	}
	return measureAll(ctx, set, out, errs)
}
