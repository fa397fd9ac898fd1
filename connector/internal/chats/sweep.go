package chats

import (
	"context"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/retry"
)

// # What nobody would remove
//
// What is known of a chat beside its entry expires with it. But a process can
// die before that is written, or after the chat's number and before its entry.
// So what belongs to a chat that has neither entry nor token, and has not been
// written for long, is let expire. It is written at the revision that was read:
// who opens the chat just then is not robbed of it.

const (
	sweepEvery = time.Hour
	sweepAge   = 10 * time.Minute // longer than opening a chat takes
	sweptAfter = time.Minute
)

// kept are the beginnings of the keys, in the connector's own memory, of what
// belongs to a chat. Its token follows.
var kept = []string{"number.", "checkpoint."}

// Tend lets expire what belongs to no chat, now and then, until ctx ends.
func (c *Chats) Tend(ctx context.Context) {
	for {
		retry.Sleep(ctx, sweepEvery/2+rand.N(sweepEvery)) // not all replicas at once
		if ctx.Err() != nil {
			return
		}
		if err := c.sweep(ctx, sweepAge); err != nil && ctx.Err() == nil {
			c.Log.Warn("what is left of chats that are not known any more could not be removed; it is tried again", "error", err)
		}
	}
}

func (c *Chats) sweep(ctx context.Context, age time.Duration) error {
	found := map[string]string{} // chats by key
	for _, beginning := range kept {
		keys, err := c.Streams.State.Keys(ctx, beginning)
		if err != nil {
			return err
		}
		for _, key := range keys {
			found[key], _, _ = strings.Cut(strings.TrimPrefix(key, beginning), ".")
		}
	}
	known, err := c.known(ctx) // later, so that none is missed
	if err != nil {
		return err
	}
	maps.DeleteFunc(found, func(_, chat string) bool { return known[chat] })
	for key := range found {
		if err := c.letExpire(ctx, key, age); err != nil {
			return err
		}
	}
	return nil
}

// known are the chats that have an entry or a token.
func (c *Chats) known(ctx context.Context) (map[string]bool, error) {
	all := map[string]bool{}
	entries, err := c.Streams.Chats.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	for _, chat := range entries {
		all[chat] = true
	}
	tokens, err := c.Streams.Sessions.Subjects(ctx, c.cfg.Prefix.Internal("session", "*"))
	for _, subject := range tokens {
		all[subject[strings.LastIndexByte(subject, '.')+1:]] = true
	}
	return all, err
}

func (c *Chats) letExpire(ctx context.Context, key string, age time.Duration) error {
	value, err := c.Streams.State.Get(ctx, key)
	if err != nil || value.Revision == 0 || time.Since(value.Created) < age {
		return err
	}
	_, err = c.Streams.State.Update(ctx, key, value.Data, value.Revision, sweptAfter)
	if bus.IsConflict(err) {
		return nil
	}
	return err
}
