package natstest

import (
	"context"
	"errors"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrAnswerLost is what a publication comes to of which the answer was lost.
var ErrAnswerLost = errors.New("the answer is lost")

// AckLoser has the next publications stored and not confirmed.
type AckLoser struct {
	jetstream.JetStream
	After atomic.Int32 // so many that are confirmed before
	Lose  atomic.Int32 // so many more
}

// LoseAcks takes the place of the rig's JetStream.
func (r *Rig) LoseAcks() *AckLoser {
	loser := &AckLoser{JetStream: r.JS}
	r.JS = loser
	return loser
}

// PublishMsg loses the answer, but not that of a publication that failed.
func (l *AckLoser) PublishMsg(ctx context.Context, msg *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := l.JetStream.PublishMsg(ctx, msg, options...)
	if err == nil && l.After.Load() > 0 {
		l.After.Add(-1)
		return ack, nil
	}
	if err == nil && l.Lose.Load() > 0 {
		l.Lose.Add(-1)
		return nil, ErrAnswerLost
	}
	return ack, err
}
