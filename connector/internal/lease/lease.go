// Package lease is the right to work on a message of a work queue: to poll the
// chat of a session token, or to run a durable command.
//
// A replica takes a message by pulling it, and holds it for as long as it works
// on it by telling the server, again and again, that it is still in progress.
// The end of the work acknowledges the message, which removes it from the
// queue; an orderly leaving gives it back at once; a replica that dies simply
// falls silent, and the server hands the message to another one after the
// consumer's AckWait. So JetStream is the work list, the lease and the failover.
//
// An acknowledgement proves nothing to the one who sends it: the server takes
// it from a holder whose time is over, too. So a holder asks for each
// heartbeat to be confirmed, and one that has had no confirmation for most of
// AckWait gives up by its own clock, before the server can have given the
// message to anybody else. A process that was frozen cannot do even that; what
// it would publish is stopped by a fence (see package chatlog) or by a revision
// (see package journal).
package lease

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// ErrLost ends the work on a message that may be with another replica.
var ErrLost = errors.New("the session token, or the command, could not be confirmed in time")

const (
	heartbeats = 4 // in one AckWait, so that one lost heartbeat loses nothing

	// Margin is the part of AckWait after which an unconfirmed holder gives up.
	Margin = 0.75
)

// Heartbeat is how often a message is confirmed whose consumer has this AckWait.
func Heartbeat(wait time.Duration) time.Duration { return wait / heartbeats }

// Silence is for how long, at least, a replica has sent no heartbeat when its
// messages are delivered to another one.
func Silence(wait time.Duration) time.Duration { return wait - Heartbeat(wait) }

// Message is a delivered message as far as a lease is concerned: a Handle, or a jetstream.Msg.
type Message interface {
	Reply() string
	DoubleAck(ctx context.Context) error
	Nak() error
	NakWithDelay(delay time.Duration) error
}

// Options say how a message is held.
type Options struct {
	Wait   time.Duration // AckWait of the consumer
	Since  time.Time     // when the message was confirmed last; now
	First  time.Duration // until the first heartbeat; at once: a server that restarts delivers again whatever was never heartbeated
	Margin float64       // part of Wait after which an unconfirmed holder gives up; Margin
}

// Lease is the right to work on a message for as long as its context lives. It
// may be used from any goroutine.
type Lease struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	nc     *nats.Conn
	wait   time.Duration
	margin float64

	mu        sync.Mutex
	message   Message // the latest delivery of it
	confirmed time.Time
	timer     *time.Timer
	released  bool
}

// Hold begins to hold a message that has been delivered.
func Hold(parent context.Context, nc *nats.Conn, message Message, o Options) *Lease {
	if o.Since.IsZero() {
		o.Since = time.Now()
	}
	if o.Margin == 0 {
		o.Margin = Margin
	}
	ctx, cancel := context.WithCancelCause(parent)
	l := &Lease{ctx: ctx, cancel: cancel, nc: nc, wait: o.Wait, message: message, confirmed: o.Since, margin: o.Margin}
	l.mu.Lock() // the heartbeat sets the timer anew, and may be faster
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(o.First, l.heartbeat)
	return l
}

// Context ends when the lease does; its cause is ErrLost when that was not
// wanted, or what Drop was told.
func (l *Lease) Context() context.Context { return l.ctx }

// Drop ends the work for a reason. The message comes again when its time is
// over, unless it is given back sooner.
func (l *Lease) Drop(cause error) { l.cancel(cause) }

// Replace takes a newer delivery of the message: acknowledgements of the older
// one no longer count. It reports false if the lease has ended, or is about to.
func (l *Lease) Replace(message Message) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released || l.ctx.Err() != nil || time.Since(l.confirmed) >= l.giveUpAfter() {
		return false
	}
	l.message = message
	return true
}

func (l *Lease) heartbeat() {
	l.mu.Lock()
	message, confirmed, over := l.message, l.confirmed, l.released
	l.mu.Unlock()
	if over || l.ctx.Err() != nil {
		return
	}
	asked := time.Now()
	deadline := confirmed.Add(l.giveUpAfter())
	ctx, cancel := context.WithDeadline(l.ctx, slices.MinFunc([]time.Time{deadline, asked.Add(Heartbeat(l.wait))}, time.Time.Compare))
	defer cancel()
	_, err := l.nc.RequestWithContext(ctx, message.Reply(), []byte(InProgress))
	l.settleHeartbeat(asked, err)
}

func (l *Lease) settleHeartbeat(asked time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return
	}
	if err == nil {
		l.confirmed = asked
	}
	if time.Since(l.confirmed) >= l.giveUpAfter() {
		l.cancel(ErrLost)
		return
	}
	next := time.Until(asked.Add(Heartbeat(l.wait)))
	if err != nil {
		next = max(next, Heartbeat(l.wait)/4) // a fast refusal must not spin
	}
	l.timer = time.AfterFunc(max(next, 0), l.heartbeat)
}

// StoredAt is when its queue got the message, by the word of the server that
// delivered it last; zero if that cannot be read.
func (l *Lease) StoredAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	meta, err := (&nats.Msg{Reply: l.message.Reply(), Sub: new(nats.Subscription)}).Metadata()
	if err != nil {
		return time.Time{}
	}
	return meta.Timestamp
}

// IsSure tells whether, by this clock, nobody else can have been given the message yet.
func (l *Lease) IsSure() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx.Err() == nil && time.Since(l.confirmed) < l.giveUpAfter()
}

// Overran tells whether somebody else can have been given the message before this
// holder gave it up: its process was frozen.
func (l *Lease) Overran() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.confirmed) >= l.wait
}

func (l *Lease) giveUpAfter() time.Duration {
	return time.Duration(float64(l.wait) * l.margin)
}

// End removes the message from its queue: the work is done. It returns when
// the server has confirmed it.
func (l *Lease) End() error {
	message := l.Stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), l.wait)
	defer cancel()
	return message.DoubleAck(ctx)
}

// GiveBack offers the message to any replica, this one too, after a delay.
func (l *Lease) GiveBack(delay time.Duration) error {
	message := l.Stop()
	if delay > 0 {
		return message.NakWithDelay(delay)
	}
	return message.Nak()
}

// Stop ends the heartbeats, so that none can follow what settles the message.
func (l *Lease) Stop() Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
	l.timer.Stop()
	l.cancel(context.Canceled)
	return l.message
}

// WakeUp makes the lease what it is to a process that was frozen and wakes up
// when it may have lost it, while the answer to an earlier heartbeat waits to
// be noted; confirm notes it. Only tests need it.
func (l *Lease) WakeUp() (confirm func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timer.Stop()
	l.confirmed = time.Now().Add(-l.giveUpAfter())
	asked := time.Now().Add(-l.wait / 2)
	return func() { l.settleHeartbeat(asked, nil) }
}
