package bus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// files is a store of files with a publisher that writes there.
type files struct {
	*natstest.Rig
	streams *bus.Streams
	health  *bus.Health
	p       *bus.Publisher
}

func newFiles(t *testing.T, change ...func(*bus.Config)) *files {
	t.Helper()
	f := &files{Rig: natstest.New(t), health: &bus.Health{Quiet: time.Nanosecond}}
	f.health.Serve(true)
	f.use(change...)
	return f
}

// use begins again, as a replica does.
func (f *files) use(change ...func(*bus.Config)) {
	f.Helper()
	f.streams = f.Streams(change...)
	f.p = bus.NewPublisher(f.JS, f.streams, f.health, natstest.Log())
}

// large is a CloudEvent that the bus does not take.
func (f *files) large(id, fill string) event.Event {
	f.Helper()
	e := event.New()
	e.SetID(id)
	e.SetSource("//source")
	e.SetType("type")
	f.Check(e.SetData(event.ApplicationJSON, strings.Repeat(fill, int(f.NC.MaxPayload()))))
	return e
}

// keep returns the name of the object that the message refers to.
func (f *files) keep(e event.Event) string {
	f.Helper()
	msg, err := f.p.Message(f.Ctx, e)
	if err != nil {
		f.Error(err)
		return ""
	}
	told, _, err := schema.Decode(msg.Header, msg.Data)
	_, object, elsewhere := schema.DataRef(told)
	if err != nil || !elsewhere {
		f.Errorf("it refers to no object: %v", err)
	}
	return object
}

func (f *files) checkKept(object string, e event.Event) {
	f.Helper()
	if kept, err := f.streams.Files.GetBytes(f.Ctx, object); err != nil || string(kept) != string(e.Data()) {
		f.Errorf("%s has %d bytes, want %d: %v", object, len(kept), len(e.Data()), err)
	}
}

func (f *files) state() jetstream.StreamState {
	f.Helper()
	stream, err := f.JS.Stream(f.Ctx, "OBJ_CC_FILES")
	f.Check(err)
	return stream.CachedInfo().State
}

// An object stays as it is: the same once more is the same object, other data
// under its name are another one.
func TestObjectsAreNeverWrittenOver(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	first, second := f.large("id", "1"), f.large("id", "2")
	one := f.keep(first)
	before := f.state()
	if again := f.keep(first); again != one || f.state().Msgs != before.Msgs {
		t.Errorf("the same is kept as %q and %q, in %d and %d messages", one, again, before.Msgs, f.state().Msgs)
	}
	two := f.keep(second)
	if one != "id" || two == one {
		t.Errorf("two objects are %q and %q", one, two)
	}
	f.checkKept(one, first)
	f.checkKept(two, second)
}

func TestObjectsOfOneNameAtOnce(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	var all sync.WaitGroup
	objects := make([]string, 8)
	events := make([]event.Event, len(objects))
	for i := range objects {
		events[i] = f.large("id", string(rune('a'+i)))
		all.Go(func() { objects[i] = f.keep(events[i]) })
	}
	all.Wait()
	for i, object := range objects {
		f.checkKept(object, events[i])
	}
}

// An answer of JetStream is lost, of a piece or of the last word: the object is
// there once, whole.
func TestObjectOfWhichAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	loser := f.LoseAcks()
	f.use()
	for _, lose := range []int32{1, 3} {
		e := f.large(strings.Repeat("x", int(lose)), "1")
		loser.Lose.Store(lose)
		f.checkKept(f.keep(e), e)
	}
	e := f.large("last word", "1")
	pieces := int32((len(e.Data()) + 128<<10 - 1) / (128 << 10))
	loser.After.Store(pieces)
	loser.Lose.Store(1)
	if object := f.keep(e); object != "last word" {
		t.Errorf("it is kept as %q", object)
	}
	f.checkKept("last word", e)
}

