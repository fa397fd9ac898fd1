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
	"math/rand/v2"
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
	keeper *Keeper
	wait   time.Duration
	margin float64

	// Of the keeper, and guarded by its lock.
	number uint64
	due    time.Duration // when it is to be looked at, by the keeper's time
	place  int           // in the agenda, from 1; 0: in none

	mu        sync.Mutex
	message   Message // the latest delivery of it
	confirmed time.Time
	beats     time.Time // when the next heartbeat is due
	released  bool

	saying sync.Mutex // held while a heartbeat is sent
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

// look tells when to look again, and on which message to send a heartbeat, if one
// is due; over: the lease has ended.
func (l *Lease) look(now time.Time) (next time.Time, beat Message, over bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released || l.ctx.Err() != nil {
		return next, nil, true
	}
	end := l.confirmed.Add(l.giveUpAfter())
	if !now.Before(end) {
		l.cancel(ErrLost)
		return next, nil, true
	}
	if l.beats.Before(now.Add(together)) {
		beat, l.beats = l.message, now.Add(untilNext(l.wait))
	}
	if end.Before(l.beats) {
		return end, beat, false
	}
	return l.beats, beat, false
}

// untilNext is about the time between two heartbeats: those of leases that were
// taken together are not to stay together.
func untilNext(wait time.Duration) time.Duration {
	usual := Heartbeat(wait)
	return usual - time.Duration(rand.Int64N(int64(usual)/8+1))
}

// hasten has the next heartbeat due then, and reports whether it was due later.
func (l *Lease) hasten(at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	isLater := l.beats.After(at)
	if isLater {
		l.beats = at
	}
	return isLater
}

// confirm takes in that the server has heard a heartbeat that was sent then.
func (l *Lease) confirm(asked time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if asked.After(l.confirmed) {
		l.confirmed = asked
	}
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
	l.keeper.remove(l)
	message := l.release()
	l.saying.Lock() // one may be on its way
	defer l.saying.Unlock()
	return message
}

func (l *Lease) release() Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
	l.cancel(context.Canceled)
	return l.message
}

// unlessReleased has something said on the message before anything settles it, and
// nothing once the lease has ended.
func (l *Lease) unlessReleased(say func()) {
	l.saying.Lock()
	defer l.saying.Unlock()
	l.mu.Lock()
	isOver := l.released || l.ctx.Err() != nil
	l.mu.Unlock()
	if !isOver {
		say()
	}
}

// WakeUp makes the lease what it is to a process that was frozen and wakes up
// when it may have lost it, while the answer to an earlier heartbeat waits to
// be noted; confirm notes it. Only tests need it.
func (l *Lease) WakeUp() (confirm func()) {
	l.keeper.remove(l)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.confirmed = time.Now().Add(-l.giveUpAfter())
	asked := time.Now().Add(-l.wait / 2)
	return func() {
		l.confirm(asked)
		l.keeper.add(l, time.Now())
	}
}
