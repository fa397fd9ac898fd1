package chats

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/clients"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// ErrUnknown says that the connector does not know the chat, or has forgotten it.
var ErrUnknown = errors.New("the chat is not known")

// Entry is a chat's entry in the bucket of chats, at the revision that was
// read or written last. The chat's holder keeps it up to date; it may lag
// behind the stream of events but never lead it, so it is written after what
// it tells is published.
type Entry struct {
	schema.Chat
	revision uint64 // 0: it is not there yet
	saved    uint64 // the sequence that was written last
	changed  bool   // more than the sequence is to be written
	vacant   bool   // nobody polls the chat yet, and perhaps nobody will

	client brightpattern.ClientID // "" where it is not known
	kept   clients.Kept           // when that was
	named  bool                   // the entry that is there has the clientId
}

// An entry that only lags by its sequence is written after so many messages,
// not after each: readers take the rest from the stream.
const entryLag = 32

// Apply takes in what an event says of the chat. It is the chat's message of
// that sequence, and stands there in the stream of events.
func (e *Entry) Apply(event schema.Event, sequence, position uint64) {
	e.Reach(sequence, position)
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
	if e.changed {
		e.bound()
	}
}

// Reach says which of the chat's messages is the last that the entry tells of,
// and where that one stands in the stream of events.
func (e *Entry) Reach(sequence, position uint64) { e.Sequence, e.StreamSequence = sequence, position }

// Displace says that the stream is another one than that which the entry knows.
func (e *Entry) Displace() { e.StreamSequence, e.changed = 0, true }

func (e *Entry) removeParty(id string) {
	id = beginning(id, longestValue)
	e.Parties = slices.DeleteFunc(e.Parties, func(p schema.Party) bool { return p.PartyID == id })
}

// Reopen makes the entry that of the token's opening, whatever the holder of
// an earlier one wrote last.
func (e *Entry) Reopen(t Token) {
	e.client, e.App, e.AppID = t.ClientID, t.App, string(t.AppID)
	e.OpenedAt, e.ClosedAt, e.ClosedReason = schema.Time{Time: t.OpenedAt}, nil, ""
	e.changed = true
}

// MarkClosed says since when and why the chat is closed.
func (e *Entry) MarkClosed(reason schema.CloseReason, at time.Time) {
	e.ClosedAt, e.ClosedReason, e.changed = schema.NewTime(at), reason, true
}

// IsOver tells whether the contact center has ended the chat's session, as
// far as the connector knows. A detached chat is not over.
func (e *Entry) IsOver() bool {
	return e.ClosedReason != "" && e.ClosedReason != schema.ClosedDetached
}

// Exists tells whether it has been written.
func (e *Entry) Exists() bool { return e.revision != 0 }

// IsWorthSaving tells whether readers would miss what is not written yet.
func (e *Entry) IsWorthSaving() bool { return e.changed || e.Sequence >= e.saved+entryLag }

// Lags tells whether the bucket does not have all of the entry.
func (e *Entry) Lags() bool { return e.changed || e.Sequence > e.saved }

// Find returns ErrUnknown for a chat that has no entry.
func (c *Chats) Find(ctx context.Context, key Key) (Entry, error) {
	found, revision, err := bus.Load[storedEntry](ctx, c.Streams.Chats, string(key.Token))
	if err == nil && revision == 0 {
		err = ErrUnknown
	}
	if err != nil {
		return Entry{}, err
	}
	return Entry{Chat: found.Chat, revision: revision, saved: found.Sequence, client: found.ClientID, named: found.ClientID != ""}, nil
}

// FindKnown is Find for who takes the chat for known. Where the bucket was lost,
// the chat's holder is given the time to put its entry back.
func (c *Chats) FindKnown(ctx context.Context, key Key) (Entry, error) {
	found, err := c.Find(ctx, key)
	if !errors.Is(err, ErrUnknown) {
		return found, err
	}
	if waited, settleErr := c.Streams.Chats.AwaitSettled(ctx); settleErr != nil || !waited {
		return found, cmp.Or(settleErr, err)
	}
	return c.Find(ctx, key)
}

// IsKnown finds out whether a chat has an entry, and for which app. It asks
// until it is known or ctx ends.
func (c *Chats) IsKnown(ctx context.Context, key Key) (app brightpattern.AppID, known bool) {
	found, err := bus.Ask(ctx, c.Log, "reading the chat's entry", func(ctx context.Context) (Entry, error) {
		found, err := c.Find(ctx, key)
		if errors.Is(err, ErrUnknown) {
			return Entry{}, nil
		}
		return found, err
	})
	return brightpattern.AppID(found.AppID), err == nil && found.Exists()
}

// Save writes the entry, unless somebody else has written since it was read;
// the entry of a closed chat expires, and that of one that nobody has polled.
func (c *Chats) Save(ctx context.Context, key Key, e *Entry) error {
	stored, err := c.store(ctx, key, e)
	if err != nil {
		return err
	}
	revision, err := bus.Save(ctx, c.Streams.Chats, string(key.Token), stored, e.revision, c.keepOf(e))
	return c.written(key, e, stored, revision, err)
}

// SaveAsHolder writes over whatever an opener wrote since, but never over a
// newer holder's entry: bus.ErrFenced.
func (c *Chats) SaveAsHolder(ctx context.Context, key Key, e *Entry) error {
	stored, err := c.store(ctx, key, e)
	if err != nil {
		return err
	}
	revision, err := bus.SaveOver(ctx, c.Streams.Chats, string(key.Token), stored, e.revision, c.keepOf(e),
		func(found storedEntry) bool { return found.Sequence > e.Sequence })
	return c.written(key, e, stored, revision, err)
}

func (c *Chats) keepOf(e *Entry) time.Duration {
	if e.ClosedAt != nil || e.vacant {
		return bus.WholeSeconds(c.Streams.Keeps())
	}
	return 0
}

func (c *Chats) written(key Key, e *Entry, stored storedEntry, revision uint64, err error) error {
	if err != nil {
		c.memory.forget(key)
		return err
	}
	e.revision, e.saved, e.changed, e.named = revision, e.Sequence, false, stored.ClientID != ""
	c.remember(key, e, time.Now())
	return nil
}

// All are the chats that have an entry, or have had one until now.
func (c *Chats) All(ctx context.Context) ([]Key, error) {
	tokens, err := c.Streams.Chats.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	var all []Key
	for _, token := range tokens {
		id := subjects.ChatToken(token).ID()
		if key, err := KeyOf(brightpattern.ChatID(id)); err == nil { // else nobody of ours has written it
			all = append(all, key)
		}
	}
	return all, nil
}
