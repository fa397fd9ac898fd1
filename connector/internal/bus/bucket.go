package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// ErrUnreadable says that something of the connector's own, kept in NATS, is
// not what it wrote.
var ErrUnreadable = errors.New("what is stored cannot be read")

// Bucket is a key-value bucket whose values may expire. The client library's
// own handle knows no expiry of an update, and lists keys by a consumer, which
// misses what is written meanwhile; so messages are written as it would write
// them, and keys are listed by the word of the stream's leader.
type Bucket struct {
	js     jetstream.JetStream
	kv     jetstream.KeyValue
	stream *Stream
}

func openBucket(ctx context.Context, js jetstream.JetStream, stream string) (*Bucket, error) {
	kv, err := js.KeyValue(ctx, strings.TrimPrefix(stream, bucketPrefix))
	if err != nil {
		return nil, err
	}
	s, err := openStream(ctx, js, stream)
	return &Bucket{js, kv, s}, err
}

// Value is what a key holds.
type Value struct {
	Data     []byte
	Revision uint64 // to write the next one at; 0 for a key that holds nothing
	Created  time.Time
}

// Get reads a key.
func (b *Bucket) Get(ctx context.Context, key string) (Value, error) {
	ctx, cancel := retry.Within(ctx, AnswerPatience)
	defer cancel()
	msg, err := b.stream.Last(ctx, b.Subject(key))
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && isMarker(msg.Header) {
		return Value{}, nil
	}
	if err != nil {
		return Value{}, err
	}
	return Value{msg.Data, msg.Sequence, msg.Time}, nil
}

// isMarker tells that a message stands for a key that holds nothing any more.
func isMarker(header nats.Header) bool {
	switch header.Get("KV-Operation") {
	case "DEL", "PURGE":
		return true
	}
	return header.Get("Nats-Marker-Reason") != ""
}

// Update writes a key at the revision that was read, and returns the new one;
// an error for which IsConflict holds if somebody else has written since. The
// value expires after keep, unless that is 0.
func (b *Bucket) Update(ctx context.Context, key string, data []byte, revision uint64, keep time.Duration) (uint64, error) {
	if revision == 0 {
		return b.create(ctx, key, data, keep)
	}
	options := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(revision)}
	if keep > 0 {
		options = append(options, jetstream.WithMsgTTL(keep))
	}
	ack, err := b.js.PublishMsg(ctx, &nats.Msg{Subject: b.Target(key), Data: data}, options...)
	if err != nil {
		return 0, b.explain(err)
	}
	return ack.Sequence, nil
}

// explain says which bucket does not take a value, and why.
func (b *Bucket) explain(err error) error { return b.stream.judge(err) }

func (b *Bucket) create(ctx context.Context, key string, data []byte, keep time.Duration) (uint64, error) {
	var options []jetstream.KVCreateOpt
	if keep > 0 {
		options = append(options, jetstream.KeyTTL(keep))
	}
	revision, err := b.kv.Create(ctx, key, data, options...)
	return revision, b.explain(err)
}

// Put writes a key whatever it holds: one that nobody else writes.
func (b *Bucket) Put(ctx context.Context, key string, data []byte, keep time.Duration) error {
	var options []jetstream.PublishOpt
	if keep > 0 {
		options = append(options, jetstream.WithMsgTTL(keep))
	}
	_, err := b.js.PublishMsg(ctx, &nats.Msg{Subject: b.Target(key), Data: data}, options...)
	return b.explain(err)
}

// PutAsync is Put that waits only when its outcome is asked for. What this
// process publishes after PutAsync has returned reaches NATS after it.
func (b *Bucket) PutAsync(ctx context.Context, key string, keep time.Duration) (outcome func() error) {
	ack, err := b.js.PublishMsgAsync(nats.NewMsg(b.Target(key)), jetstream.WithMsgTTL(keep))
	return func() error {
		if err == nil {
			err = awaitAck(ctx, ack)
		}
		return b.stream.Wrote(err)
	}
}

