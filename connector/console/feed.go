package console

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	pagesMost      = 32
	readBehind     = 2 * ringMessages // of the stream: not every message is for pages
	askPatience    = 5 * time.Second
	forgetPatience = time.Second
	pauseFailed    = 500 * time.Millisecond
	pullLasts      = 10 * time.Second
	heartbeat      = 2 * time.Second // one that is missing tells that the consumer is gone
)

// pace is how long things take.
type pace struct {
	linger time.Duration // after the last page: one that is loaded anew finds all there
	look   time.Duration // how often it is asked whether the stream is still the same
	ready  time.Duration // how often the connector is asked whether it is ready: a change is told at once
	status time.Duration // how often the status is told
	write  time.Duration // the longest that a page may take to read what was written: it may come again
}

var usual = pace{30 * time.Second, 5 * time.Second, 200 * time.Millisecond, time.Second, 10 * time.Second}

var errPages = errors.New("too many pages are open: close some; at most 32 are served")

// feed is what all pages read. It works only while there are some.
type feed struct {
	cfg  Config
	pace pace
	room room

	mu    sync.Mutex
	pages int
	run   *run // nil: nobody looks
	idle  *time.Timer
	ended bool
	work  sync.WaitGroup
}

// join counts a page in; each that is must leave.
func (f *feed) join() (*run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.ended:
		return nil, errors.New("the connector leaves")
	case f.pages == pagesMost:
		return nil, errPages
	}
	f.pages++
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	if f.run == nil {
		f.run = newRun(f.cfg, f.pace, newRing(f.room.messages, f.room.bytes))
		f.work.Go(f.run.read)
		f.work.Go(f.run.watch)
	}
	return f.run, nil
}

func (f *feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pages--; f.pages == 0 && f.run != nil {
		f.idle = time.AfterFunc(f.pace.linger, f.rest)
	}
}

func (f *feed) rest() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.pages == 0 && f.run != nil {
		f.run.stop()
		f.run, f.idle = nil, nil
	}
}

// tell tells all pages that there are something that stands in no stream.
func (f *feed) tell(event string, data any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.run != nil {
		f.run.ring.add(entry{text: eventText(event, 0, data)})
	}
}

// close ends all pages.
func (f *feed) close() {
	f.mu.Lock()
	f.ended = true
	if f.run != nil {
		f.run.stop()
	}
	if f.idle != nil {
		f.idle.Stop()
	}
	f.mu.Unlock()
	f.work.Wait()
}

// run is one time that somebody looks.
type run struct {
	cfg    Config
	pace   pace
	ctx    context.Context
	stop   context.CancelFunc
	ring   *ring
	past   chan struct{} // closed when the ring has what the stream had
	caught sync.Once
	made   time.Time // the stream whose messages the ring has; only read uses it, and lookAgain for its time

	mu      sync.Mutex
	status  []byte
	changed chan struct{} // closed when there is another status
}

func newRun(cfg Config, pace pace, ring *ring) *run {
	r := &run{cfg: cfg, pace: pace, ring: ring, past: make(chan struct{}), changed: make(chan struct{})}
	r.ctx, r.stop = context.WithCancel(context.Background())
	return r
}

// read goes on after every failure: NATS may be away for a while.
func (r *run) read() {
	for r.ctx.Err() == nil {
		_ = r.follow() // the status says what does not work
		select {
		case <-time.After(pauseFailed):
		case <-r.ctx.Done():
		}
	}
}

// follow reads the stream from where the ring ends.
func (r *run) follow() error {
	stream, from, err := r.open()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	var look sync.WaitGroup
	defer look.Wait()
	look.Go(func() { r.lookAgain(ctx, cancel) })
	defer cancel()
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{r.cfg.Prefix.AllChats(), r.cfg.Prefix.AllResults()[1]},
		DeliverPolicy:  jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		NamePrefix: "console-" + nuid.Next(),
	})
	if err != nil {
		return err
	}
	defer forget(stream, consumer)
	if info := consumer.CachedInfo(); info != nil && info.NumPending == 0 {
		r.haveCaughtUp()
	}
	messages, err := consumer.Messages(jetstream.PullExpiry(pullLasts), jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		r.take(msg)
	}
}

// forget has the server not wait until it finds out that nobody reads any more.
func forget(stream jetstream.Stream, consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), forgetPatience)
	defer cancel()
	if info := consumer.CachedInfo(); info != nil {
		_ = stream.DeleteConsumer(ctx, info.Name)
	}
}

func (r *run) take(msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		return
	}
	m := readMessage(r.cfg.Prefix, stored{meta.Sequence.Stream, meta.Timestamp, msg.Subject(), msg.Headers(), msg.Data()})
	r.ring.add(entry{meta.Sequence.Stream, eventText("message", meta.Sequence.Stream, m.shortened())})
	if meta.NumPending == 0 {
		r.haveCaughtUp()
	}
}

func (r *run) haveCaughtUp() { r.caught.Do(func() { close(r.past) }) }

// open finds the stream, and where to go on in it.
func (r *run) open() (stream jetstream.Stream, from uint64, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, askPatience)
	defer cancel()
	if stream, err = r.cfg.JetStream.Stream(ctx, r.cfg.events()); err != nil {
		return nil, 0, err
	}
	state, last := stream.CachedInfo().State, r.ring.lastMessage()
	if last > 0 && r.isAnother(stream) {
		r.ring.restart(entry{text: eventText("restarted", 0, struct{}{})})
		last = 0
	}
	r.made = stream.CachedInfo().Created
	if last == 0 {
		last = max(state.FirstSeq, 1) - 1
		if state.LastSeq > last+readBehind {
			last = state.LastSeq - readBehind
		}
		r.ring.begin(last)
	}
	return stream, last + 1, nil
}

// isAnother tells whether the ring's messages are not this stream's: it was made
// anew, or is an older one again.
func (r *run) isAnother(stream jetstream.Stream) bool {
	info := stream.CachedInfo()
	return !info.Created.Equal(r.made) || info.State.LastSeq < r.ring.lastMessage()
}

// lookAgain ends the reading when the stream is gone, or was made anew.
func (r *run) lookAgain(ctx context.Context, end func()) {
	tick := time.NewTicker(r.pace.look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		ask, cancel := context.WithTimeout(ctx, askPatience)
		stream, err := r.cfg.JetStream.Stream(ask, r.cfg.events())
		cancel()
		if errors.Is(err, jetstream.ErrStreamNotFound) || err == nil && r.isAnother(stream) {
			end()
			return
		}
	}
}

// watch keeps the status, which is the same for all pages.
func (r *run) watch() {
	tick := time.NewTicker(r.pace.ready)
	defer tick.Stop()
	var ready bool
	var told time.Time
	for {
		if now := r.cfg.Ready(); now != ready || time.Since(told) >= r.pace.status {
			ready, told = now, time.Now()
			r.tellStatus(eventText("status", 0, r.cfg.Status(r.ctx)))
		}
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *run) tellStatus(text []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = text
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *run) latestStatus() (text []byte, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.status, r.changed
}
