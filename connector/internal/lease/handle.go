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

// NewHandle is that of a message which a consumer has handed out.
func NewHandle(nc *nats.Conn, msg *nats.Msg) Handle { return Handle{nc, msg.Reply} }

// The acknowledgements of JetStream, as they travel.
const (
	wireAck  = "+ACK"
	wireNak  = "-NAK"
	wireTerm = "+TERM"

	// InProgress is JetStream's acknowledgement "work in progress", as it travels.
	InProgress = "+WPI"
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

// DoubleAck removes the message, and returns when the server has confirmed it.
func (h Handle) DoubleAck(ctx context.Context) error {
	_, err := h.nc.RequestWithContext(ctx, h.reply, []byte(wireAck))
	return err
}
