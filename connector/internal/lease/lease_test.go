package lease

import (
	"context"
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/natstest"
)

// rig is a real server with one token in a work queue.
type rig struct {
	*natstest.Rig
	nc       *nats.Conn // the keeper's own
	keeper   *Keeper
	tokens   jetstream.Stream
	consumer jetstream.Consumer // over another connection
	wait     time.Duration
}

const (
	shortWait = 2 * time.Second // the shortest that may be configured
	longWait  = time.Hour       // nothing is delivered again by itself
)

func newRig(t *testing.T, wait time.Duration) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t), wait: wait}
	r.nc = r.Connect()
	r.keeper = NewKeeper(r.nc)
	var err error
	r.tokens, err = r.JS.CreateStream(r.Ctx, jetstream.StreamConfig{Name: "TOKENS", Subjects: []string{"token.*"}, Retention: jetstream.WorkQueuePolicy})
	r.Check(err)
	r.consumer, err = r.tokens.CreateConsumer(r.Ctx, jetstream.ConsumerConfig{Durable: "holders", AckPolicy: jetstream.AckExplicitPolicy, AckWait: wait, MaxDeliver: -1})
	r.Check(err)
	_, err = r.JS.Publish(r.Ctx, "token.chat", []byte("{}"))
	r.Check(err)
	return r
}

// next waits for the token's next delivery.
func (r *rig) next() jetstream.Msg {
	r.Helper()
	msg, err := r.consumer.Next(jetstream.FetchContext(r.Ctx))
	r.Check(err)
	return msg
}

func (r *rig) hold() *Lease {
	r.Helper()
	l := r.keeper.Hold(r.Ctx, r.next(), Options{Wait: r.wait})
	r.Cleanup(func() { l.Stop() })
	return l
}

// heartbeats hears every heartbeat that goes to the server.
func (r *rig) heartbeats() *nats.Subscription {
	r.Helper()
	nc := r.Connect()
	heard, err := nc.SubscribeSync("$JS.ACK.>")
	r.Check(err)
	r.Check(nc.Flush())
	return heard
}

func (r *rig) hear(heard *nats.Subscription) *nats.Msg {
	r.Helper()
	msg, err := heard.NextMsgWithContext(r.Ctx)
	r.Check(err)
	return msg
}

func (r *rig) redeliveries() uint64 {
	r.Helper()
	info, err := r.consumer.Info(r.Ctx)
	r.Check(err)
	return uint64(info.NumRedelivered)
}

func (l *Lease) confirmedAt() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.confirmed
}

func TestLeaseOutlivesAckWait(t *testing.T) {
	t.Parallel()
	r := newRig(t, shortWait)
	heard := r.heartbeats()
	l := r.hold()
	began := l.confirmedAt()
	for l.confirmedAt().Sub(began) < shortWait*3/2 {
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
	r := newRig(t, longWait)
	heard := r.heartbeats()
	r.hold()
	r.hear(heard)
}

func TestLeaseEndsWithoutServer(t *testing.T) {
	t.Parallel()
	r := newRig(t, shortWait)
	l := r.hold()
	r.Server.Shutdown()
	<-l.ctx.Done()
	if cause := context.Cause(l.ctx); !errors.Is(cause, ErrLost) {
		t.Errorf("the lease ended by %v", cause)
	}
	if l.Replace(l.message) {
		t.Error("a lost lease takes a new delivery")
	}
}

// The server is there, but not for this replica: its lease is over before
// another replica is given the token.
func TestLeaseEndsBeforeTheTokenMoves(t *testing.T) {
	t.Parallel()
	r := newRig(t, shortWait)
	heard := r.heartbeats()
	l := r.hold()
	r.hear(heard)
	r.nc.Close()
	again := r.next()
	if cause := context.Cause(l.ctx); !errors.Is(cause, ErrLost) {
		t.Errorf("the token has moved, and the lease ended by %v", cause)
	}
	if delivery, err := again.Metadata(); err != nil || delivery.NumDelivered != 2 {
		t.Errorf("delivery %+v, %v", delivery, err)
	}
}

func TestLeaseEndRemovesTheToken(t *testing.T) {
	t.Parallel()
	r := newRig(t, longWait)
	l := r.hold()
	r.Check(l.End())
	if _, err := r.tokens.GetLastMsgForSubject(r.Ctx, "token.chat"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("the token is there: %v", err)
	}
	if !errors.Is(context.Cause(l.ctx), context.Canceled) {
		t.Errorf("work on the chat ends by %v", context.Cause(l.ctx))
	}
	if l.Replace(l.message) {
		t.Error("a lease that has ended takes a new delivery")
	}
}

func TestLeaseGivenBackIsFreeAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, longWait)
	l := r.hold()
	r.Check(l.GiveBack(0))
	if delivery, err := r.next().Metadata(); err != nil || delivery.NumDelivered != 2 {
		t.Errorf("delivery %+v, %v", delivery, err)
	}
	if l.ctx.Err() == nil || l.Replace(l.message) {
		t.Error("the lease goes on")
	}
}

