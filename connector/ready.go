package connector

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/bus"
)

// Ready returns nil only while commands are taken, JetStream answers for the
// streams, and every open chat can be polled; else it says what does not work.
// It takes at most two seconds, and costs nothing to ask often: what JetStream
// is asked for is known for a second.
//
// That every replica is full does not make one unready: the chats that it has
// go on, and a request for another one is told so. But chats that are open and
// that nobody has a place for do.
func (c *Connector) Ready() error {
	if c.nc.Status() != nats.CONNECTED {
		return c.disconnected()
	}
	if err := bus.CheckPayload(c.nc); err != nil { // that of the server that it is connected to now
		return err
	}
	if err := errors.Join(c.allowed.Check(), c.health.Check(), c.refusals.Check()); err != nil {
		if c.health.IsServing() {
			err = errors.Join(err, c.parts.streams.Check())
		}
		return err
	}
	if waiting := c.parts.room.Waiting(); waiting > 0 {
		return fmt.Errorf("open chats that nobody polls: %d; every replica has as many as its CC_MAX_CHATS: start another one, or raise it", waiting)
	}
	return c.parts.streams.Check()
}

// disconnected says why there is no connection, as far as NATS has said.
func (c *Connector) disconnected() error {
	if err := c.nc.LastError(); err != nil {
		return fmt.Errorf("NATS: %s: %w", c.nc.Status(), err)
	}
	return fmt.Errorf("NATS: %s", c.nc.Status())
}
