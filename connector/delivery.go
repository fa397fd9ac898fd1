package connector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

// delivery is one delivery of a durable command. It can be put off and taken
// up again, which a message of the client library cannot; and one that is put
// off does not keep the command's data in memory.
type delivery struct {
	nc       *nats.Conn
	reply    string
	sequence uint64             // in the stream of commands
	chat     subjects.ChatToken // "" for a command that names none
	msg      jetstream.Msg      // nil when it has been put off
	asked    time.Time          // up to when the server knows that it is in hand
	until    time.Time          // nobody else can have been given it before
}

// newDelivery returns an error for a message that is none of a consumer.
func newDelivery(nc *nats.Conn, msg jetstream.Msg, chat subjects.ChatToken, wait time.Duration) (*delivery, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return nil, err
	}
	d := &delivery{nc: nc, reply: msg.Reply(), sequence: meta.Sequence.Stream, chat: chat, msg: msg}
	d.held(time.Now(), wait)
	return d, nil
}

func (d *delivery) held(since time.Time, wait time.Duration) {
	d.asked, d.until = since, since.Add(time.Duration(float64(wait)*leaseMargin))
}

// The acknowledgements of JetStream, as they travel.
const (
	wireAck = "+ACK"
	wireNak = "-NAK"
)

func (d *delivery) Reply() string { return d.reply }

// Nak offers the command to any replica at once, also when it was put off before.
func (d *delivery) Nak() error { return d.nc.Publish(d.reply, []byte(wireNak)) }

// NakWithDelay puts the command off.
func (d *delivery) NakWithDelay(delay time.Duration) error {
	return d.nc.Publish(d.reply, fmt.Appendf(nil, `%s {"delay": %d}`, wireNak, delay.Nanoseconds()))
}

// DoubleAck removes the command, and returns when the server has confirmed it.
func (d *delivery) DoubleAck(ctx context.Context) error {
	_, err := d.nc.RequestWithContext(ctx, d.reply, []byte(wireAck))
	return err
}

// park puts the command off until its turn, or until the delay is over. If
// that cannot be told, it comes again by itself, and sooner.
func (d *delivery) park(delay time.Duration) error {
	now := time.Now()
	d.msg = nil
	if err := d.NakWithDelay(delay); err != nil {
		return err
	}
	d.held(now, delay)
	return nil
}

var errNotInHand = errors.New("the command may have been given to another replica")

// claim takes the command in hand again, if nobody else can have been given
// it: by this clock, and by the server's word.
func (d *delivery) claim(ctx context.Context, wait time.Duration) error {
	now := time.Now()
	if !now.Before(d.until) {
		return errNotInHand
	}
	if d.msg != nil && now.Before(d.asked.Add(wait/heartbeatsPerLease)) {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, d.until)
	defer cancel()
	if _, err := d.nc.RequestWithContext(ctx, d.reply, []byte(wireInProgress)); err != nil {
		return err
	}
	d.held(now, wait)
	return nil
}
