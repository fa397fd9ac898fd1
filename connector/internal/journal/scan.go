package journal

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/replicas"
)

// errStalled: a watcher whose server has gone may never say so.
var errStalled = errors.New("reading the journal has come to a standstill")

// stalledAfter is more than the longest pause of a watcher that goes on by itself.
const stalledAfter = 3 * bus.AnswerPatience

// Scan shows a replica's records that stand behind a sequence, as they are by now,
// and returns how far it came: what is written meanwhile may stand behind that.
// Whoever is shown them holds up the reading, so that they need no room.
func (j *Journal) Scan(ctx context.Context, of replicas.ID, behind uint64, show func(*Record)) (reached uint64, err error) {
	watching, end := context.WithCancel(ctx) // the client library holds a goroutine until it ends
	defer end()
	watcher, err := j.bucket.WatchBehind(watching, bucketKey("*"), behind)
	if err != nil {
		return behind, err
	}
	defer bus.Unwatch(watcher)
	stalled := time.NewTimer(stalledAfter)
	defer stalled.Stop()
	for reached = behind; ; stalled.Reset(stalledAfter) {
		select {
		case value, open := <-watcher.Updates():
			switch {
			case !open:
				return reached, nats.ErrConnectionClosed
			case value == nil: // what was there has been told
				return reached, nil
			}
			reached = value.Revision()
			if r := j.recordOf(of, value); r != nil {
				show(r)
			}
		case <-stalled.C:
			return reached, errStalled
		case <-ctx.Done():
			return reached, ctx.Err()
		}
	}
}

// recordOf is the record if it is the replica's. One that cannot be read is nobody's.
func (j *Journal) recordOf(of replicas.ID, value jetstream.KeyValueEntry) *Record {
	if value.Operation() != jetstream.KeyValuePut || !bytes.Contains(value.Value(), []byte(of)) {
		return nil
	}
	r, err := read(strings.TrimPrefix(value.Key(), bucketKey("")), value.Value(), value.Revision())
	if err != nil {
		j.log.Warn("a record of the journal cannot be read", "key", value.Key(), "error", err)
		return nil
	}
	if r.Replica != of {
		return nil
	}
	return r
}
