package chatlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// # The fence as a message
//
// Who reads the stream without a filter comes by the fences, too. So a fence is
// a CloudEvent like all else there, of a type that concerns nobody. Its payload
// as a whole is the FenceID. Versions that publish a bare id there take for one
// whatever they read, so replicas of both know each other's fences again.

func (l *Log) fenceSubject() string {
	return l.Naming.Prefix.Internal("events", "fence", string(l.chat.Token))
}

// Raise shuts out every earlier holder.
func (l *Log) Raise(ctx context.Context) error {
	fence, err := l.newFence()
	if err != nil {
		return err
	}
	ack, err := l.Publisher.PublishBehind(ctx, fence, func(try context.Context) (uint64, error) {
		last, whose, err := l.LastFence(try)
		if err == nil && whose != FenceID(fence.Data) { // an earlier try of this one may have stood all the same
			l.replaced = whose
		}
		return last, err
	})
	return l.raised(ack, err)
}

// Renew puts the fence up anew, if it still is this holder's; else
// bus.ErrFenced.
func (l *Log) Renew(ctx context.Context) error {
	return l.raiseBehind(ctx, l.fence.position)
}

// Restore raises a fence where there is none; else bus.ErrFenced.
func (l *Log) Restore(ctx context.Context) error {
	return l.raiseBehind(ctx, 0)
}

// raiseBehind raises a fence if the last one stands there; else bus.ErrFenced.
func (l *Log) raiseBehind(ctx context.Context, last uint64) error {
	fence, err := l.newFence()
	if err != nil {
		return err
	}
	ack, err := l.Publisher.Store(ctx, fence, "fence:"+uuid.NewString(), jetstream.WithExpectLastSequencePerSubject(last))
	if errors.Is(err, bus.ErrFenced) {
		return l.recognise(ctx)
	}
	return l.raised(ack, err)
}

// recognise takes this holder's fence for the one that stands, if it is: the
// server looks at what is expected before it knows a repeat. Else bus.ErrFenced.
func (l *Log) recognise(ctx context.Context) error {
	last, err := bus.Ask(ctx, l.log, "reading whose the chat's fence is", func(ctx context.Context) (uint64, error) {
		last, whose, err := l.LastFence(ctx)
		if err == nil && whose != l.Self() {
			return 0, nil
		}
		return last, err
	})
	if err != nil || last == 0 {
		return bus.ErrFenced
	}
	l.fence = mark{last, time.Now()}
	return nil
}

// Restand sees to it that this holder's fence stands, in a stream that may have
// been made anew; else bus.ErrFenced. It reports whether it had to be restored.
func (l *Log) Restand(ctx context.Context) (restored bool, err error) {
	last, whose, err := l.LastFence(ctx)
	if err != nil || last != 0 && whose == l.Self() {
		return false, err
	}
	err = l.Restore(ctx)
	return err == nil, err
}

func (l *Log) raised(ack *jetstream.PubAck, err error) error {
	if err == nil {
		l.fence = mark{ack.Sequence, time.Now()}
	}
	return err
}

// newFence is this holder's, the same each time.
func (l *Log) newFence() (*nats.Msg, error) {
	e := translate.NewCloudEvent(l.holding, l.source, schema.InternalType("fence"), "", "")
	e.SetSubject(string(l.chat.Token))
	if err := schema.SetData(&e, fenceData{l.holding}); err != nil {
		return nil, err
	}
	msg, err := schema.Encode(e, l.Publisher.Mode())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", bus.ErrUnfit, err)
	}
	msg.Subject = l.fenceSubject()
	return msg, nil
}

// Self is this holder's fence, as it stands in the stream.
func (l *Log) Self() FenceID {
	fence, err := l.newFence()
	if err != nil {
		return ""
	}
	return FenceID(fence.Data)
}

// fenceData differ from holder to holder, so that the payload does in either mode.
type fenceData struct {
	Fence string `json:"fence"`
}

// LastFence is where the chat's fence stands, 0 if nowhere, and whose it is.
func (l *Log) LastFence(ctx context.Context) (uint64, FenceID, error) {
	last, err := l.Events.Last(ctx, l.fenceSubject())
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, "", nil
	}
	if err != nil {
		return 0, "", err
	}
	return last.Sequence, FenceID(last.Data), nil
}
