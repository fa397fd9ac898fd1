package admin

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/schema"
)

// What of the chat stands in the connector's own memory: message numbers, the
// checkpoint and its segments, requests to close it, what replicas owe it, and what
// its client is known by, if no other chat has that client.

// dropState removes it by keys, of which the first or last token is the chat's.
func (p *purge) dropState(ctx context.Context) error {
	if err := p.gatherOpening(ctx); err != nil {
		return err
	}
	for what, keys := range p.stateKeys() {
		if err := p.dropKeys(ctx, p.streams.State, what, keys...); err != nil {
			return err
		}
	}
	return errors.Join(p.dropOwed(ctx), p.dropClients(ctx))
}

func (p *purge) stateKeys() map[string][]string {
	token := string(p.key.Token)
	keys := map[string][]string{
		"message numbers": {"number." + token},
		"checkpoints":     {"checkpoint." + token, "checkpoint." + token + ".>"},
	}
	for opening := range p.openings {
		keys["close requests"] = append(keys["close requests"], "closing."+string(opening))
	}
	return keys
}

func (p *purge) dropKeys(ctx context.Context, b *bus.Bucket, what string, keys ...string) error {
	for _, key := range keys {
		n, err := b.Drop(ctx, key)
		p.count(b.Name(), what, n)
		if err != nil {
			return err
		}
	}
	return nil
}

// gatherOpening learns which opening the checkpoint is of.
func (p *purge) gatherOpening(ctx context.Context) error {
	found, _, err := bus.Load[struct {
		Opening chats.OpeningID `json:"opening"`
	}](ctx, p.streams.State, "checkpoint."+string(p.key.Token))
	if errors.Is(err, bus.ErrUnreadable) {
		return nil
	}
	p.knowOpening(found.Opening)
	return err
}

// dropOwed removes what replicas have written down of the chat's lost answers, and of
// its commands.
func (p *purge) dropOwed(ctx context.Context) error {
	keys, err := p.streams.State.Keys(ctx, "owed.")
	if err != nil {
		return err
	}
	for _, key := range keys { // owed.<replica>.<kind>.<key>
		if tokens := strings.Split(key, "."); len(tokens) == 4 && (tokens[3] == string(p.key.Token) || p.commands[tokens[3]]) {
			if err := p.dropKeys(ctx, p.streams.State, "outbox entries", key); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropClients removes the chat's client, unless another chat has it.
func (p *purge) dropClients(ctx context.Context) error {
	if len(p.refs) == 0 {
		return nil
	}
	others, err := p.refsOfOthers(ctx)
	if err != nil {
		return err
	}
	for ref := range p.refs {
		if others[ref] {
			continue
		}
		if err := p.dropKeys(ctx, p.streams.State, "clients", "client."+ref); err != nil {
			return err
		}
	}
	return nil
}

// refsOfOthers are what the clients of all other chats are known by. An entry that
// cannot be read may be of any.
func (p *purge) refsOfOthers(ctx context.Context) (map[string]bool, error) {
	keys, err := p.streams.Chats.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	refs := make(map[string]bool)
	var mu sync.Mutex
	reading, ctx := errgroup.WithContext(ctx)
	reading.SetLimit(readsAtOnce)
	for _, key := range keys {
		if key == string(p.key.Token) {
			continue
		}
		reading.Go(func() error {
			entry, _, err := bus.Load[schema.Chat](ctx, p.streams.Chats, key)
			if err != nil {
				return fmt.Errorf("whether another chat has the same client is not known: %w", err)
			}
			mu.Lock()
			defer mu.Unlock()
			refs[entry.ClientRef] = true
			return nil
		})
	}
	return refs, reading.Wait()
}

// dropEntry removes the chat's entry, which others read.
func (p *purge) dropEntry(ctx context.Context) error {
	return p.dropKeys(ctx, p.streams.Chats, "entries", string(p.key.Token))
}
