package connector

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/subjects"
)

// The stream of session tokens is the list of what is to be polled. One that
// was deleted comes back empty, and nobody would poll the chats that are open;
// so their tokens are made again, from what is known of them elsewhere. When
// that is done for a stream, its birth is noted: it is known by that.

const restoredKey = "tokens" // in the connector's own memory

// keepTokens restores the tokens of a stream that was made anew, if nobody has.
// It may run on several replicas at once.
func (c *Connector) keepTokens(ctx context.Context) error {
	info, err := c.stores.tokens.Info(ctx)
	if err != nil || info.Created.Equal(c.tokensOf) {
		return err
	}
	made := info.Created.UTC().Format(time.RFC3339Nano)
	noted, err := c.stores.state.Get(ctx, restoredKey)
	switch {
	case err == nil && string(noted.Value()) == made:
	case err == nil, errors.Is(err, jetstream.ErrKeyNotFound):
		if err := c.restoreTokens(ctx); err != nil {
			return err
		}
		if _, err := c.stores.state.PutString(ctx, restoredKey, made); err != nil {
			return err
		}
	default:
		return err
	}
	c.tokensOf = info.Created
	return nil
}

func (c *Connector) restoreTokens(ctx context.Context) error {
	keys, err := c.stores.chats.ListKeys(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = keys.Stop() }()
	restored := 0
	for name := range keys.Keys() {
		published, err := c.restoreToken(ctx, subjects.ChatToken(name))
		if err != nil {
			return err
		}
		if published {
			restored++
		}
	}
	if restored > 0 {
		c.log.Warn("the stream of chats to poll was made anew: the chats that are open are polled again", "chats", restored)
	}
	return ctx.Err()
}

func (c *Connector) restoreToken(ctx context.Context, name subjects.ChatToken) (published bool, err error) {
	key, err := keyOf(brightpattern.ChatID(name.ID()))
	if err != nil {
		return false, err
	}
	e, err := c.known.find(ctx, key)
	if errors.Is(err, errUnknownChat) || err == nil && e.ClosedAt != nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	opening, err := c.lastOpening(ctx, key)
	if err != nil {
		return false, err
	}
	return c.publishToken(ctx, key, sessionToken{
		Opening: opening, ChatID: key.id, ClientID: brightpattern.ClientID(e.ClientID),
		App: e.App, AppID: brightpattern.AppID(e.AppID), State: e.State, OpenedAt: e.OpenedAt.UTC(),
	})
}

// lastOpening is the opening of the chat that was announced last, or a new one.
func (c *Connector) lastOpening(ctx context.Context, key chatKey) (string, error) {
	announced, err := c.stores.events.GetLastMsgForSubject(ctx, c.cfg.Prefix.Session(key.token, subjects.Opened))
	switch {
	case err == nil:
		return announced.Header.Get(headerOpening), nil
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return "", err
	}
	found, err := c.checkpoints.find(ctx, key) // the stream has forgotten it
	if err != nil || found.Opening != "" {
		return found.Opening, err
	}
	return newOpening(), nil
}
