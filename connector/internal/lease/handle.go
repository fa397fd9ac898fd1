package lease

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// Handle settles a delivered message by the subject of its acknowledgements.
// Unlike a message of the client library it may do so again: what was put off
// can be taken up.
type Handle struct {
	nc    *nats.Conn
	reply string
}

// Handle is that of a message which a consumer has handed out.
func (k *Keeper) Handle(msg *nats.Msg) Handle { return Handle{k.nc, msg.Reply} }

// The acknowledgements of JetStream, as they travel.
const (
	wireAck  = "+ACK"
	wireNak  = "-NAK"
	wireTerm = "+TERM"

	wireInProgress = "+WPI"
)

// Reply is the subject of its acknowledgements.
func (h Handle) Reply() string { return h.reply }

// Nak offers the message to any replica at once, also when it was put off before.
func (h Handle) Nak() error { return h.nc.Publish(h.reply, []byte(wireNak)) }

// NakWithDelay puts the message off.
func (h Handle) NakWithDelay(delay time.Duration) error {
	return h.nc.Publish(h.reply, fmt.Appendf(nil, `%s {"delay": %d}`, wireNak, delay.Nanoseconds()))
}

// Term removes a message that nobody can work on. If that is lost, it comes again.
func (h Handle) Term() error { return h.nc.Publish(h.reply, []byte(wireTerm)) }

// Prolong says that the message is in progress, and returns when the server has
// confirmed it.
func (h Handle) Prolong(ctx context.Context) error {
	_, err := h.nc.RequestWithContext(ctx, h.reply, []byte(wireInProgress))
	return err
}

// DoubleAck removes the message, and returns when the server has confirmed it.
func (h Handle) DoubleAck(ctx context.Context) error {
	_, err := h.nc.RequestWithContext(ctx, h.reply, []byte(wireAck))
	return err
}
