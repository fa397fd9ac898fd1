package poller

import (
	"context"
	"errors"
	"slices"
	"sync"
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

// # What stood in streams that were lost
//
// A stream may be deleted, or NATS come back with an empty disk. It is made
// again, and known by the time of its creation. Each replica then puts back what
// it knows: of a chat that it holds, the fence, the checkpoint and the entry.
//
// If it is the stream of session tokens, the holders cannot go on: what they
// hold has the place of another chat in the new one. So they let go, after what
// they have in hand is published; checkpoint, entry and token are put back, in
// this order; and whoever takes the token goes on with sequence and counts, and
// looks into the history for what is missing. The same is done for a chat that
// was let go before because NATS was away: its holder stays as an estate until
// it turns out that the streams are the same.
//
// Last, when every replica has had its time for that, the chats of which an entry
// stands there have their tokens made again, whoever held them. When that is done
// for a stream of tokens, the time of its creation is written down: nobody need
// do it again.

const restoredKey = "tokens" // in the connector's own memory

// Restore puts back what was lost with streams, if any was. It may run on several
// replicas at once, but only once at a time on each.
func (p *Poller) Restore(ctx context.Context) error {
	now := p.Streams.Lives()
	switch {
	case now == p.restored:
		p.held.takeEstates() // whoever takes the chats finds all that is known
	case p.restored != (bus.Lives{}):
		if err := p.putBack(ctx, now); err != nil {
			return err
		}
	}
	p.restored = now
	p.busy.chats = whenIdle(p.busy.chats, p.busy.lost.putBack)
	if now.Sessions.Equal(p.swept) || !p.Streams.Sessions.IsSettled() {
		return nil
	}
	err := p.restoreTokens(ctx, now.Sessions)
	if err == nil {
		p.swept = now.Sessions
	}
	return err
}

// lost tells which streams are others now, of those that a holder's word is in.
type lost struct{ events, state bool }

// busy are the chats that could not be put back yet, for what they had in hand.
type busy struct {
	chats []*holder
	lost  lost
}

// putBack writes what this replica knows into streams that were made anew.
func (p *Poller) putBack(ctx context.Context, now bus.Lives) error {
	what := lost{now.Events != p.restored.Events, now.State != p.restored.State}
	if len(p.busy.chats) > 0 {
		what = lost{what.events || p.busy.lost.events, what.state || p.busy.lost.state}
	}
	if what.state {
		if err := p.Chats.PutBack(ctx); err != nil {
			return err
		}
	}
	all := p.held.all()
	dropped := slices.DeleteFunc(slices.Clone(all), func(h *holder) bool { return !h.lease.StoredAt().Before(now.Sessions) })
	whenIdle(dropped, func(h *holder) { h.lease.Drop(lease.ErrLost) })
	for _, h := range dropped {
		h.lease.Drop(lease.ErrLost)
		<-h.done
	}
	p.busy = busy{whenIdle(all, what.putBack), what}
	return p.restoreEstates(ctx, what)
}

const (
	inHandPatience = 5 * time.Second // for what a holder has in hand to be published
	inHandPause    = 10 * time.Millisecond
)

// whenIdle does something with each holder when it has published what it has in
// hand, and returns those for which that takes long. The holder's mu is held
// meanwhile.
func whenIdle(all []*holder, do func(*holder)) (busy []*holder) {
	var group sync.WaitGroup
	var mu sync.Mutex
	end := time.Now().Add(inHandPatience)
	for _, h := range all {
		group.Go(func() {
			for !h.mu.TryLock() {
				if time.Now().After(end) {
					mu.Lock()
					defer mu.Unlock()
					busy = append(busy, h)
					return
				}
				time.Sleep(inHandPause)
			}
			defer h.mu.Unlock()
			do(h)
		})
	}
	group.Wait()
	return busy
}

// putBack writes what the holder knows of its chat. h.mu is held.
func (l lost) putBack(h *holder) {
	if h.checkHeld() != nil || !h.lease.IsSure() {
		return
	}
	ctx, cancel := context.WithTimeout(h.lease.Context(), inHandPatience)
	defer cancel()
	if l.events {
		if err := h.standAnew(ctx); err != nil {
			h.log.Warn("the chat's fence could not be put up again", "error", err)
			return // what is published next does it, or lets go of the chat
		}
	}
	if h.phase == announced {
		h.forgetLost(l)
		h.trySaveCheckpoint(ctx)
		_ = h.writeEntry(ctx)
	}
}

// standAnew puts the fence up in a stream of events that was made anew, unless
// that is done.
func (h *holder) standAnew(ctx context.Context) error {
	restored, err := h.chatLog.Restand(ctx)
	if restored && h.chatLog.IsAnotherStream() {
		h.chatLog.CountFromFence()
		h.entry.Displace()
	}
	return err
}

// bequeath lets go of the chat, and leaves what the holder knows to be put back.
func (h *holder) bequeath() {
	h.depart(false)
	h.poller.held.bequeath(h)
}

// forgetLost has what was sealed written anew, if it is lost, too.
func (h *holder) forgetLost(l lost) {
	if l.state {
		h.forgetSaved()
	}
}

func (p *Poller) restoreEstates(ctx context.Context, what lost) error {
	estates := p.held.takeEstates()
	for i, h := range estates {
		if err := h.restoreEstate(ctx, what); err != nil {
			for _, left := range estates[i:] {
				p.held.bequeath(left)
			}
			return err
		}
	}
	return nil
}

// restoreEstate has the chat polled again by whoever takes its token, and finds
// what this holder knew.
func (h *holder) restoreEstate(ctx context.Context, what lost) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	token := h.token
	token.IsNewChat = token.IsNewChat && h.fresh && h.phase == unannounced
	if h.phase == announced {
		h.forgetLost(what)
		if err := h.writeKnown(ctx); err != nil {
			return err
		}
	}
	_, err := h.poller.Chats.PublishToken(ctx, h.chat, token)
	return err
}

// writeKnown writes checkpoint and entry, unless somebody has gone on from there.
func (h *holder) writeKnown(ctx context.Context) error {
	for _, write := range []func() error{
		func() error { return h.writeCheckpoint(ctx, inPassing) },
		func() error { return h.poller.Chats.SaveAsHolder(ctx, h.chat, &h.entry) },
	} {
		if err := write(); err != nil && !errors.Is(err, bus.ErrFenced) {
			return err
		}
	}
	return nil
}

// restoreTokens makes the tokens again of the chats that have an entry, if the
// stream was made anew and nobody has done so.
func (p *Poller) restoreTokens(ctx context.Context, made time.Time) error {
	created := made.Format(time.RFC3339Nano)
	found, err := p.Streams.State.Get(ctx, restoredKey)
	if err != nil || string(found.Data) == created {
		return err
	}
	if err := p.restoreAll(ctx); err != nil {
		return err
	}
	return p.Streams.State.Put(ctx, restoredKey, []byte(created), 0)
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
