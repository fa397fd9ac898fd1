package connector

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/subjects"
)

// firstAckLost stores the first publication and does not say so.
type firstAckLost struct {
	jetstream.JetStream
	lost atomic.Bool
}

func (f *firstAckLost) PublishMsg(ctx context.Context, msg *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := f.JetStream.PublishMsg(ctx, msg, options...)
	if err == nil && f.lost.CompareAndSwap(false, true) {
		return nil, errors.New("the answer is lost")
	}
	return ack, err
}

// A fence of which the holder does not know that it stands is not the earlier
// holder's: that one's word that nothing is missing still counts.
func TestReplacedFence(t *testing.T) {
	r := newLeaseRig(t, leaseTestEver)
	js, err := jetstream.New(r.nc)
	r.check(err)
	stream, err := js.CreateStream(r.ctx, jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"cc.>"}})
	r.check(err)
	key, err := keyOf("chat")
	r.check(err)
	newLog := func(js jetstream.JetStream, self fenceID) *chatLog {
		p := &publisher{js: js, stream: "EVENTS", health: &health{}, log: slog.New(slog.DiscardHandler), position: &atomic.Uint64{}}
		return &chatLog{publisher: p, names: naming{prefix: subjects.DefaultPrefix}, events: stream, chat: key, self: self}
	}
	r.check(newLog(js, "first").raiseFence(r.ctx))
	second := newLog(&firstAckLost{JetStream: js}, "second")
	r.check(second.raiseFence(r.ctx))
	if second.replaced != "first" {
		t.Errorf("the fence replaced that of %q", second.replaced)
	}
}
