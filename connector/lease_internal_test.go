package connector

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// leaseRig is a real server with one token in a work queue.
type leaseRig struct {
	*testing.T
	ctx      context.Context
	server   *server.Server
	nc       *nats.Conn // the lease's own
	tokens   jetstream.Stream
	consumer jetstream.Consumer // over another connection
	wait     time.Duration
}

const (
	leaseTestWait = 2 * time.Second // the shortest that may be configured
	leaseTestEver = time.Hour       // nothing is delivered again by itself
)

func newLeaseRig(t *testing.T, wait time.Duration) *leaseRig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	r := &leaseRig{T: t, ctx: ctx, wait: wait}
	var err error
	r.server, err = server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	r.check(err)
	r.server.Start()
	t.Cleanup(func() { r.server.Shutdown(); r.server.WaitForShutdown() })
	if !r.server.ReadyForConnections(time.Minute) {
		t.Fatal("nats-server does not start")
	}
	r.nc = r.connect()
	js, err := jetstream.New(r.connect())
	r.check(err)
	r.tokens, err = js.CreateStream(ctx, jetstream.StreamConfig{Name: "TOKENS", Subjects: []string{"token.*"}, Retention: jetstream.WorkQueuePolicy})
	r.check(err)
	r.consumer, err = r.tokens.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "holders", AckPolicy: jetstream.AckExplicitPolicy, AckWait: wait, MaxDeliver: -1})
	r.check(err)
	_, err = js.Publish(ctx, "token.chat", []byte("{}"))
	r.check(err)
	return r
}

func (r *leaseRig) check(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *leaseRig) connect() *nats.Conn {
	r.Helper()
	nc, err := nats.Connect(r.server.ClientURL(), nats.MaxReconnects(-1))
	r.check(err)
	r.Cleanup(nc.Close)
	return nc
}

// next waits for the token's next delivery.
func (r *leaseRig) next() jetstream.Msg {
	r.Helper()
	msg, err := r.consumer.Next(jetstream.FetchContext(r.ctx))
	r.check(err)
	return msg
}

func (r *leaseRig) hold() *lease {
	r.Helper()
	l := newLease(r.ctx, r.nc, r.next(), r.wait, slog.New(slog.DiscardHandler))
	r.Cleanup(func() { l.stop() })
	return l
}

// heartbeats hears every heartbeat that goes to the server.
func (r *leaseRig) heartbeats() *nats.Subscription {
	r.Helper()
	nc := r.connect()
	heard, err := nc.SubscribeSync("$JS.ACK.>")
	r.check(err)
	r.check(nc.Flush())
	return heard
}

func (r *leaseRig) hear(heard *nats.Subscription) *nats.Msg {
	r.Helper()
	msg, err := heard.NextMsgWithContext(r.ctx)
	r.check(err)
	return msg
}

func (r *leaseRig) redeliveries() uint64 {
	r.Helper()
	info, err := r.consumer.Info(r.ctx)
	r.check(err)
	return uint64(info.NumRedelivered)
}

func (l *lease) confirmedAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.confirmed
}

func TestLeaseOutlivesAckWait(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestWait)
	heard := r.heartbeats()
	l := r.hold()
	began := l.confirmedAt()
	for l.confirmedAt().Sub(began) < leaseTestWait*3/2 {
		if msg := r.hear(heard); string(msg.Data) != wireInProgress {
			t.Fatalf("the lease says %q", msg.Data)
		}
		if l.ctx.Err() != nil {
			t.Fatalf("the lease ended: %v", context.Cause(l.ctx))
		}
	}
	if n := r.redeliveries(); n != 0 {
		t.Errorf("the token was delivered again %d times", n)
	}
}

// The first heartbeat does not wait for its turn.
func TestLeaseIsConfirmedAtOnce(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestEver)
	heard := r.heartbeats()
	r.hold()
	r.hear(heard)
}

func TestLeaseEndsWithoutServer(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestWait)
	l := r.hold()
	r.server.Shutdown()
	<-l.ctx.Done()
	if cause := context.Cause(l.ctx); !errors.Is(cause, errLeaseLost) {
		t.Errorf("the lease ended by %v", cause)
	}
	if l.replace(l.token) {
		t.Error("a lost lease takes a new delivery")
	}
}

// The server is there, but not for this replica: its lease is over before
// another replica is given the token.
func TestLeaseEndsBeforeTheTokenMoves(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestWait)
	heard := r.heartbeats()
	l := r.hold()
	r.hear(heard)
	r.nc.Close()
	again := r.next()
	if cause := context.Cause(l.ctx); !errors.Is(cause, errLeaseLost) {
		t.Errorf("the token has moved, and the lease ended by %v", cause)
	}
	if delivery, err := again.Metadata(); err != nil || delivery.NumDelivered != 2 {
		t.Errorf("delivery %+v, %v", delivery, err)
	}
}

func TestLeaseEndRemovesTheToken(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestEver)
	l := r.hold()
	r.check(l.end())
	if _, err := r.tokens.GetLastMsgForSubject(r.ctx, "token.chat"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("the token is there: %v", err)
	}
	if !errors.Is(context.Cause(l.ctx), context.Canceled) {
		t.Errorf("work on the chat ends by %v", context.Cause(l.ctx))
	}
	if l.replace(l.token) {
		t.Error("a lease that has ended takes a new delivery")
	}
}

func TestLeaseGivenBackIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestEver)
	l := r.hold()
	r.check(l.giveBack(0))
	if delivery, err := r.next().Metadata(); err != nil || delivery.NumDelivered != 2 {
		t.Errorf("delivery %+v, %v", delivery, err)
	}
	if l.ctx.Err() == nil || l.replace(l.token) {
		t.Error("the lease goes on")
	}
}

// Nothing is said on the token after it was settled: it would take it from
// the next holder.
func TestLeaseIsSilentAfterItsEnd(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestWait)
	heard := r.heartbeats()
	l := r.hold()
	r.check(l.giveBack(0))
	r.check(r.nc.Flush())
	after := r.hold()
	for seen := 0; seen < 3; {
		msg := r.hear(heard)
		if msg.Subject == after.token.Reply() {
			seen++
		} else if seen > 0 {
			t.Errorf("the old lease still says %q", msg.Data)
		}
	}
}

// The server has delivered the token again, to the same replica.
func TestLeaseIsReplaced(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestWait)
	first := r.next()
	again := r.next()
	heard := r.heartbeats()
	l := newLease(r.ctx, r.nc, first, r.wait, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { l.stop() })
	if !l.replace(again) {
		t.Fatal("the lease refuses a new delivery")
	}
	for r.hear(heard).Subject != again.Reply() { // the first heartbeat may still be on the old one
	}
	r.check(l.end())
	if _, err := r.tokens.GetLastMsgForSubject(r.ctx, "token.chat"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("the token is there: %v", err)
	}
}

func TestLeaseEndsWithItsParent(t *testing.T) {
	t.Parallel()
	r := newLeaseRig(t, leaseTestEver)
	parent, cancel := context.WithCancelCause(r.ctx)
	l := newLease(parent, r.nc, r.next(), r.wait, slog.New(slog.DiscardHandler))
	defer l.stop()
	cancel(errLeaving)
	<-l.ctx.Done()
	if cause := context.Cause(l.ctx); !errors.Is(cause, errLeaving) || l.replace(l.token) {
		t.Errorf("ended by %v", cause)
	}
}
