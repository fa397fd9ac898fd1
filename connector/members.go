package connector

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// # Members
//
// Every replica has a record in the connector's own memory, under an id that
// it made at its start, and writes it anew several times before it would
// expire. So JetStream is the failure detector: a replica whose record is
// there is alive, or has been so within FailoverAfter. The record is there
// before the replica takes its first command, and until it has finished its
// last one; one that leaves says so first, by room for no chats.
//
// A record that has gone proves less: a frozen replica may wake up, one that
// NATS was away from comes back, and both announce themselves again. What must
// not happen twice needs a fence beside it.

// replicaID is a replica's id, from its start to its end.
type replicaID string

func newReplicaID() replicaID { return replicaID(uuid.NewString()) }

// member is what a replica says of itself.
type member struct {
	MaxChats int `json:"maxChats"` // 0: it leaves
	Chats    int `json:"chats"`    // that it polled when it said so
}

// members are the replicas of this connector, this one included.
type members struct {
	js     jetstream.JetStream
	bucket jetstream.KeyValue
	stream jetstream.Stream // the bucket's
	self   replicaID
	keep   time.Duration // how long a record lasts
	every  time.Duration // how often it is renewed
	health *health
	log    *slog.Logger
}

const (
	renewalsPerRecord = 4               // so that one lost renewal loses nothing
	longestRenewal    = 5 * time.Second // what it says should not be old
	memberKeys        = "replica."
)

func (c *Connector) newMembers(ctx context.Context) (*members, error) {
	bucket := c.stores.state
	stream, err := c.js.Stream(ctx, bucketPrefix+bucket.Bucket())
	if err != nil {
		return nil, err
	}
	return &members{
		js: c.js, bucket: bucket, stream: stream, self: c.replica, health: &c.health, log: c.log,
		keep:  wholeSeconds(c.cfg.FailoverAfter),
		every: min(c.cfg.FailoverAfter/renewalsPerRecord, longestRenewal),
	}, nil
}

// wholeSeconds rounds up to what JetStream counts a message's life in.
func wholeSeconds(d time.Duration) time.Duration { return (d + time.Second - 1).Truncate(time.Second) }

// subject is that of a key in the bucket's stream.
func (m *members) subject(key string) string { return "$KV." + m.bucket.Bucket() + "." + key }

// alive are the replicas whose records are there, by the word of the stream's
// leader: a lagging copy could lack one that has just begun, and a consumer,
// which the bucket's own lists of keys are made by, one that is being renewed.
func (m *members) alive(ctx context.Context) (map[replicaID]member, error) {
	info, err := m.stream.Info(ctx, jetstream.WithSubjectFilter(m.subject(memberKeys+">")))
	if err != nil {
		return nil, err
	}
	alive := make(map[replicaID]member, len(info.State.Subjects))
	for subject := range info.State.Subjects {
		key := strings.TrimPrefix(subject, m.subject(""))
		value, err := m.bucket.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			continue // the marker of a record that has gone
		}
		if err != nil {
			return nil, err
		}
		var found member
		_ = json.Unmarshal(value.Value(), &found) // one that is written otherwise is alive, too
		alive[replicaID(strings.TrimPrefix(key, memberKeys))] = found
	}
	return alive, nil
}

// announce writes this replica's record; nobody else writes there, so it
// needs no revision.
func (m *members) announce(ctx context.Context, record member) error {
	value, err := json.Marshal(record)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, m.every)
	defer cancel()
	_, err = m.js.PublishMsg(ctx, &nats.Msg{Subject: m.subject(memberKeys + string(m.self)), Data: value}, jetstream.WithMsgTTL(m.keep))
	m.health.announced(err)
	return err
}

// renew keeps the record there until ctx ends, and then says that this
// replica leaves. JetStream expires the record if this process dies first.
func (m *members) renew(ctx context.Context, say func() member) {
	retry, trouble := newBackOff(firstPause, m.every), &trouble{log: m.log, doing: "telling the other replicas of this one"}
	for pause := m.every; ; {
		sleep(ctx, pause)
		if ctx.Err() != nil {
			break
		}
		err := m.announce(ctx, say())
		if pause = m.every; err == nil {
			retry.Reset()
		} else if ctx.Err() == nil {
			trouble.note(err)
			pause = retry.NextBackOff()
		}
	}
	_ = m.announce(context.WithoutCancel(ctx), member{}) // without it, the others learn by the next renewal that is missing
}

// withdraw removes the record, and lets no marker stay in its place.
func (m *members) withdraw(ctx context.Context) error {
	return m.bucket.Purge(ctx, memberKeys+string(m.self), jetstream.PurgeTTL(time.Second))
}

// presence is what this replica says of itself for the moment.
func (c *Connector) presence() member {
	return member{MaxChats: c.cfg.MaxChats, Chats: c.held.count()}
}
