package connector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const readyTimeout = 2 * time.Second

// Ready returns nil only while commands are taken, JetStream answers for the
// streams, and chats are taken to be polled; else it says what does not work.
// It takes at most two seconds.
func (c *Connector) Ready() error {
	if c.nc.Status() != nats.CONNECTED {
		return fmt.Errorf("NATS: %s", c.nc.Status())
	}
	if err := errors.Join(c.health.Check(), c.refusals.Check()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	return c.parts.streams.Check(ctx)
}
