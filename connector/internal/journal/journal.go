package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// ErrOvertaken says that somebody else has gone on with the command.
var ErrOvertaken = errors.New("somebody else has gone on with the command")

// Journal keeps the records of commands. It may be used from any goroutine.
type Journal struct {
	bucket *bus.Bucket
	log    *slog.Logger

	mu      sync.Mutex
	reached uint64
	isAnew  bool // it was made anew; what is known of its stream may be of the one that was lost
}

// New keeps them in a bucket.
func New(bucket *bus.Bucket, log *slog.Logger) *Journal {
	return &Journal{bucket: bucket, log: log}
}

// Reached is a sequence that the journal has come to: whatever is written from
// now on stands behind it, unless the journal is lost and made anew. It moves also
// while only others write, and never back but by BeginAnew.
func (j *Journal) Reached() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.isAnew {
		j.reached = max(j.reached, j.bucket.Reached())
	}
	return j.reached
}

// BeginAnew is for a journal that was made anew: it has come no further than that.
func (j *Journal) BeginAnew(sequence uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reached, j.isAnew = sequence, true
}

// note knows that the journal has come so far.
func (j *Journal) note(sequence uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.reached = max(j.reached, sequence)
}

func bucketKey(key string) string { return "command." + key }

// Find returns nil for a command that has no record.
func (j *Journal) Find(ctx context.Context, key string) (*Record, error) {
	return bus.Ask(ctx, j.log, "reading the journal of commands", func(ctx context.Context) (*Record, error) {
		value, err := j.bucket.Get(ctx, bucketKey(key))
		if err != nil || value.Revision == 0 {
			return nil, err
		}
		r, err := read(key, value.Data, value.Revision)
		if err != nil {
			err = retry.Final(err)
		}
		return r, err
	})
}

func read(key string, data []byte, revision uint64) (*Record, error) {
	r := &Record{revision: revision}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("a record of the journal: %w: %w", bus.ErrUnreadable, err)
	}
	r.Key = key
	return r, nil
}

// Write puts the record into the journal; ErrOvertaken if somebody else has
// written since it was read.
func (j *Journal) Write(ctx context.Context, r *Record) error {
	data, err := schema.JSON(r)
	if err != nil {
		return err
	}
	_, err = bus.Ask(ctx, j.log, "writing the journal of commands", func(ctx context.Context) (struct{}, error) {
		revision, err := j.bucket.Update(ctx, bucketKey(r.Key), data, r.revision, 0)
		if bus.IsWrongSequence(err) {
			return struct{}{}, j.recognize(ctx, r, data)
		}
		if err == nil {
			r.revision = revision
			j.note(revision)
		}
		return struct{}{}, err
	})
	return err
}

// recognize finds out whether a write that was refused had been stored by an
// earlier try, whose answer was lost.
func (j *Journal) recognize(ctx context.Context, r *Record, data []byte) error {
	stored, err := j.bucket.Get(ctx, bucketKey(r.Key))
	switch {
	case err != nil:
		return err
	case stored.Revision == 0 && r.revision != 0: // the journal was lost, and nobody has gone on
		r.revision = 0
		return errors.New("the record has vanished from the journal, and is written anew")
	case !bytes.Equal(stored.Data, data):
		return retry.Final(ErrOvertaken)
	}
	r.revision = stored.Revision
	j.note(stored.Revision)
	return nil
}

// Await returns the record when its command is done.
func (j *Journal) Await(ctx context.Context, key string) (*Record, error) {
	watcher, err := j.bucket.Watch(ctx, bucketKey(key))
	if err != nil {
		return nil, err
	}
	defer bus.Unwatch(watcher)
	for {
		select {
		case value, open := <-watcher.Updates():
			if !open {
				return nil, nats.ErrConnectionClosed
			}
			if value == nil { // what was there has been told
				continue
			}
			if value.Operation() != jetstream.KeyValuePut {
				return nil, errors.New("the command's record was removed")
			}
			if r, err := read(key, value.Value(), value.Revision()); err != nil || r.Done != nil {
				return r, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
