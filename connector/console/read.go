package console

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// # Reading the stream
//
// The consumer is a plain one, and made anew by read: the library's ordered consumer
// makes itself anew without regard to whether anybody still waits for it.

const (
	readBehind     = 2 * ringMessages // of the stream: not every message is for pages
	behindBytes    = 2 * ringBytes    // about so much of it
	askPatience    = 5 * time.Second
	forgetPatience = time.Second
	firstPause     = 500 * time.Millisecond
	longestPause   = 30 * time.Second
	pullLasts      = 10 * time.Second
	heartbeat      = 2 * time.Second  // one that is missing tells that the consumer is gone
	idleMost       = 30 * time.Second // of a consumer that could not be deleted
	pullMessages   = 64
	pullBytes      = 4 << 20 // unless the bus has larger messages
	roomForSubject = 64 << 10
)

// read goes on after every failure: NATS may be away for a while.
func (r *run) read() {
	for pause := firstPause; r.ctx.Err() == nil; pause = min(2*pause, longestPause) {
		begun, err := r.follow()
		if begun || err == nil {
			pause = firstPause
		}
		if err != nil {
			r.tellTrouble(wordsOf(r.cfg.events(), err))
		}
		select {
		case <-time.After(pause):
		case <-r.ctx.Done():
		}
	}
}

func wordsOf(stream string, err error) string {
	if errors.Is(err, jetstream.ErrNoHeartbeat) {
		return fmt.Sprintf("the stream %s is not read at the moment: NATS has fallen silent; it is asked again", stream)
	}
	why := err.Error()
	if errors.Is(err, context.DeadlineExceeded) {
		why = "NATS does not answer, or does not allow it"
	}
	return fmt.Sprintf("the stream %s cannot be read: %s; `cc-connector check` says what is missing", stream, why)
}

// follow reads the stream from where the ring ends. It tells whether it has begun to,
// and no error where there is nothing to tell: the stream is another one, or reading
// has to begin anew.
func (r *run) follow() (begun bool, err error) {
	stream, from, err := r.open()
	if err != nil {
		return false, err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Name: "console-" + nuid.Next(), FilterSubjects: []string{r.cfg.Prefix.AllChats(), r.cfg.Prefix.AllResults()[1]},
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: idleMost,
	})
	if err != nil {
		return false, err
	}
	defer forget(stream, consumer)
	r.tellTrouble("")
	var look sync.WaitGroup
	defer look.Wait()
	defer cancel()
	look.Go(func() { r.lookAgain(ctx, stream, consumer, cancel) })
	if consumer.CachedInfo().NumPending == 0 {
		r.haveCaughtUp()
	}
	err = r.takeAll(ctx, consumer)
	if ctx.Err() != nil { // another stream
		return true, nil
	}
	return true, err
}

// takeAll takes what comes until something is in the way.
func (r *run) takeAll(ctx context.Context, consumer jetstream.Consumer) error {
	most := max(pullBytes, int(r.cfg.NATS.MaxPayload())+roomForSubject)
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(pullMessages, most),
		jetstream.PullExpiry(pullLasts), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for next := uint64(1); ; next++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != next && meta.Sequence.Stream != r.doubted {
			r.doubted = meta.Sequence.Stream // once: it may be that it cannot be had
			return nil                       // one was on its way when the connection was cut
		}
		next = meta.Sequence.Consumer
		r.take(msg, meta)
	}
}

// forget has the server not wait until it finds out that nobody reads any more.
func forget(stream jetstream.Stream, consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), forgetPatience)
	defer cancel()
	_ = stream.DeleteConsumer(ctx, consumer.CachedInfo().Name)
}

func (r *run) take(msg jetstream.Msg, meta *jetstream.MsgMetadata) {
	m := readMessage(r.cfg.Prefix, stored{meta.Sequence.Stream, meta.Timestamp, msg.Subject(), msg.Headers(), msg.Data()})
	r.ring.add(entry{meta.Sequence.Stream, eventText("message", meta.Sequence.Stream, m.shortened())})
	if meta.NumPending == 0 {
		r.haveCaughtUp()
	}
}

// open finds the stream, and where to go on in it.
func (r *run) open() (stream jetstream.Stream, from uint64, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, askPatience)
	defer cancel()
	if stream, err = r.cfg.JetStream.Stream(ctx, r.cfg.events()); err != nil {
		return nil, 0, err
	}
	info := stream.CachedInfo()
	if r.isAnother(info) {
		r.ring.restart(entry{text: restarted(identity(info))})
	}
	if r.ring.lastMessage() == 0 {
		r.ring.begin(beginning(info.State))
	}
	r.ring.readsFrom(identity(info))
	r.tellStream(identity(info))
	return stream, r.ring.lastMessage() + 1, nil
}

// identity tells a stream from one of the same name that was there before.
func identity(info *jetstream.StreamInfo) string { return info.Created.UTC().Format(time.RFC3339Nano) }

// restarted is what pages are told of a stream that was made anew.
func restarted(stream string) []byte {
	return eventText("restarted", 0, map[string]string{"stream": stream})
}

func (r *run) isAnother(info *jetstream.StreamInfo) bool {
	before := r.ring.reading()
	return before != "" && before != identity(info) || info.State.LastSeq < r.ring.lastMessage()
}

// beginning is the message behind which to begin: so far back that the ring is
// filled, if that is no great burden on the connection.
func beginning(state jetstream.StreamState) uint64 {
	back := uint64(readBehind)
	if state.Msgs > 0 {
		back = min(back, behindBytes/max(1, state.Bytes/state.Msgs))
	}
	first := max(state.FirstSeq, 1) - 1
	if state.LastSeq > first+back {
		return state.LastSeq - back
	}
	return first
}

// lookAgain ends the reading when the stream is gone or another one, or when
// messages may have been lost with a connection.
func (r *run) lookAgain(ctx context.Context, stream jetstream.Stream, consumer jetstream.Consumer, end func()) {
	tick := time.NewTicker(r.pace.look)
	defer tick.Stop()
	reconnects := r.cfg.NATS.Stats().Reconnects
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, askPatience)
		info, err := stream.Info(ask)
		r.lookForTheEnd(ask, consumer)
		cancel()
		if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && r.isAnother(info) || r.cfg.NATS.Stats().Reconnects != reconnects {
			end()
		}
	}
}

// lookForTheEnd of the past: its last messages may have been deleted before they were delivered.
func (r *run) lookForTheEnd(ctx context.Context, consumer jetstream.Consumer) {
	select {
	case <-r.past:
		return
	default:
	}
	info, err := consumer.Info(ctx)
	if err == nil && info.NumPending == 0 && info.Delivered.Stream <= r.ring.lastMessage() {
		r.haveCaughtUp()
	}
}
