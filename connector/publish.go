package connector

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// errFenced says that another replica has taken the chat: whatever this one
// still has in hand, it must not publish.
var errFenced = errors.New("another replica has taken the chat")

// publisher writes CloudEvents to JetStream.
type publisher struct {
	js     jetstream.JetStream
	files  jetstream.ObjectStore
	stream string // of events
	bucket string
	mode   schema.Mode
	limit  int64         // the bus's largest message, in bytes
	window time.Duration // in which the stream of events knows a repeat
	health *health
	log    *slog.Logger

	position *atomic.Uint64 // of the last message that this process has stored
}

// message is the event as it travels. What is too large for the bus goes to
// the object store, and the event tells where: the publication waits for it.
func (p *publisher) message(ctx context.Context, e event.Event) (*nats.Msg, error) {
	msg, err := schema.Encode(e, p.mode)
	if err != nil {
		return nil, err
	}
	if int64(msg.Size()) < p.limit-headroom {
		return msg, nil
	}
	if _, err := persist(ctx, p.log, "keeping data too large for the bus", func(context.Context) (*jetstream.ObjectInfo, error) { // it takes as long as it takes
		return p.files.Put(ctx, jetstream.ObjectMeta{Name: e.ID(), Opts: &jetstream.ObjectMetaOptions{ChunkSize: p.chunk()}}, bytes.NewReader(e.Data()))
	}); err != nil {
		return nil, err
	}
	e.SetExtension(schema.AttrDataRef, schema.NewDataRef(p.bucket, e.ID()))
	e.DataEncoded = nil
	return schema.Encode(e, p.mode)
}

// chunk is the size of an object's pieces: the usual one, if the bus takes it.
func (p *publisher) chunk() uint32 { return uint32(min(p.limit/2, 128<<10)) }

// headroom is for subject, reply subject and the headers that publishing adds.
const headroom = 8 << 10

// store publishes until the stream has the message, ctx ends or a fence
// stands in the way. A repeat with the same id is stored once.
func (p *publisher) store(ctx context.Context, msg *nats.Msg, id string, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	options = append(options, jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	ack, err := persist(ctx, p.log, "publishing", func(try context.Context) (*jetstream.PubAck, error) {
		ack, err := p.js.PublishMsg(try, msg, options...)
		return ack, p.note(ctx, err)
	})
	if isWrongSequence(err) {
		return nil, errFenced
	}
	if err == nil {
		p.position.Store(ack.Sequence) // of two at once the lower one may stay: it stands there, too
	}
	return ack, err
}

// note has readiness know what became of a publication, and explains why it failed.
func (p *publisher) note(ctx context.Context, err error) error {
	err = explainStore(p.stream, err)
	if !isConflict(err) && ctx.Err() == nil {
		p.health.stored(err)
	}
	return err
}

// persist repeats an operation on JetStream until it succeeds, fails for good
// or ctx ends; it logs when the reason changes, not every time.
func persist[T any](ctx context.Context, log *slog.Logger, doing string, operation func(context.Context) (T, error)) (T, error) {
	trouble := &trouble{log: log, doing: doing}
	return backoff.Retry(ctx, func() (T, error) {
		try, cancel := context.WithTimeout(ctx, answerPatience)
		defer cancel()
		value, err := operation(try)
		switch {
		case err == nil:
			return value, nil
		case isWrongSequence(err), isFinal(err):
			return value, backoff.Permanent(err)
		}
		if ctx.Err() == nil {
			trouble.note(err)
		}
		return value, err
	}, backoff.WithBackOff(newBackOff(50*time.Millisecond, 2*time.Second)), backoff.WithMaxElapsedTime(0))
}

// answerPatience is how long JetStream may take for one answer. What was asked
// just before a connection broke is never answered.
const answerPatience = 5 * time.Second

// trouble logs what goes wrong again and again, but only when the reason changes.
type trouble struct {
	log   *slog.Logger
	doing string
	last  string
}

func (t *trouble) note(err error) {
	reason := err.Error()
	if errors.Is(err, nats.ErrReconnectBufExceeded) { // see NATSOptions: there is no buffer
		reason = "there is no connection to NATS"
	}
	if reason != t.last {
		t.last = reason
		t.log.Warn(t.doing+" does not succeed yet", "error", reason)
	}
}

// newBackOff is the one back-off of the connector: exponential, with jitter.
func newBackOff(initial, longest time.Duration) *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval:     initial,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         longest,
	}
}

func isWrongSequence(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// isConflict tells that somebody else has written first. A replicated stream
// also says so while the other's message is still on its way.
func isConflict(err error) bool {
	var api *jetstream.APIError
	return isWrongSequence(err) || errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// isFinal tells the errors that repeating the same publication cannot mend.
func isFinal(err error) bool {
	return errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrMaxPayload) ||
		errors.Is(err, nats.ErrBadSubject) || errors.Is(err, jetstream.ErrMsgNotFound) || errors.Is(err, errOvertaken)
}
