package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector"
	"cc-connector/connector/permissions"
	"cc-connector/subjects"
)

// readersConsumer prints or makes the consumer of a user that reads.
func readersConsumer(name string, makeIt, more bool, stdout io.Writer) error {
	if more {
		return usageError("--reader prints one consumer: it goes with --make alone")
	}
	if err := checkUserName("--reader", name); err != nil {
		return err
	}
	if makeIt {
		return makeReadersConsumer(name, stdout)
	}
	prefix, err := chosenPrefix("")
	if err != nil {
		return err
	}
	return printJSON(stdout, permissions.ReaderConsumer(prefix, name))
}

var userName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func checkUserName(flag, name string) error {
	if !userName.MatchString(name) {
		return usageError(flag + " must be the name of a user, of A-Z, a-z, 0-9, _ and -, like cc-consumer")
	}
	return nil
}

const makePatience = 30 * time.Second // JetStream of a cluster that has just come up has to choose its leaders

func makeReadersConsumer(name string, stdout io.Writer) error {
	r, err := newReader()
	if err != nil {
		return err
	}
	definitions, cfg, prefix := r.definitions(), r.nats(), r.prefix()
	if err := r.err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), makePatience)
	defer cancel()
	ctx, forbid := context.WithCancelCause(ctx)
	defer forbid(nil)
	nc, err := connectNATS(ctx, cfg, makePatience, slog.New(slog.DiscardHandler), func(error) {})
	if err != nil {
		return err
	}
	defer nc.Close()
	nc.SetErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { // a request that is forbidden is not answered
		if errors.Is(err, nats.ErrPermissionViolation) {
			forbid(fmt.Errorf("NATS does not allow it to this user: %w; see CC_NATS_INBOX_PREFIX, and what \"cc-connector permissions\" prints", err))
		}
	})
	js, err := cfg.jetStream(nc)
	if err != nil {
		return err
	}
	err = makeConsumer(ctx, js, prefix, name, definitions, stdout)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

// makeConsumer leaves alone what is there: an administrator may have changed it.
func makeConsumer(ctx context.Context, js jetstream.JetStream, prefix subjects.Prefix, name string, definitions []connector.Definition, stdout io.Writer) error {
	events := prefix.StreamName("EVENTS")
	d, _ := find(definitions, events, "stream", func(d connector.Definition) string { return d.Stream.Name })
	there, err := js.Stream(ctx, events)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		there, err = js.CreateStream(ctx, d.Stream)
	}
	if err == nil {
		err = d.CheckOwner(there.CachedInfo())
	}
	if err != nil {
		return fmt.Errorf("the stream %s: %w", events, connector.Advise(err))
	}
	said := "is made"
	_, err = js.CreatePushConsumer(ctx, events, permissions.ReaderConsumer(prefix, name))
	if errors.Is(err, jetstream.ErrConsumerExists) {
		said, err = "is there already, and stays as it is", nil
	}
	if err != nil {
		return fmt.Errorf("the consumer %s on %s: %w", name, events, connector.Advise(err))
	}
	_, err = fmt.Fprintf(stdout, "The consumer %s on %s %s.\n", name, events, said)
	return err
}
