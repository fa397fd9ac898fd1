package connector

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// How a chat becomes known and polled: its entry first, then its session
// token. Whoever takes the token finds the entry, and a command that dies in
// between is mended by its repeat.

// opening is a chat that a command has found at the contact center.
type opening struct {
	chat   brightpattern.Chat
	app    App
	client brightpattern.ClientID
}

// makeKnown has the chat polled from now on. A chat that may have had events
// before is adopted: its history must be there, and its message numbers go on
// above those in it.
func (c *Connector) makeKnown(ctx context.Context, cmd *command, o *opening) (chatKey, error) {
	key, err := keyOf(o.chat.ID)
	if err != nil || len(key.id) > schema.MaxID {
		return chatKey{}, refuse(schema.CodeUnexpectedResponse, "the contact center's answer names no chat, or one whose id is too long")
	}
	found, err := c.known.find(ctx, key)
	isOpen := err == nil && found.ClosedAt == nil
	if err != nil && !errors.Is(err, errUnknownChat) {
		return key, err
	}
	if !o.chat.IsNew && !(isOpen && cmd.name == "chat.request" && !cmd.mayBeDone()) {
		if err := c.adopt(ctx, cmd, key, o); err != nil {
			return chatKey{}, err
		}
	}
	if o.chat.State == "" { // the history of a young chat may hold none
		o.chat.State, o.chat.EstimatedWait = found.State, found.EstimatedWaitTime
	}
	if found.revision == 0 {
		if err := c.openEntry(ctx, key, found, o); err != nil {
			return key, err
		}
	}
	c.cfg.rehearsal.reach(pointEntered)
	err = c.openSession(ctx, cmd, key, o)
	c.cfg.rehearsal.reach(pointTokened)
	if err != nil || isOpen || found.revision == 0 {
		return key, err
	}
	return key, c.openEntry(ctx, key, found, o) // only now is the closing holder done with it
}

// adopt reads the history of a chat that the connector has not followed, and
// learns from it the chat's state, and whether the command made it after all.
func (c *Connector) adopt(ctx context.Context, cmd *command, key chatKey, o *opening) error {
	credentials := brightpattern.Credentials{App: o.app.ID, Client: o.client}
	history, err := c.client.History(withUntriedClient(ctx), credentials, key.id)
	if err != nil {
		return err
	}
	if err := c.numbers.raise(ctx, key, nextNumber(key.id, history)); err != nil {
		return err
	}
	if o.chat.State == "" {
		o.chat.State = lastState(history)
	}
	isOwn := o.client == cmd.derivedClient() // nobody else asks for a chat by this name
	o.chat.IsNew = cmd.name == "chat.request" && cmd.mayBeDone() && (isOwn || !hasEventBefore(history, cmd.record.FirstSeen))
	return nil
}

// hasEventBefore tells whether the chat is older than a command of which an
// earlier try may have made it.
func hasEventBefore(history []brightpattern.Event, begun time.Time) bool {
	return slices.ContainsFunc(history, func(event brightpattern.Event) bool {
		return !event.Time.IsZero() && event.Time.Before(begun.Truncate(time.Second))
	})
}

// nextNumber is above every message number that the history shows.
func nextNumber(chat brightpattern.ChatID, history []brightpattern.Event) uint64 {
	next := uint64(0)
	for _, event := range history {
		if n, ours := brightpattern.ParseClientMessageID(chat, event.MessageID); ours && n >= next && n < maxNumber {
			next = n + 1
		}
	}
	return next
}

func lastState(history []brightpattern.Event) string {
	state := ""
	for _, event := range inTimeOrder(history) {
		if event.Name == brightpattern.EventStatus {
			state = event.State
		}
	}
	return state
}

// openEntry writes the chat's entry anew; what an earlier opening left in it goes on.
func (c *Connector) openEntry(ctx context.Context, key chatKey, e entry, o *opening) error {
	e.ChatID, e.ClientID, e.App, e.AppID = string(key.id), string(o.client), o.app.Name, string(o.app.ID)
	e.State, e.EstimatedWaitTime = o.chat.State, o.chat.EstimatedWait
	e.OpenedAt, e.ClosedAt, e.ClosedReason = *schema.NewTime(time.Now()), nil, ""
	err := c.known.save(ctx, key, &e)
	if isConflict(err) { // somebody else opened it at the same time: that one counts
		return nil
	}
	return err
}

// openSession publishes the session token. If there is one already, the chat
// is polled; but one whose opening is being closed has to go first.
func (c *Connector) openSession(ctx context.Context, cmd *command, key chatKey, o *opening) error {
	token := sessionToken{
		Opening: newOpening(), ChatID: key.id, ClientID: o.client, App: o.app.Name, AppID: o.app.ID,
		IsNewChat: o.chat.IsNew, State: o.chat.State, OpenedAt: time.Now().UTC(),
		Correlation: cmd.correlation, Causation: cmd.id,
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		published, err := c.publishToken(ctx, key, token)
		if err == nil && !published {
			err = c.checkNotClosing(ctx, key)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(newBackOff(20*time.Millisecond, 250*time.Millisecond)), backoff.WithMaxElapsedTime(c.cfg.CallTimeout))
	return err
}

// checkNotClosing fails while the chat's token is one that is about to go.
func (c *Connector) checkNotClosing(ctx context.Context, key chatKey) error {
	token, err := c.currentToken(ctx, key)
	if err != nil { // it may just have gone
		return err
	}
	wish, err := c.intentions.find(ctx, token.Opening)
	if err != nil {
		return err
	}
	found, err := c.known.find(ctx, key)
	if err != nil {
		return err
	}
	if wish != "" || found.ClosedAt != nil {
		return errClosing
	}
	return nil
}

// markEnded tells of a chat that was not polled when it was ended.
func (c *Connector) markEnded(ctx context.Context, key chatKey) error {
	e, err := c.known.find(ctx, key)
	if errors.Is(err, errUnknownChat) {
		return nil
	}
	if err != nil || e.isOver() {
		return err
	}
	e.close(schema.ClosedEnded, time.Now())
	return c.known.save(ctx, key, &e)
}