// Nothing is said on the token after it was settled: it would take it from
// the next holder.
func TestLeaseIsSilentAfterItsEnd(t *testing.T) {
	t.Parallel()
	r := newRig(t, shortWait)
	heard := r.heartbeats()
	l := r.hold()
	r.Check(l.GiveBack(0))
	r.Check(r.nc.Flush())
	after := r.hold()
	for seen := 0; seen < 3; {
		msg := r.hear(heard)
		if msg.Subject == after.message.Reply() {
			seen++
		} else if seen > 0 {
			t.Errorf("the old lease still says %q", msg.Data)
		}
	}
}

// The server has delivered the token again, to the same replica.
func TestLeaseIsReplaced(t *testing.T) {
	t.Parallel()
	r := newRig(t, shortWait)
	first := r.next()
	again := r.next()
	heard := r.heartbeats()
	l := r.keeper.Hold(r.Ctx, first, Options{Wait: r.wait})
	t.Cleanup(func() { l.Stop() })
	if !l.Replace(again) {
		t.Fatal("the lease refuses a new delivery")
	}
	for r.hear(heard).Subject != again.Reply() { // the first heartbeat may still be on the old one
	}
	r.Check(l.End())
	if _, err := r.tokens.GetLastMsgForSubject(r.Ctx, "token.chat"); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("the token is there: %v", err)
	}
}

func TestLeaseEndsWithItsParent(t *testing.T) {
	t.Parallel()
	r := newRig(t, longWait)
	parent, cancel := context.WithCancelCause(r.Ctx)
	l := r.keeper.Hold(parent, r.next(), Options{Wait: r.wait})
	defer l.Stop()
	leaving := errors.New("this replica is leaving")
	cancel(leaving)
	<-l.ctx.Done()
	if cause := context.Cause(l.ctx); !errors.Is(cause, leaving) || l.Replace(l.message) {
		t.Errorf("ended by %v", cause)
	}
}

// A process that was frozen wakes up when it may have lost the message. It is
// sure of nothing and takes no delivery, until an earlier heartbeat turns out
// to have been confirmed.
func TestLeaseOfAProcessThatWakesUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, longWait)
	l := r.keeper.Hold(r.Ctx, r.next(), Options{Wait: r.wait, First: longWait}) // no heartbeat is under way
	defer l.Stop()
	confirm := l.WakeUp()
	if l.IsSure() || l.Replace(l.message) || l.Overran() || l.Context().Err() != nil {
		t.Errorf("sure: %v, overran: %v, ended: %v", l.IsSure(), l.Overran(), l.Context().Err())
	}
	confirm()
	if !l.IsSure() || !l.Replace(l.message) {
		t.Error("it is not sure though it was confirmed")
	}
}

