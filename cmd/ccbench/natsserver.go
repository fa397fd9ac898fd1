package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/nats-io/nats-server/v2/server"
)

// natsPart is the mode in which this program is a NATS server, with the
// settings that one has by default.
const natsPart = "part-nats-server"

func serveNATS(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet(natsPart, flag.ContinueOnError)
	store := flags.String("store", "", "where JetStream keeps its files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "ccbench", Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: *store, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return fmt.Errorf("NATS server: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(startTime) {
		return errors.New("the NATS server does not start")
	}
	fmt.Fprintln(out, "serving at", s.ClientURL())
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}