func awaitAck(ctx context.Context, ack jetstream.PubAckFuture) error {
	select {
	case <-ack.Ok():
		return nil
	case err := <-ack.Err():
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Purge removes a key, and lets no marker stay in its place.
func (b *Bucket) Purge(ctx context.Context, key string) error {
	return b.stream.Wrote(b.kv.Purge(ctx, key, jetstream.PurgeTTL(time.Second)))
}

// Keys are those that begin so and end with a token of their own, by the word
// of the stream's leader. A key may be among them whose value has just gone.
func (b *Bucket) Keys(ctx context.Context, beginning string) ([]string, error) {
	keys, err := b.stream.Subjects(ctx, b.Subject(beginning+">"))
	for i, subject := range keys {
		keys[i] = strings.TrimPrefix(subject, b.Subject(""))
	}
	return keys, err
}

// Watch shows a key's value and then each new one, until Unwatch.
func (b *Bucket) Watch(ctx context.Context, key string) (jetstream.KeyWatcher, error) {
	return b.kv.Watch(ctx, key)
}

// Life is when the bucket was made, as Keep saw it last. The revisions of one
// that was made again begin anew.
func (b *Bucket) Life() time.Time { return b.stream.CachedInfo().Created }

// WatchBehind shows the values that were written behind a revision, then nil when
// all have been shown that were there, and then each new one, until Unwatch.
func (b *Bucket) WatchBehind(ctx context.Context, keys string, revision uint64) (jetstream.KeyWatcher, error) {
	return b.kv.Watch(ctx, keys, jetstream.ResumeFromRevision(revision+1))
}

// Unwatch ends a watcher. The client library's goroutine, which shows the values, does
// not end while it waits for somebody to look: so it shows the rest to nobody.
func Unwatch(watcher jetstream.KeyWatcher) {
	_ = watcher.Stop()
	enough := time.NewTimer(AnswerPatience) // the end of one that broke off as it began is never told
	defer enough.Stop()
	for {
		select {
		case _, open := <-watcher.Updates():
			if !open {
				return
			}
		case <-enough.C:
			return
		}
	}
}

// Reached is a revision that the bucket has come to.
func (b *Bucket) Reached() uint64 { return b.stream.CachedInfo().State.LastSeq }

// Room is how large a message may be: the bus has a limit, and an administrator
// may have set one for the bucket.
func (b *Bucket) Room() int64 {
	room := b.js.Conn().MaxPayload()
	if most := int64(b.stream.CachedInfo().Config.MaxMsgSize); most > 0 {
		room = min(room, most)
	}
	return room
}

// Subject is that of a key in the bucket's stream.
func (b *Bucket) Subject(key string) string { return "$KV." + b.kv.Bucket() + "." + key }

// Target is the subject under which a key is written. Leaf nodes let none of
// the buckets' subjects through; a domain takes them behind its own.
func (b *Bucket) Target(key string) string {
	if prefix := apiPrefix(b.js); prefix != jetstream.DefaultAPIPrefix {
		return prefix + b.Subject(key)
	}
	return b.Subject(key)
}

// Load reads a key as JSON; the zero value and revision 0 if it holds nothing,
// ErrUnreadable if it holds something else.
func Load[T any](ctx context.Context, b *Bucket, key string) (value T, revision uint64, err error) {
	found, err := b.Get(ctx, key)
	if err != nil || found.Revision == 0 {
		return value, 0, err
	}
	if err := json.Unmarshal(found.Data, &value); err != nil {
		return value, found.Revision, fmt.Errorf("%s: %w: %w", key, ErrUnreadable, err)
	}
	return value, found.Revision, nil
}

// Save writes a key as JSON at the revision that was read; see Update.
func Save[T any](ctx context.Context, b *Bucket, key string, value T, revision uint64, keep time.Duration) (uint64, error) {
	data, err := schema.JSON(value)
	if err != nil {
		return 0, err
	}
	return b.Update(ctx, key, data, revision, keep)
}

// WholeSeconds rounds up to what JetStream counts a message's life in.
func WholeSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// SaveOver is Save that takes the place of whatever is older, though it was
// written since; ErrFenced if what it finds is newer.
func SaveOver[T any](ctx context.Context, b *Bucket, key string, value T, revision uint64, keep time.Duration, isNewer func(found T) bool) (uint64, error) {
	written, err := Save(ctx, b, key, value, revision, keep)
	if !IsConflict(err) {
		return written, err
	}
	found, revision, err := Load[T](ctx, b, key)
	if err != nil {
		return 0, err
	}
	if revision != 0 && isNewer(found) {
		return 0, ErrFenced
	}
	return Save(ctx, b, key, value, revision, keep)
}