// The heartbeats of many leases go together, and are answered together.
func TestManyLeasesShareWhatTheyNeed(t *testing.T) {
	t.Parallel()
	const many = 200
	r := newRig(t, 4*shortWait)
	conn := &counted{}
	r.nc = r.Connect(nats.SetCustomDialer(conn))
	r.keeper = NewKeeper(r.nc)
	for i := range many {
		_, err := r.JS.Publish(r.Ctx, "token."+strconv.Itoa(i), []byte("{}"))
		r.Check(err)
	}
	batch, err := r.consumer.Fetch(many, jetstream.FetchContext(r.Ctx))
	r.Check(err)
	var messages []jetstream.Msg
	for message := range batch.Messages() {
		messages = append(messages, message)
	}
	r.Check(batch.Error())
	var all []*Lease
	for _, message := range messages { // at about the same time, however slow the machine
		l := r.keeper.Hold(r.Ctx, message, Options{Wait: r.wait})
		r.Cleanup(func() { l.Stop() })
		all = append(all, l)
	}
	heard := r.heartbeats()
	before := conn.writes.Load()
	r.awaitConfirmed(all, time.Now()) // by their next heartbeats
	beats, _, err := heard.Pending()
	r.Check(err)
	if writes := int(conn.writes.Load() - before); writes > beats/2 {
		t.Errorf("%d heartbeats took %d writes", beats, writes)
	}
	if n := r.nc.NumSubscriptions(); n != 1 {
		t.Errorf("they have %d subscriptions", n)
	}
	if n := r.redeliveries(); n != 0 {
		t.Errorf("%d tokens were delivered again", n)
	}
}

// counted is a connection that counts what is written to it at once.
type counted struct {
	net.Conn
	writes atomic.Int64
}

func (c *counted) Dial(network, address string) (conn net.Conn, err error) {
	c.Conn, err = net.Dial(network, address)
	return c, err
}

func (c *counted) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func (r *rig) awaitConfirmed(all []*Lease, after time.Time) {
	r.Helper()
	heard := r.heartbeats()
	for _, l := range all {
		for l.confirmedAt().Before(after) {
			if l.ctx.Err() != nil {
				r.Fatalf("a lease has ended: %v", context.Cause(l.ctx))
			}
			r.hear(heard)
		}
	}
}

// A heartbeat that nobody has heard confirms nothing, though there is an answer.
func TestUnheardHeartbeatConfirmsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, shortWait)
	l := r.keeper.Hold(r.Ctx, Handle{r.nc, "nobody.listens"}, Options{Wait: r.wait})
	defer l.Stop()
	<-l.ctx.Done()
	if cause := context.Cause(l.ctx); !errors.Is(cause, ErrLost) {
		t.Errorf("the lease ended by %v", cause)
	}
}

// stuck is a connection that takes nothing from some moment on.
type stuck struct {
	net.Conn
	isStuck atomic.Bool
	end     chan struct{}
}

func (s *stuck) Dial(network, address string) (conn net.Conn, err error) {
	s.Conn, err = net.Dial(network, address)
	return s, err
}

func (s *stuck) Write(p []byte) (int, error) {
	if s.isStuck.Load() {
		<-s.end
		return 0, net.ErrClosed
	}
	return s.Conn.Write(p)
}

// Leases are given up in time also where a heartbeat cannot even be sent.
func TestLeaseEndsWhileTheConnectionIsStuck(t *testing.T) {
	t.Parallel()
	r := newRig(t, shortWait)
	conn := &stuck{end: make(chan struct{})}
	nc, err := nats.Connect(r.Server.ClientURL(), nats.SetCustomDialer(conn), nats.NoReconnect())
	r.Check(err)
	r.Cleanup(nc.Close)
	defer close(conn.end)
	l := NewKeeper(nc).Hold(r.Ctx, r.next(), Options{Wait: r.wait})
	conn.isStuck.Store(true)
	<-l.ctx.Done()
	if cause := context.Cause(l.ctx); !errors.Is(cause, ErrLost) || l.IsSure() {
		t.Errorf("the lease ended by %v, sure: %v", cause, l.IsSure())
	}
}
