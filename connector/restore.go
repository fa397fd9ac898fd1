package connector

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

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
	if !c.tokensOf.IsZero() { // what is held here has the place of another chat in this stream
		c.tokensOf = time.Time{}
		for _, h := range c.held.all() {
			h.lease.cancel(errLeaseLost)
		}
	}
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

// restoresMost are restored at a time.
const restoresMost = 32

// restoreTokens has every open chat polled that nobody polls any more.
func (c *Connector) restoreTokens(ctx context.Context) error {
	stream, err := c.js.Stream(ctx, bucketPrefix+c.stores.chats.Bucket())
	if err != nil {
		return err
	}
	subject := "$KV." + c.stores.chats.Bucket() + "."
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject+">"))
	if err != nil {
		return err
	}
	var restored atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(restoresMost)
	for chat := range info.State.Subjects {
		group.Go(func() error {
			published, err := c.restoreToken(ctx, subjects.ChatToken(strings.TrimPrefix(chat, subject)))
			if published {
				restored.Add(1)
			}
			return err
		})
	}
	err = group.Wait()
	if n := restored.Load(); n > 0 {
		c.log.Warn("the stream of chats to poll was made anew: the chats that are open are polled again", "chats", n)
	}
	return err
}

func (c *Connector) restoreToken(ctx context.Context, name subjects.ChatToken) (published bool, err error) {
	key, err := keyOf(brightpattern.ChatID(name.ID()))
	if err != nil { // nobody of ours has written it
		return false, nil
	}
	e, err := c.known.find(ctx, key)
	switch {
	case errors.Is(err, errUnreadable):
		c.log.Error("a chat's entry cannot be read: if it is open, nobody polls it", "chat", key.id, "error", err)
		return false, nil
	case errors.Is(err, errUnknownChat), err == nil && e.ClosedAt != nil:
		return false, nil
	case err != nil:
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
	switch {
	case errors.Is(err, errUnreadable), err == nil && found.Opening == "":
		return newOpening(), nil
	}
	return found.Opening, err
}
