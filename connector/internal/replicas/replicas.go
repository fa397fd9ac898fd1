// Package replicas is who else runs this connector, and how many chats each
// should have.
//
// Every replica has a record in the connector's own memory, under an id that
// it made at its start, and writes it anew several times before it would
// expire. So JetStream is the failure detector: a replica whose record is
// there is alive, or has been so within the time of a failover. The record is
// there before the replica takes its first command, and until it has finished
// its last one; one that leaves says so first, by room for no chats.
//
// A record that has gone proves less: a frozen replica may wake up, one that
// NATS was away from comes back, and both announce themselves again. What must
// not happen twice needs a fence beside it.
package replicas

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// ID is a replica's, unique from its start to its end.
type ID string

// NewID makes a replica's id, at its start.
func NewID() ID { return ID(uuid.NewString()) }

// ClockSkew is more than the clocks of replicas and servers should differ.
const ClockSkew = time.Second

// Replica is what a replica says of itself.
type Replica struct {
	MaxChats int    `json:"maxChats"`         // 0: it leaves
	Chats    int    `json:"chats"`            // that it polled when it said so
	Format   Format `json:"format,omitempty"` // that it understands; Announce fills it in
}

// Format is what a version understands of what others have written. A version
// that writes something in a new way has a higher one, and writes it in the old
// way for as long as one lives that does not understand the new: replicas of two
// versions work beside each other during an update.
type Format int

// The formats; 0 is that of the versions that told none.
const (
	FormatReferences Format = 1 // see package clients

	FormatJournal Format = 2 // see poller/segment.go

	FormatFiles Format = 3 // runs chat.file, see command.Lately

	FormatDebts Format = 4 // settles what stands in the journal behind a mark, see outbox; looks for an event first

	ThisFormat = FormatDebts
)

// Registry is where replicas find each other.
type Registry struct {
	bucket *bus.Bucket
	self   ID
	keep   time.Duration // how long a record lasts
	every  time.Duration // how often it is renewed
	health *bus.Health
	log    *slog.Logger

	mu     sync.Mutex
	asked  bool   // who is alive
	oldest Format // among those that were alive
	absent int    // looks, in a row, that found none of that format
}

const (
	renewalsPerRecord = 4               // so that one lost renewal loses nothing
	longestRenewal    = 5 * time.Second // what it says should not be old
	recordKeys        = "replica."
)

// NewRegistry keeps records in a bucket for as long as a failover may take.
func NewRegistry(bucket *bus.Bucket, self ID, failoverAfter time.Duration, health *bus.Health, log *slog.Logger) *Registry {
	return &Registry{
		bucket: bucket, self: self, health: health, log: log,
		keep:  bus.WholeSeconds(failoverAfter),
		every: min(failoverAfter/renewalsPerRecord, longestRenewal),
	}
}

// Every is how often records are renewed: as often they are worth reading.
func (r *Registry) Every() time.Duration { return r.every }

// Alive are the replicas whose records are there, by the word of the stream's
// leader: a lagging copy could lack one that has just begun.
func (r *Registry) Alive(ctx context.Context) (map[ID]Replica, error) {
	keys, err := r.bucket.Keys(ctx, recordKeys)
	if err != nil {
		return nil, err
	}
	alive := make(map[ID]Replica, len(keys))
	for _, key := range keys {
		value, err := r.bucket.Get(ctx, key)
		if err != nil {
			return nil, err
		}
		if value.Revision == 0 {
			continue // the marker of a record that has gone
		}
		var found Replica
		_ = json.Unmarshal(value.Data, &found) // one that is written otherwise is alive, too
		alive[ID(strings.TrimPrefix(key, recordKeys))] = found
	}
	r.noteOldest(alive, false)
	return alive, nil
}

// Look finds out which formats are understood. It is to be done regularly.
func (r *Registry) Look(ctx context.Context) error {
	alive, err := r.Alive(ctx)
	if err == nil {
		r.noteOldest(alive, true)
	}
	return err
}

// absentMost looks must have found none of a format until it is taken to be
// gone: when NATS was away, records come back one after the other.
const absentMost = 3

// noteOldest knows of an older format at once, but of a newer one only by looks.
func (r *Registry) noteOldest(alive map[ID]Replica, looked bool) {
	oldest := ThisFormat
	for _, other := range alive {
		oldest = min(oldest, other.Format)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if looked && oldest > r.oldest {
		r.absent++
	}
	if !r.asked || oldest <= r.oldest || r.absent >= absentMost {
		r.asked, r.oldest, r.absent = true, oldest, 0
	}
}

// Oldest is the lowest format among the replicas that are alive, or were until
// now; 0 as long as nobody has asked.
func (r *Registry) Oldest() Format {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.oldest
}

// Announce writes this replica's record; nobody else writes there, so it
// needs no revision.
func (r *Registry) Announce(ctx context.Context, record Replica) error {
	record.Format = ThisFormat
	data, err := schema.JSON(record)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.every)
	defer cancel()
	err = r.bucket.Put(ctx, recordKeys+string(r.self), data, r.keep)
	r.health.Announced(err)
	return err
}

// Renew keeps the record there until ctx ends, and then says that this
// replica leaves. JetStream expires the record if this process dies first.
func (r *Registry) Renew(ctx context.Context, say func() Replica) {
	pauses := retry.NewBackOff(retry.FirstPause, r.every)
	trouble := &retry.Trouble{Log: r.log, Doing: "telling the other replicas of this one"}
	for pause := r.every; ; {
		retry.Sleep(ctx, pause)
		if ctx.Err() != nil {
			break
		}
		err := r.Announce(ctx, say())
		if pause = r.every; err == nil {
			pauses.Reset()
		} else if ctx.Err() == nil {
			trouble.Note(err)
			pause = pauses.NextBackOff()
		}
	}
	_ = r.Announce(context.WithoutCancel(ctx), Replica{}) // without it, the others learn by the next renewal that is missing
}

// Withdraw removes the record, when nothing is left to do.
func (r *Registry) Withdraw(ctx context.Context) error {
	return r.bucket.Purge(ctx, recordKeys+string(r.self))
}
