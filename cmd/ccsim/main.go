// Command ccsim runs the simulated contact center alone.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"cc-connector/connector/brightpattern/bpsim"
)

const (
	exitFailed = 1
	exitUsage  = 2
	drainTime  = 5 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx is done and returns the exit code.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	set, err := parse(args, errs)
	switch {
	case err == errHelp:
		return 0
	case err != nil:
		fmt.Fprintln(errs, "ccsim:", err)
		return exitUsage
	}
	if set.check != "" {
		err = check(ctx, set.check)
	} else {
		err = serve(ctx, set, out, errs)
	}
	if err != nil {
		fmt.Fprintln(errs, "ccsim:", err)
		return exitFailed
	}
	return 0
}

func serve(ctx context.Context, set settings, out, errs io.Writer) error {
	listener, err := net.Listen("tcp", set.listen)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	sim := bpsim.New(set.options(errs))
	server := &http.Server{Handler: sim, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	fmt.Fprint(out, welcome(listener.Addr(), set))
	select {
	case err = <-served:
		sim.Close()
		return err
	case <-ctx.Done():
		return shutDown(server, sim)
	}
}

// shutDown ends the held polls first; only then can the server be idle.
func shutDown(server *http.Server, sim *bpsim.Server) error {
	sim.Close()
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return server.Close()
	}
	return nil
}
