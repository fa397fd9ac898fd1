package bus

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// ErrFenced says that somebody else has gone on: what a publication expected to
// be the last message of a subject is not, or what is stored is newer.
var ErrFenced = errors.New("another replica has taken the chat")

// Publisher writes CloudEvents to the stream of events. It may be used from
// any goroutine.
type Publisher struct {
	js       jetstream.JetStream
	files    *files
	events   *Stream
	mode     schema.Mode
	objects  *Stream
	metrics  *metrics.Bus
	health   *Health
	log      *slog.Logger
	position atomic.Uint64
}

// NewPublisher publishes what the connection takes.
func NewPublisher(js jetstream.JetStream, s *Streams, health *Health, log *slog.Logger) *Publisher {
	p := &Publisher{
		js: js, files: newFiles(js, s), events: s.Events, objects: s.objects, metrics: s.metrics,
		mode: s.cfg.Mode, health: health, log: log,
	}
	p.position.Store(s.Events.CachedInfo().State.LastSeq)
	return p
}

// Position is a sequence that the stream of events has reached.
func (p *Publisher) Position() uint64 { return p.position.Load() }

// The least of it: a stream that knows repeats for less is somebody's trial.
const shortestPatience = time.Second

// Patience is how long a publication may be repeated: once the stream may have
// forgotten its id, a repeat could be stored twice.
func (p *Publisher) Patience() time.Duration {
	return max(p.events.CachedInfo().Config.Duplicates/2, shortestPatience)
}

// ErrTooLarge says that the bus does not take an event with all its data.
var ErrTooLarge = errors.New("too large for the bus")

// Mode is how the stream's CloudEvents are written.
func (p *Publisher) Mode() schema.Mode { return p.mode }

// Whole is the event as it travels in a mode, with all its data, or ErrTooLarge.
func (p *Publisher) Whole(e event.Event, mode schema.Mode) (*nats.Msg, error) {
	if int64(len(e.Data())) >= p.room() { // is too large, however it is written
		return nil, ErrTooLarge
	}
	msg, err := schema.Encode(e, mode)
	if err == nil && int64(msg.Size()) >= p.room() {
		return nil, ErrTooLarge
	}
	return msg, err
}

