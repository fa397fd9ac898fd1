// Command workflow speaks for a customer whose agent leaves the chat: a workflow
// of Temporal reacts to an event of the bus with a durable command, once for
// each event.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"

	bus "cc-connector/connector/client"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "workflow:", err)
		os.Exit(1)
	}
}

// setting is a variable of the environment, or its default.
func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

func run(ctx context.Context) error {
	readerURL, consumer := setting("NATS_URL", nats.DefaultURL), setting("READER", "agent-left")
	readerConn, reader, err := connect("NATS_URL", readerURL)
	if err != nil {
		return err
	}
	defer readerConn.Close()
	commanderConn, commander, err := connect("COMMANDER_URL", setting("COMMANDER_URL", readerURL))
	if err != nil {
		return err
	}
	defer commanderConn.Close()
	temporal, err := client.DialContext(ctx, client.Options{HostPort: setting("TEMPORAL", client.DefaultHostPort), Logger: log.NewStructuredLogger(slog.Default())})
	if err != nil {
		return fmt.Errorf("TEMPORAL names no server that answers: %w", err)
	}
	defer temporal.Close()
	w := newWorker(temporal, &Activities{reader, commander, setting("TEXT", "The agent has left, and I am still here. Can somebody else help me?")})
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	js, err := jetstream.New(readerConn)
	if err != nil {
		return err
	}
	following, err := (&bridge{reader, temporal, slog.Default()}).follow(ctx, js, consumer)
	if err != nil {
		return fmt.Errorf("READER names no consumer of CC_EVENTS that delivers (README.md says how to make one): %w", err)
	}
	defer following.Stop()
	slog.Info("following", "consumer", consumer)
	<-ctx.Done()
	return nil
}

func newWorker(temporal client.Client, a *Activities) worker.Worker {
	w := worker.New(temporal, taskQueue, worker.Options{})
	w.RegisterWorkflow(SpeakUp)
	w.RegisterActivity(a)
	return w
}

// connect gives a user its own inbox, as the connector's users have it.
func connect(variable, address string) (*nats.Conn, *bus.Client, error) {
	options := []nats.Option{nats.Name(taskQueue), nats.MaxReconnects(-1)}
	if u, err := url.Parse(address); err == nil && u.User != nil {
		options = append(options, nats.CustomInboxPrefix("_INBOX_"+u.User.Username()))
	}
	nc, err := nats.Connect(address, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("%s names no NATS server that lets this program in: %w", variable, err)
	}
	c, err := newClient(nc)
	return nc, c, err
}

// newClient names the program: with their ids, that is what its commands are known by.
func newClient(nc *nats.Conn) (*bus.Client, error) {
	return bus.New(nc, bus.Config{Source: "urn:example:agent-left"})
}
