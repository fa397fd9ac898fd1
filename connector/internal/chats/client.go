package chats

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/clients"
	"cc-connector/schema"
)

// The client of a chat, which its entry tells nobody: see package clients.

// storedEntry is an entry as it stands in the bucket, which others read.
type storedEntry struct {
	schema.Chat
	ClientID brightpattern.ClientID `json:"clientId,omitempty"` // while an earlier version lives
}

// Credentials are those that the chat's calls are made with; ErrUnknown if the
// connector has forgotten its client.
func (c *Chats) Credentials(ctx context.Context, key Key, e *Entry) (brightpattern.Credentials, error) {
	client, err := c.clientOf(ctx, key, e)
	if err == nil {
		e.client = client
	}
	return brightpattern.Credentials{App: brightpattern.AppID(e.AppID), Client: client}, err
}

// clientOf finds the client that the entry does not have where others read it.
func (c *Chats) clientOf(ctx context.Context, key Key, e *Entry) (brightpattern.ClientID, error) {
	if e.client != "" {
		return e.client, nil
	}
	if e.ClientRef != "" {
		if found, err := c.Clients.Find(ctx, clients.Ref(e.ClientRef)); err != nil || found != "" {
			return found, err
		}
	}
	token, err := c.currentToken(ctx, key) // the connector's memory was lost
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && token.ClientID == "" {
		return "", ErrUnknown
	}
	return token.ClientID, err
}

// store is the entry as it is to be written. Its client is kept before, so that
// it can be found for as long as the entry stands.
func (c *Chats) store(ctx context.Context, key Key, e *Entry) (storedEntry, error) {
	e.bound() // an earlier version may have written it
	client, err := c.clientOf(ctx, key, e)
	if errors.Is(err, ErrUnknown) {
		return storedEntry{Chat: e.Chat}, nil
	}
	if err != nil {
		return storedEntry{}, err
	}
	e.client = client
	if e.ClosedAt != nil || e.ClientRef != string(c.Clients.Ref(client)) || c.Clients.IsDue(e.kept) {
		if e.kept, err = c.Clients.Keep(ctx, client); err != nil {
			return storedEntry{}, err
		}
		e.ClientRef = string(e.kept.Ref)
	}
	stored := storedEntry{Chat: e.Chat}
	if c.Clients.EarlierLives() {
		stored.ClientID = client
	}
	return stored, nil
}

// Of is the entry of a chat that is held by the token, whose client counts.
func (e Entry) Of(t Token) Entry {
	e.client = t.ClientID
	return e
}

// IsStale tells whether an open chat's entry is to be written for its client's
// sake: to have it kept again, or to name it for an earlier version, or no more.
func (c *Chats) IsStale(e *Entry) bool {
	return !c.SuitsAll(e) || c.Clients.IsDue(e.kept)
}

// SuitsAll tells whether every version that lives finds the client by the entry,
// and nobody else does.
func (c *Chats) SuitsAll(e *Entry) bool { return e.named == c.Clients.EarlierLives() }
