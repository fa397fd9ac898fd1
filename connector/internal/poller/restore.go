package poller

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/lease"
	"cc-connector/subjects"
)

// # Tokens whose stream was lost
//
// The stream of session tokens is the list of what is to be polled. One that
// was deleted comes back empty, and nobody would poll the chats that are open;
// so their tokens are made again, from what is known of them elsewhere. When
// that is done for a stream, the time of its creation is written down: it is
// known by that.

const restoredKey = "tokens" // in the connector's own memory

// RestoreTokens makes the tokens again of a stream that was made anew, if
// nobody has. It may run on several replicas at once, but only once at a time
// on each.
func (p *Poller) RestoreTokens(ctx context.Context) error {
	info, err := p.Streams.Sessions.Info(ctx)
	if err != nil || info.Created.Equal(p.restoredSince) {
		return err
	}
	if !p.restoredSince.IsZero() { // what is held here has the place of another chat in this stream
		p.restoredSince = time.Time{}
		for _, h := range p.held.all() {
			h.lease.Drop(lease.ErrLost)
		}
	}
	created := info.Created.UTC().Format(time.RFC3339Nano)
	found, err := p.Streams.State.Get(ctx, restoredKey)
	if err != nil {
		return err
	}
	if string(found.Data) != created {
		if err := p.restoreAll(ctx); err != nil {
			return err
		}
		if err := p.Streams.State.Put(ctx, restoredKey, []byte(created), 0); err != nil {
			return err
		}
	}
	p.restoredSince = info.Created
	return nil
}

// restoresMost are restored at a time.
const restoresMost = 32

// restoreAll has every open chat polled that nobody polls any more.
func (p *Poller) restoreAll(ctx context.Context) error {
	all, err := p.Chats.All(ctx)
	if err != nil {
		return err
	}
	var restored atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(restoresMost)
	for _, key := range all {
		group.Go(func() error {
			published, err := p.restore(ctx, key)
			if published {
				restored.Add(1)
			}
			return err
		})
	}
	err = group.Wait()
	if n := restored.Load(); n > 0 {
		p.Log.Warn("the stream of chats to poll was made anew: the chats that are open are polled again", "chats", n)
	}
	return err
}

func (p *Poller) restore(ctx context.Context, key chats.Key) (published bool, err error) {
	e, err := p.Chats.Find(ctx, key)
	switch {
	case errors.Is(err, bus.ErrUnreadable):
		p.Log.Error("a chat's entry cannot be read: if it is open, nobody polls it", "chat", key.ID, "error", err)
		return false, nil
	case errors.Is(err, chats.ErrUnknown), err == nil && e.ClosedAt != nil:
		return false, nil
	case err != nil:
		return false, err
	}
	credentials, err := p.Chats.Credentials(ctx, key, &e)
	if errors.Is(err, chats.ErrUnknown) {
		p.Log.Error("a chat's client is not known any more: nobody polls the chat until it is attached", "chat", key.ID)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	opening, err := p.lastOpening(ctx, key)
	if err != nil {
		return false, err
	}
	return p.Chats.PublishToken(ctx, key, chats.Token{
		Opening: opening, ChatID: key.ID, ClientID: credentials.Client,
		App: e.App, AppID: credentials.App, State: e.State, OpenedAt: e.OpenedAt.UTC(),
	})
}

// lastOpening is the opening of the chat that was announced last, or a new one.
func (p *Poller) lastOpening(ctx context.Context, key chats.Key) (chats.OpeningID, error) {
	opened, err := p.Streams.Events.Last(ctx, p.cfg.Prefix.Session(key.Token, subjects.Opened))
	switch {
	case err == nil:
		return chatlog.OpeningOf(opened), nil
	case !errors.Is(err, jetstream.ErrMsgNotFound):
		return "", err
	}
	found, err := p.findCheckpoint(ctx, key) // the stream has forgotten it
	switch {
	case errors.Is(err, bus.ErrUnreadable), err == nil && found.Opening == "":
		return chats.NewOpeningID(), nil
	}
	return found.Opening, err
}
