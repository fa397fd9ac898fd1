package queue

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/lease"
	"cc-connector/subjects"
)

// Delivery is one delivery of a durable command. It can be put off and taken
// up again; and one that is put off does not keep the command's data in memory.
type Delivery struct {
	lease.Handle
	leases   *lease.Keeper
	sequence uint64
	again    bool               // it has been delivered before
	chat     subjects.ChatToken // "" for a command that names none
	wait     time.Duration      // AckWait
	msg      *nats.Msg          // nil when it has been put off
	asked    time.Time          // up to when the server knows that it is in hand
	until    time.Time          // nobody else can have been given it before
}

// NewDelivery is an error for a message that is none of a consumer. Wait is
// the consumer's AckWait.
func NewDelivery(leases *lease.Keeper, msg *nats.Msg, chat subjects.ChatToken, wait time.Duration) (*Delivery, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return nil, err
	}
	d := &Delivery{Handle: leases.Handle(msg), leases: leases, sequence: meta.Sequence.Stream, again: meta.NumDelivered > 1, chat: chat, wait: wait, msg: msg}
	d.held(time.Now(), wait)
	return d, nil
}

// Sequence is the command's place in the stream of commands.
func (d *Delivery) Sequence() uint64 { return d.sequence }

// IsAgain tells whether it was delivered before.
func (d *Delivery) IsAgain() bool { return d.again }

// Message is what was delivered; nil if the command has been put off since.
func (d *Delivery) Message() *nats.Msg { return d.msg }

func (d *Delivery) held(since time.Time, wait time.Duration) {
	d.asked, d.until = since, since.Add(time.Duration(float64(wait)*lease.Margin))
}

// park puts the command off until it is the head, or until the delay is over. If
// that cannot be told, it comes again by itself, and sooner.
func (d *Delivery) park(delay time.Duration) error {
	now := time.Now()
	d.msg = nil
	if err := d.NakWithDelay(delay); err != nil {
		return err
	}
	d.held(now, delay)
	return nil
}

// ErrNotInHand says that the command may have been given to another replica.
var ErrNotInHand = errors.New("the command may have been given to another replica")

// Claim takes the command in hand again, if nobody else can have been given
// it, by this clock and by the server's word, and holds it from then on.
func (d *Delivery) Claim(ctx context.Context) (*lease.Lease, error) {
	if err := d.claim(ctx); err != nil {
		return nil, err
	}
	return d.leases.Hold(ctx, d, lease.Options{Wait: d.wait, Since: d.asked, First: lease.Heartbeat(d.wait)}), nil
}

func (d *Delivery) claim(ctx context.Context) error {
	now := time.Now()
	if !now.Before(d.until) {
		return ErrNotInHand
	}
	if d.msg != nil && now.Before(d.asked.Add(lease.Heartbeat(d.wait))) {
		return nil
	}
	ctx, cancel := context.WithDeadline(ctx, d.until)
	defer cancel()
	if err := d.Prolong(ctx); err != nil {
		return err
	}
	d.held(now, d.wait)
	return nil
}
