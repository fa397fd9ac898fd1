package connector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// # The lease
//
// A work-queue stream holds one message, the session token, for each chat
// that is to be polled. A replica takes a token by pulling it and holds it
// for the life of the chat by telling the server, again and again, that it is
// still in progress. The end of the chat acknowledges the token, which
// removes it; an orderly leaving gives it back at once; a replica that dies
// simply falls silent, and the server hands the token to another one after
// AckWait. So JetStream is the work list, the lease and the failover.
//
// An acknowledgement proves nothing to the one who sends it: the server takes
// it from a holder whose time is over, too. So a holder asks for each
// heartbeat to be confirmed, and one that has had no confirmation for most of
// AckWait gives up by its own clock, before the server can have given the
// token to anybody else. A process that was frozen cannot do even that; the
// fence of the chat's log stops what it would publish.

// errLeaseLost ends the work on a chat whose token may be with another replica.
var errLeaseLost = errors.New("the chat's session token could not be confirmed in time")

const (
	heartbeatsPerLease = 4      // so that one lost heartbeat loses nothing
	leaseMargin        = 0.75   // part of AckWait after which an unconfirmed holder gives up
	wireInProgress     = "+WPI" // JetStream's acknowledgement "work in progress"
)

// settler is a delivered message as far as a lease is concerned.
type settler interface {
	Reply() string
	DoubleAck(ctx context.Context) error
	Nak() error
	NakWithDelay(delay time.Duration) error
}

// lease is the right to work on a message, for as long as ctx lives: to poll
// the chat of a session token, or to run a durable command.
type lease struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	nc     *nats.Conn
	wait   time.Duration
	margin float64 // part of wait after which an unconfirmed holder gives up
	log    *slog.Logger

	mu        sync.Mutex
	token     settler // the latest delivery of it
	confirmed time.Time
	timer     *time.Timer
	released  bool
}

// newLease begins to hold a token that has just been delivered. Its first
// heartbeat goes out at once: a server that restarts delivers again whatever
// was never heartbeated.
func newLease(parent context.Context, nc *nats.Conn, token settler, wait time.Duration, log *slog.Logger) *lease {
	return newLeaseSince(parent, nc, token, wait, log, time.Now(), 0, leaseMargin)
}

// newLeaseSince holds a message that was confirmed at a time, and lets the
// first heartbeat wait.
func newLeaseSince(parent context.Context, nc *nats.Conn, token settler, wait time.Duration, log *slog.Logger, confirmed time.Time, first time.Duration, margin float64) *lease {
	ctx, cancel := context.WithCancelCause(parent)
	l := &lease{ctx: ctx, cancel: cancel, nc: nc, wait: wait, log: log, token: token, confirmed: confirmed, margin: margin}
	l.mu.Lock() // the heartbeat sets the timer anew, and may be faster
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(first, l.heartbeat)
	return l
}

// replace takes a newer delivery of the token: acknowledgements of the older
// one no longer count. It reports false if the lease has ended, or is about to.
func (l *lease) replace(token settler) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released || l.ctx.Err() != nil || time.Since(l.confirmed) >= l.giveUpAfter() {
		return false
	}
	l.token = token
	return true
}

func (l *lease) heartbeat() {
	l.mu.Lock()
	token, confirmed, over := l.token, l.confirmed, l.released
	l.mu.Unlock()
	if over || l.ctx.Err() != nil {
		return
	}
	asked := time.Now()
	deadline := confirmed.Add(l.giveUpAfter())
	ctx, cancel := context.WithDeadline(l.ctx, minTime(deadline, asked.Add(l.wait/heartbeatsPerLease)))
	defer cancel()
	_, err := l.nc.RequestWithContext(ctx, token.Reply(), []byte(wireInProgress))
	l.settleHeartbeat(asked, err)
}

func (l *lease) settleHeartbeat(asked time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return
	}
	if err == nil {
		l.confirmed = asked
	}
	if time.Since(l.confirmed) >= l.giveUpAfter() {
		l.cancel(errLeaseLost)
		return
	}
	next := time.Until(asked.Add(l.wait / heartbeatsPerLease))
	if err != nil {
		next = max(next, l.wait/heartbeatsPerLease/4) // a fast refusal must not spin
	}
	l.timer = time.AfterFunc(max(next, 0), l.heartbeat)
}

// isSure tells whether, by this clock, nobody else can hold the token yet.
func (l *lease) isSure() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ctx.Err() == nil && time.Since(l.confirmed) < l.giveUpAfter()
}

// overran tells whether somebody else can have been given the token before this
// holder gave it up: its process was frozen.
func (l *lease) overran() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Since(l.confirmed) >= l.wait
}

func (l *lease) giveUpAfter() time.Duration {
	return time.Duration(float64(l.wait) * l.margin)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// end removes the token: nobody is to poll the chat any more. It returns when
// the server has confirmed it.
func (l *lease) end() error {
	token := l.stop()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(l.ctx), l.wait)
	defer cancel()
	return token.DoubleAck(ctx)
}

// giveBack offers the token to any replica, this one too, after a delay.
func (l *lease) giveBack(delay time.Duration) error {
	token := l.stop()
	if delay > 0 {
		return token.NakWithDelay(delay)
	}
	return token.Nak()
}

// stop ends the heartbeats, so that none can follow what settles the token.
func (l *lease) stop() settler {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
	l.timer.Stop()
	l.cancel(context.Canceled)
	return l.token
}
