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
	"go.temporal.io/sdk/worker"
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
	readerURL := setting("NATS_URL", nats.DefaultURL)
	nc, reader, err := connect("NATS_URL", readerURL)
	if err != nil {
		return err
	}
	defer nc.Close()
	commands, commander, err := connect("COMMANDER_URL", setting("COMMANDER_URL", readerURL))
	if err != nil {
		return err
	}
	defer commands.Close()
	temporal, err := client.DialContext(ctx, client.Options{HostPort: setting("TEMPORAL", client.DefaultHostPort), Logger: slog.Default()})
	if err != nil {
		return fmt.Errorf("TEMPORAL names no server that answers: %w", err)
	}
	defer temporal.Close()
	w := newWorker(temporal, &Activities{
		Reader: reader, Commander: commander, Text: setting("TEXT", "The agent has left, and I am still here. Can somebody else help me?"),
	})
	if err := w.Start(); err != nil {
		return err
	}
	defer w.Stop()
	following, err := (&bridge{nc, temporal, slog.Default()}).follow(ctx, reader, setting("READER", "agent-left"))
	if err != nil {
		return fmt.Errorf("READER names no consumer on CC_EVENTS that delivers (README.md says how to make it): %w", err)
	}
	defer following.Stop()
	slog.Info("following", "consumer", setting("READER", "agent-left"))
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
func connect(variable, address string) (*nats.Conn, jetstream.JetStream, error) {
	options := []nats.Option{nats.Name("agent-left"), nats.MaxReconnects(-1)}
	if u, err := url.Parse(address); err == nil && u.User != nil {
		options = append(options, nats.CustomInboxPrefix("_INBOX_"+u.User.Username()))
	}
	nc, err := nats.Connect(address, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("%s names no NATS server that lets this program in: %w", variable, err)
	}
	js, err := jetstream.New(nc)
	return nc, js, err
}