// Message is the event as it travels. What is too large for the bus goes to
// the object store, and the event tells where: the publication waits for it.
func (p *Publisher) Message(ctx context.Context, e event.Event) (*nats.Msg, error) {
	all, err := p.messages(ctx, e, p.and(nil), func(ctx context.Context, name string, data []byte) (string, error) {
		return Ask(ctx, p.log, "keeping data too large for the bus", func(context.Context) (string, error) { // it takes as long as it takes
			return p.keep(ctx, name, data)
		})
	})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// TryMessage is Message that fails rather than wait until the object store has
// what is too large. Behind it come the same in other modes, too.
func (p *Publisher) TryMessage(ctx context.Context, e event.Event, others ...schema.Mode) ([]*nats.Msg, error) {
	return p.messages(ctx, e, p.and(others), p.keep)
}

// Inline is TryMessage that keeps nothing elsewhere: what is too large is ErrTooLarge.
func (p *Publisher) Inline(e event.Event, others ...schema.Mode) ([]*nats.Msg, error) {
	return inModes(e, p.and(others), p.Whole)
}

// TryReadMessage is TryMessage for what a read brought, and can bring again: it
// is kept for ReadsKept, and there is a limit to it.
func (p *Publisher) TryReadMessage(ctx context.Context, e event.Event, others ...schema.Mode) ([]*nats.Msg, error) {
	return p.messages(ctx, e, p.and(others), func(ctx context.Context, name string, data []byte) (string, error) {
		if !p.files.mayKeep(len(data)) {
			return "", errReadsMost
		}
		kept, err := p.files.keep(ctx, whole(name, data, ReadsKept))
		return string(kept.Object), p.judgeFiles(ctx, err)
	})
}

func (p *Publisher) keep(ctx context.Context, name string, data []byte) (string, error) {
	kept, err := p.files.keep(ctx, whole(name, data, 0))
	if IsConflict(err) { // once more: it finds what came between
		err = errors.New("another object of that name came between")
	}
	return string(kept.Object), p.judgeFiles(ctx, err)
}

// whole is the order to keep data that are in memory anyway.
func whole(name string, data []byte, keep time.Duration) order {
	return order{name: ObjectName(name), content: bytes.NewReader(data), most: int64(len(data)), keep: keep}
}

// and is the stream's mode, and then others.
func (p *Publisher) and(others []schema.Mode) []schema.Mode {
	return append([]schema.Mode{p.mode}, others...)
}

// messages is the event as it travels in each of the modes; keep puts its data
// elsewhere, under a name that it returns, if they are too large for one of them.
func (p *Publisher) messages(ctx context.Context, e event.Event, modes []schema.Mode, keep func(context.Context, string, []byte) (string, error)) ([]*nats.Msg, error) {
	all, err := inModes(e, modes, p.Whole)
	if !errors.Is(err, ErrTooLarge) {
		return all, err
	}
	name, err := keep(ctx, e.ID(), e.Data())
	if err != nil {
		return nil, err
	}
	e.SetExtension(schema.AttrDataRef, schema.NewDataRef(p.files.bucket, name))
	e.DataEncoded = nil
	return inModes(e, modes, schema.Encode)
}

func inModes(e event.Event, modes []schema.Mode, encode func(event.Event, schema.Mode) (*nats.Msg, error)) (all []*nats.Msg, err error) {
	for _, mode := range modes {
		msg, err := encode(e, mode)
		if err != nil {
			return nil, err
		}
		all = append(all, msg)
	}
	return all, nil
}

// room is what a message may have before it is published: the bus has a limit,
// and an administrator may have set one for the stream.
func (p *Publisher) room() int64 {
	room := p.js.Conn().MaxPayload() - Headroom
	if most := int64(p.events.CachedInfo().Config.MaxMsgSize); most > 0 {
		room = min(room, most-ownHeadersMost)
	}
	return room
}

// judgeFiles is judge for the store of files.
func (p *Publisher) judgeFiles(ctx context.Context, err error) error {
	err = p.objects.judge(err)
	if ctx.Err() == nil {
		p.health.kept(err)
	}
	return err
}

// ownHeadersMost is what they take of it that count for the stream.
const ownHeadersMost = 2 << 10

// Store publishes until the stream has the message, ctx ends or a fence
// stands in the way (ErrFenced). A repeat with the same id is stored once.
func (p *Publisher) Store(ctx context.Context, msg *nats.Msg, id string, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	options = append(options, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	trouble := &retry.Trouble{Log: p.log, Doing: "publishing", Subject: msg.Subject}
	ack, err := p.ask(ctx, trouble, func(try context.Context) (*jetstream.PubAck, error) {
		ack, err := p.js.PublishMsg(try, msg, options...)
		if refusedForSize(msg, err) {
			_, _ = p.events.Info(ctx) // the next one is made for what the stream takes now
			return nil, retry.Final(errors.Join(ErrUnfit, p.events.Wrote(err)))
		}
		return ack, p.judge(ctx, err)
	})
	if IsWrongSequence(err) {
		return nil, ErrFenced
	}
	if err == nil {
		p.position.Store(ack.Sequence) // of two at once the lower one may stay: it stands there, too
	}
	return ack, err
}

// ask counts for how long the stream does not take what is published.
func (p *Publisher) ask(ctx context.Context, trouble *retry.Trouble, publish func(context.Context) (*jetstream.PubAck, error)) (*jetstream.PubAck, error) {
	began := time.Now()
	ack, err := try(ctx, trouble, publish)
	if err == nil { // nearly always
		return ack, nil
	}
	defer func() { p.metrics.Stalled.Add(time.Since(began).Seconds()) }()
	return again(ctx, trouble, ack, err, publish)
}

// PublishBehind publishes behind the message that last says is the last one of
// its subject, 0 for none, and asks last again whenever that was not so.
func (p *Publisher) PublishBehind(ctx context.Context, msg *nats.Msg, last func(context.Context) (uint64, error)) (*jetstream.PubAck, error) {
	trouble := &retry.Trouble{Log: p.log, Doing: "publishing", Subject: msg.Subject}
	return p.ask(ctx, trouble, func(try context.Context) (*jetstream.PubAck, error) {
		sequence, err := last(try)
		if err != nil {
			return nil, err
		}
		ack, err := p.js.PublishMsg(try, msg, jetstream.WithExpectLastSequencePerSubject(sequence), jetstream.WithRetryAttempts(0))
		if err = p.judge(ctx, err); IsWrongSequence(err) {
			return nil, errors.New("another message came between")
		}
		return ack, err
	})
}

// judge has readiness know what became of a publication, and explains why it
// failed. One whose own time is over says nothing about the store.
func (p *Publisher) judge(ctx context.Context, err error) error {
	err = p.events.judge(err)
	if !IsConflict(err) && ctx.Err() == nil {
		p.health.stored(err)
	}
	if IsRefused(err) {
		_, _ = p.events.Info(ctx) // the next message is made for what the stream takes now
	}
	return err
}
