package chats

import (
	"context"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// # A chat that was purged
//
// The stream of events knows the ids of its last messages for some minutes, also of
// those that are erased. A chat that is attached again in that time would begin
// anew with the ids that it had, and the stream take the first of them for
// repeats. So a purge leaves a mark for as long, and until it expires the chat is
// opened by nobody. The mark does not tell which chat it is of.

func purgedKey(key Key) string { return "purged." + translate.ID("purged", string(key.Token)) }

// MarkPurged has the chat opened by nobody until the stream of events has forgotten
// the ids of all its messages, of which the last one may come so much later.
func MarkPurged(ctx context.Context, s *bus.Streams, key Key, later time.Duration) error {
	keep := s.Events.CachedInfo().Config.Duplicates + later + replicas.ClockSkew
	return s.State.Put(ctx, purgedKey(key), nil, bus.WholeSeconds(keep))
}

// UnmarkPurged lets a chat be opened again of which nothing was removed after all.
func UnmarkPurged(ctx context.Context, s *bus.Streams, key Key) error {
	_, err := s.State.Drop(ctx, purgedKey(key))
	return err
}

var errPurged = &schema.Error{
	Code: schema.CodeUnavailable, Message: "the chat has just been purged: it can be attached again some minutes later",
	Retryable: true, Outcome: schema.OutcomeNotDone,
}

// checkNotPurged is an error for a chat that was purged a moment ago.
func (c *Chats) checkNotPurged(ctx context.Context, key Key) error {
	found, err := c.Streams.State.Get(ctx, purgedKey(key))
	if err == nil && found.Revision != 0 {
		return errPurged
	}
	return err
}

// ForgetPurged drops what this replica remembers of a chat that is purged.
func (c *Chats) ForgetPurged(key Key) {
	if client := c.memory.drop(key); client != "" {
		c.Clients.Forget(client)
	}
	c.numbers.known.Remove(key)
}
