package client

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/natstest"
)

// Messages that the stream's limits take after a consumer was told of them are
// not waited for.
func TestPendingMessagesAreEvicted(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	stream, err := r.JS.CreateStream(r.Ctx, jetstream.StreamConfig{Name: "CC_EVENTS", Subjects: []string{"cc.chat.>"}, Storage: jetstream.MemoryStorage})
	r.Check(err)
	for range 3 {
		_, err := r.JS.Publish(r.Ctx, "cc.chat.x.event.message", nil)
		r.Check(err)
	}
	c, err := New(r.NC, Config{})
	r.Check(err)
	o := &ownConsumer{client: c, filters: c.sequenced("x")}
	defer o.stop()
	if msg, err := o.until(r.Ctx, 3); err != nil || msg == nil {
		t.Fatalf("%v, %v", msg, err)
	}
	o.stop()
	r.Check(o.open(r.Ctx))
	if o.pending != 2 {
		t.Fatalf("%d are pending", o.pending)
	}
	r.Check(stream.Purge(r.Ctx))
	ended := make(chan error, 1)
	go func() {
		msg, err := o.until(r.Ctx, 3)
		if msg != nil {
			err = errors.New("a message came")
		}
		ended <- err
	}()
	select {
	case err := <-ended:
		r.Check(err)
	case <-time.After(30 * time.Second):
		t.Error("it waits for what is gone")
	}
}
