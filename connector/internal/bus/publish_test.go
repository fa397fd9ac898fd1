package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

const resultSubject = "cc.result.service.version"

func resultMessage() *nats.Msg { return nats.NewMsg(resultSubject) }

// A publication is repeated until the stream has it, and is there once.
func TestStoreRepeatsAndStoresOnce(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	loser := r.LoseAcks()
	streams := r.Streams()
	p := r.Publisher(streams)
	loser.Lose.Store(2)
	ack, err := p.Store(r.Ctx, resultMessage(), "id")
	r.Check(err)
	info, err := streams.Events.Info(r.Ctx)
	r.Check(err)
	if info.State.Msgs != 1 || ack.Sequence != 1 || !ack.Duplicate || p.Position() != 1 {
		t.Errorf("%d messages are stored, the answer is %+v, the position %d", info.State.Msgs, ack, p.Position())
	}
}

func TestStoreUnderAnotherFence(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	p := r.Publisher(r.Streams())
	fence := "cc.internal.events.fence.chat"
	behind := func(last uint64) func(context.Context) (uint64, error) {
		return func(context.Context) (uint64, error) { return last, nil }
	}
	mine, err := p.PublishBehind(r.Ctx, nats.NewMsg(fence), behind(0))
	r.Check(err)
	under := jetstream.WithExpectLastSequenceForSubject(mine.Sequence, fence)
	_, err = p.Store(r.Ctx, resultMessage(), "mine", under)
	r.Check(err)
	if _, err := p.Store(r.Ctx, nats.NewMsg(fence), "again", jetstream.WithExpectLastSequencePerSubject(0)); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("a fence is put up where there is one: %v", err)
	}
	looks := 0
	_, err = p.PublishBehind(r.Ctx, nats.NewMsg(fence), func(context.Context) (uint64, error) {
		looks++ // too early at first
		return mine.Sequence * uint64(looks-1), nil
	})
	r.Check(err)
	if looks != 2 {
		t.Errorf("it was looked %d times which message is the last", looks)
	}
	if _, err := p.Store(r.Ctx, resultMessage(), "late", under); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("behind another's fence: %v", err)
	}
	if _, err := p.Store(r.Ctx, resultMessage(), "result"); err != nil {
		t.Errorf("what needs no fence: %v", err)
	}
}

// An id is looked for on its subject and behind a position: the stream forgets
// ids before it forgets messages.
func TestIsPublished(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	p := r.Publisher(streams)
	for _, id := range []string{"one", "two", "three"} {
		_, err := p.Store(r.Ctx, resultMessage(), id)
		r.Check(err)
	}
	_, err := p.Store(r.Ctx, nats.NewMsg("cc.result.service.parameters"), "elsewhere")
	r.Check(err)
	for _, c := range []struct {
		id     string
		behind uint64
		there  bool
	}{{"one", 0, true}, {"three", 0, true}, {"three", 2, true}, {"three", 3, false}, {"two", 2, false}, {"none", 0, false}, {"elsewhere", 0, false}} {
		there, err := bus.IsPublished(r.Ctx, natstest.Log(), streams.Events, resultSubject, c.id, c.behind)
		if err != nil || there != c.there {
			t.Errorf("%s behind %d: %v, %v", c.id, c.behind, there, err)
		}
	}
}

// A stream that was made anew has not come to where it was looked for.
func TestIsPublishedInAStreamThatWasLost(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	_, err := r.JS.Publish(r.Ctx, "cc.result.chat.send", nil, jetstream.WithMsgID("result:1"))
	r.Check(err)
	for behind, want := range map[uint64]bool{0: true, 1: false, 500: true} {
		there, err := bus.IsPublished(r.Ctx, natstest.Log(), streams.Events, "cc.result.chat.send", "result:1", behind)
		if err != nil || there != want {
			t.Errorf("behind %d: %v, %v", behind, there, err)
		}
	}
}

// What the bus does not take is kept in the object store, and told where.
func TestMessageTooLargeForTheBus(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	p := r.Publisher(streams)
	for _, size := range []int{10, int(r.NC.MaxPayload())} {
		e := event.New()
		e.SetID("id")
		e.SetSource("//source")
		e.SetType("type")
		r.Check(e.SetData(event.ApplicationJSON, map[string]string{"text": strings.Repeat("x", size)}))
		msg, err := p.Message(r.Ctx, e)
		r.Check(err)
		told, _, err := schema.Decode(msg.Header, msg.Data)
		r.Check(err)
		isLarge := size > 10
		if ref := schema.Extension(told, schema.AttrDataRef); (ref != "") != isLarge || (len(told.Data()) == 0) != isLarge {
			t.Errorf("of %d bytes of data %d travel, and told is %q", size, len(told.Data()), ref)
		}
		if isLarge {
			kept, err := streams.Files.GetBytes(r.Ctx, "id")
			if err != nil || string(kept) != string(e.Data()) {
				t.Errorf("kept are %d bytes, %v", len(kept), err)
			}
		}
	}
}

// Nor what the stream does not take: an administrator may have set a limit.
func TestMessageTooLargeForTheStream(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	p := r.Publisher(streams)
	config := streams.Events.CachedInfo().Config
	config.MaxMsgSize = 4 << 10
	_, err := r.JS.UpdateStream(r.Ctx, config)
	r.Check(err)
	publish := func(size int) error {
		e := event.New()
		e.SetID("id")
		e.SetSource("//source")
		e.SetType("type")
		r.Check(e.SetData(event.ApplicationJSON, map[string]string{"text": strings.Repeat("x", size)}))
		msg, err := p.Message(r.Ctx, e)
		r.Check(err)
		msg.Subject = resultSubject
		_, err = p.Store(r.Ctx, msg, fmt.Sprint("result ", size))
		return err
	}
	r.Check(publish(10))
	for _, size := range []int{5 << 10, 50 << 10} { // less and more than what an outage is told by
		streams.Events.CachedInfo().Config.MaxMsgSize = -1
		if err := publish(size); !bus.IsRefused(err) || size < 8<<10 && !strings.Contains(err.Error(), "max_msg_size") {
			t.Errorf("before the limit is known: %v", err)
		}
		r.Check(publish(size)) // now it is
	}
}

// What fails for NATS is known to readiness until it works again; what an
// overtaken holder could not publish is its own affair.
func TestHealthKnowsTheLastPublication(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	health := &bus.Health{}
	health.Serve(true)
	streams := r.Streams()
	p := bus.NewPublisher(r.JS, streams, health, natstest.Log())
	r.Check(r.JS.DeleteStream(r.Ctx, "CC_EVENTS"))
	stored := make(chan error, 1)
	go func() { _, err := p.Store(r.Ctx, resultMessage(), "one"); stored <- err }()
	r.Eventually("the missing stream is known", health.IsStoreDown)
	if err := health.Check(); err == nil || !strings.Contains(err.Error(), "CC_EVENTS is missing") {
		t.Errorf("without the stream readiness says %v", err)
	}
	r.Streams()
	if err := <-stored; err != nil || health.Check() != nil || health.IsStoreDown() {
		t.Errorf("with the stream: %v; readiness says %v", err, health.Check())
	}
	if _, err := p.Store(r.Ctx, resultMessage(), "two", jetstream.WithExpectLastSequencePerSubject(0)); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("an overtaken publication: %v", err)
	}
	ended, cancel := context.WithCancel(r.Ctx)
	cancel()
	_, _ = p.Store(ended, resultMessage(), "three")
	if err := health.Check(); err != nil {
		t.Errorf("a conflict, and what nobody waits for, are failures: %v", err)
	}
}