// What a read brought goes by itself, every message of it, and the message that
// names it goes first.
func TestWhatReadsBringExpires(t *testing.T) {
	t.Parallel()
	f := newFiles(t)
	e := f.large("read", "1")
	_, err := f.p.TryReadMessage(f.Ctx, e)
	f.Check(err)
	f.checkKept("read", e)
	stream, err := f.JS.Stream(f.Ctx, "OBJ_CC_FILES")
	f.Check(err)
	for n := f.state().FirstSeq; n <= f.state().LastSeq; n++ {
		msg, err := stream.GetMsg(f.Ctx, n)
		f.Check(err)
		ttl, err := time.ParseDuration(msg.Header.Get(jetstream.MsgTTLHeader))
		named := strings.HasPrefix(msg.Subject, "$O.CC_FILES.M.")
		if err != nil || named && ttl != bus.ReadsKept || !named && (ttl <= bus.ReadsKept || ttl > 2*bus.ReadsKept) {
			t.Errorf("%s lives for %v, %v", msg.Subject, ttl, err)
		}
	}
	f.keep(f.large("event", "1"))
	last, err := stream.GetMsg(f.Ctx, f.state().LastSeq)
	f.Check(err)
	if ttl := last.Header.Get(jetstream.MsgTTLHeader); ttl != "" {
		t.Errorf("an event's data live for %s", ttl)
	}
	_, err = f.p.KeepFor(f.Ctx, "short", []byte("x"), time.Second)
	f.Check(err)
	f.Eventually("it has expired", func() bool {
		_, err := f.streams.Files.GetInfo(f.Ctx, "short")
		return errors.Is(err, jetstream.ErrObjectNotFound)
	})
	f.checkKept("read", e)
}

// Reads cannot fill the store: they are told so, and events still find room.
func TestReadsLeaveRoom(t *testing.T) {
	t.Parallel()
	const most = 16 << 20
	f := newFiles(t, func(c *bus.Config) { c.FilesMaxBytes = most })
	refused := 0
	for range 20 {
		if _, err := f.p.TryReadMessage(f.Ctx, f.large("read", "1")); err != nil {
			refused++
		}
	}
	if bytes := f.state().Bytes; refused == 0 || refused == 20 || bytes > most/3 {
		t.Errorf("%d of 20 are refused, and %d bytes kept of %d", refused, bytes, most)
	}
	if err := f.health.Check(); err != nil {
		t.Errorf("readiness says %v", err)
	}
	e := f.large("event", "1")
	f.checkKept(f.keep(e), e)
}

// A store that is full is named, who can wait does, and nothing half done stays.
func TestFullStoreOfFiles(t *testing.T) {
	t.Parallel()
	f := newFiles(t, func(c *bus.Config) { c.FilesMaxBytes = 2 << 20 })
	f.keep(f.large("first", "1"))
	before := f.state()
	for _, try := range []func(context.Context, event.Event) error{
		func(ctx context.Context, e event.Event) error { _, err := f.p.TryMessage(ctx, e); return err },
		func(ctx context.Context, e event.Event) error { _, err := f.p.Message(ctx, e); return err },
	} {
		ctx, cancel := context.WithTimeout(f.Ctx, time.Second)
		if err := try(ctx, f.large("second", "2")); err == nil {
			t.Error("it is kept where there is no room")
		}
		cancel()
	}
	if err := f.health.Check(); err == nil || !strings.Contains(err.Error(), "OBJ_CC_FILES is full") {
		t.Errorf("readiness says %v", err)
	}
	if after := f.state(); after.Msgs != before.Msgs {
		t.Errorf("%d messages are left", after.Msgs-before.Msgs)
	}
	kept := make(chan string, 1)
	e := f.large("third", "3")
	go func() { kept <- f.keep(e) }()
	f.Check(f.streams.Files.Delete(f.Ctx, "first"))
	f.checkKept(natstest.Receive(f.Rig, kept), e)
	if err := f.health.Check(); err != nil {
		t.Errorf("readiness says %v", err)
	}
}

// A store of an earlier definition is brought up to date, or named.
func TestStoreOfFilesWhereNothingExpires(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	cfg := natstest.Config()
	for _, d := range bus.Definitions(cfg) {
		d.Stream.AllowMsgTTL = d.Stream.AllowMsgTTL && d.Stream.Name != "OBJ_CC_FILES"
		_, err := r.JS.CreateStream(r.Ctx, d.Stream)
		r.Check(err)
		for _, c := range d.Consumers {
			_, err := r.JS.CreateConsumer(r.Ctx, d.Stream.Name, c)
			r.Check(err)
		}
	}
	old, err := r.JS.ObjectStore(r.Ctx, "CC_FILES")
	r.Check(err)
	_, err = old.PutString(r.Ctx, "old", "of an earlier version")
	r.Check(err)
	cfg.Provision = false
	if _, err := bus.Open(r.Ctx, r.JS, cfg, natstest.Log()); err == nil || !strings.Contains(err.Error(), "OBJ_CC_FILES cannot be used") || !strings.Contains(err.Error(), "allow_msg_ttl") {
		t.Errorf("without making it: %v", err)
	}
	streams := r.Streams()
	if kept, err := streams.Files.GetString(r.Ctx, "old"); err != nil || kept != "of an earlier version" {
		t.Errorf("what was there is %q, %v", kept, err)
	}
	if err := streams.Check(); err != nil {
		t.Error(err)
	}
}
