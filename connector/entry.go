package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// errUnknownChat says that the connector does not know the chat, or has forgotten it.
var errUnknownChat = errors.New("the chat is not known")

// errUnreadable says that something of the connector's own, kept in NATS, is not what it wrote.
var errUnreadable = errors.New("what is stored cannot be read")

// entry is a chat's entry in the bucket of chats, at the revision that was
// read or written last; revision 0 is an entry that is not there yet. The
// chat's holder keeps it up to date; it may lag behind the stream of events
// but never lead it, so it is written after what it tells is published.
type entry struct {
	schema.Chat
	revision uint64
	saved    uint64 // the sequence that was written last
	changed  bool   // more than the sequence is to be written
}

// apply takes in what an event says of the chat.
func (e *entry) apply(event schema.Event, sequence uint64) {
	e.Sequence = sequence
	switch event := event.(type) {
	case *schema.Status:
		e.State, e.EstimatedWaitTime, e.changed = event.State, event.EstimatedWaitTime, true
	case *schema.CaseSet:
		e.CaseID, e.changed = "", true
		if event.CaseID != nil {
			e.CaseID = *event.CaseID
		}
	case *schema.PartyJoined:
		e.removeParty(event.PartyID)
		e.Parties = append(e.Parties, schema.Party{PartyID: event.PartyID, DisplayName: event.DisplayName, PartyType: event.PartyType})
		e.changed = true
	case *schema.PartyLeft:
		e.removeParty(event.PartyID)
		e.changed = true
	}
}

func (e *entry) removeParty(id string) {
	e.Parties = slices.DeleteFunc(e.Parties, func(p schema.Party) bool { return p.PartyID == id })
}

func (e *entry) close(reason schema.CloseReason, at time.Time) {
	e.ClosedAt, e.ClosedReason, e.changed = schema.NewTime(at), reason, true
}

// isOver tells whether the contact center has ended the chat's session, as
// far as the connector knows. A detached chat is not over.
func (e *entry) isOver() bool {
	return e.ClosedReason != "" && e.ClosedReason != schema.ClosedDetached
}

func (e *entry) credentials() brightpattern.Credentials {
	return brightpattern.Credentials{App: brightpattern.AppID(e.AppID), Client: brightpattern.ClientID(e.ClientID)}
}

// knownChats reads and writes the bucket of chats.
type knownChats struct {
	js     jetstream.JetStream
	bucket jetstream.KeyValue
	keep   time.Duration // how long a closed chat stays known
}

// find returns errUnknownChat for a chat that has no entry.
func (k *knownChats) find(ctx context.Context, key chatKey) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	value, err := k.bucket.Get(ctx, string(key.token))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return entry{}, errUnknownChat
	}
	if err != nil {
		return entry{}, err
	}
	e := entry{revision: value.Revision()}
	if err := json.Unmarshal(value.Value(), &e.Chat); err != nil {
		return entry{}, fmt.Errorf("the chat's entry: %w: %w", errUnreadable, err)
	}
	e.saved = e.Sequence
	return e, nil
}

// save writes the entry if nobody else has written since it was read; the
// entry of a closed chat expires.
func (k *knownChats) save(ctx context.Context, key chatKey, e *entry) error {
	value, err := json.Marshal(e.Chat)
	if err != nil {
		return err
	}
	var keep time.Duration
	if e.ClosedAt != nil {
		keep = k.keep
	}
	revision, err := update(ctx, k.js, k.bucket, string(key.token), value, e.revision, keep)
	if err != nil {
		return err
	}
	e.revision, e.saved, e.changed = revision, e.Sequence, false
	return nil
}

// update writes a bucket's key at the revision that it was read at, 0 for a
// key that was not there, and lets the value expire after keep, unless that is
// 0. The bucket's own Update knows no expiry, so the message is written as the
// bucket would write it.
func update(ctx context.Context, js jetstream.JetStream, bucket jetstream.KeyValue, key string, value []byte, revision uint64, keep time.Duration) (uint64, error) {
	if revision == 0 {
		return create(ctx, bucket, key, value, keep)
	}
	options := []jetstream.PublishOpt{jetstream.WithExpectLastSequencePerSubject(revision)}
	if keep > 0 {
		options = append(options, jetstream.WithMsgTTL(keep))
	}
	ack, err := js.PublishMsg(ctx, &nats.Msg{Subject: "$KV." + bucket.Bucket() + "." + key, Data: value}, options...)
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

func create(ctx context.Context, bucket jetstream.KeyValue, key string, value []byte, keep time.Duration) (uint64, error) {
	if keep > 0 {
		return bucket.Create(ctx, key, value, jetstream.KeyTTL(keep))
	}
	return bucket.Create(ctx, key, value)
}
