package chats

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// How a chat becomes known and polled: its entry first, then its session
// token. Whoever takes the token finds the entry, and a command that dies in
// between is mended by its repeat. If there is none, the entry expires: it stands
// for good only when a holder has written it.

// Opening is a chat that a command has found at the contact center, or made.
type Opening struct {
	Chat        brightpattern.Chat
	App         App
	Client      brightpattern.ClientID
	Cause       string // id of the command
	Correlation string

	Requested bool      // by chat.request, which may have made the chat
	MayBeDone bool      // an earlier try of that command may have made it
	Begun     time.Time // when the first try began
	OwnClient bool      // nobody but the command asks for a chat by this client
}

func (o *Opening) credentials() brightpattern.Credentials {
	return brightpattern.Credentials{App: o.App.ID, Client: o.Client, Claimed: true}
}

// errNoChat is for an answer without a usable chat id.
var errNoChat = &schema.Error{
	Code: schema.CodeUnexpectedResponse, Message: "the contact center's answer names no chat, or one whose id is too long",
	Outcome: schema.OutcomeNotDone,
}

// ErrClosing says that an earlier opening of the chat is about to be closed,
// and did not go in time.
var ErrClosing = errors.New("the chat is to be closed")

// Open has the chat polled from now on, and tells whether the command made it.
// A chat that may have had events before is adopted: its history must be
// there, and its message numbers go on above those in it.
func (c *Chats) Open(ctx context.Context, o Opening) (key Key, isNew bool, err error) {
	key, err = KeyOf(o.Chat.ID)
	if err != nil || len(key.ID) > schema.MaxID {
		return Key{}, o.Chat.IsNew, errNoChat
	}
	found, err := c.findOlder(ctx, key, o.Chat.IsNew)
	isOpen := found.Exists() && found.ClosedAt == nil
	if err == nil && !o.Chat.IsNew && !isOpen {
		err = c.checkNotPurged(ctx, key)
	}
	if err != nil {
		return key, o.Chat.IsNew, err
	}
	if !o.Chat.IsNew && !(isOpen && o.Requested && !o.MayBeDone) {
		if err := c.adopt(ctx, key, &o); err != nil {
			return Key{}, o.Chat.IsNew, err
		}
	}
	if o.Chat.State == "" { // the history of a young chat may hold none
		o.Chat.State, o.Chat.EstimatedWait = found.State, found.EstimatedWaitTime
	}
	o.Chat.State = beginning(o.Chat.State, longestState)
	return key, o.Chat.IsNew, c.enter(ctx, key, found, isOpen, &o)
}

// findOlder is the entry of a chat that may have one: one that was just made has none.
func (c *Chats) findOlder(ctx context.Context, key Key, isNew bool) (Entry, error) {
	if isNew {
		return Entry{}, nil
	}
	found, err := c.Find(ctx, key)
	if errors.Is(err, ErrUnknown) {
		return Entry{}, nil
	}
	return found, err
}

// enter writes the entry of a chat that has none before its token. That of a
// closed one is written after it: only then is the closing holder done with it.
func (c *Chats) enter(ctx context.Context, key Key, found Entry, isOpen bool, o *Opening) error {
	if !found.Exists() {
		if err := c.openEntry(ctx, key, found, o); err != nil {
			return err
		}
	}
	c.Failpoints.Reach(failpoint.Entered)
	err := c.openSession(ctx, key, o)
	c.Failpoints.Reach(failpoint.Tokened)
	if err != nil || isOpen || !found.Exists() {
		return err
	}
	return c.openEntry(ctx, key, found, o)
}

// adopt reads the history of a chat that the connector has not followed, and
// learns from it the chat's state, and whether the command made it after all.
func (c *Chats) adopt(ctx context.Context, key Key, o *Opening) error {
	history, err := c.Client.History(ctx, o.credentials(), key.ID)
	if err == nil { // it may have taken long
		err = c.checkStillThere(ctx, key, o)
	}
	if err != nil {
		return err
	}
	if err := c.numbers.raise(ctx, key, translate.NextNumber(key.ID, history, maxNumber)); err != nil {
		return err
	}
	if o.Chat.State == "" {
		o.Chat.State = translate.LastState(history)
	}
	o.Chat.IsNew = o.Requested && o.MayBeDone && (o.OwnClient || !translate.HasEventBefore(history, o.Begun))
	return nil
}

// openEntry writes the chat's entry anew; what an earlier opening left in it goes on.
func (c *Chats) openEntry(ctx context.Context, key Key, e Entry, o *Opening) error {
	e.ChatID, e.client, e.App, e.AppID = string(key.ID), o.Client, o.App.Name, string(o.App.ID)
	e.State, e.EstimatedWaitTime = o.Chat.State, o.Chat.EstimatedWait
	e.OpenedAt, e.ClosedAt, e.ClosedReason = *schema.NewTime(time.Now()), nil, ""
	e.vacant = !e.Exists()
	err := c.Save(ctx, key, &e)
	if bus.IsConflict(err) { // somebody else opened it at the same time: that one counts
		return nil
	}
	return err
}

const (
	firstTry   = 20 * time.Millisecond
	longestTry = 250 * time.Millisecond
)

// openSession publishes the session token. If there is one already, the chat
// is polled; but one whose opening is being closed has to go first.
func (c *Chats) openSession(ctx context.Context, key Key, o *Opening) error {
	token := Token{
		Opening: NewOpeningID(), ChatID: key.ID, ClientID: o.Client, App: o.App.Name, AppID: o.App.ID,
		IsNewChat: o.Chat.IsNew, State: o.Chat.State, OpenedAt: time.Now().UTC(),
		Correlation: o.Correlation, Causation: o.Cause,
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	return retry.Until(ctx, c.cfg.CallTimeout, firstTry, longestTry, func(ctx context.Context) error {
		err := c.checkStillThere(ctx, key, o)
		if errors.Is(err, errPurged) {
			return retry.Final(err)
		}
		if err != nil {
			return err
		}
		published, err := c.PublishToken(ctx, key, token)
		if err != nil || published {
			return err
		}
		return c.checkNotClosing(ctx, key)
	})
}

// checkStillThere is an error for a chat that may have been there before, and has been
// purged since its opening began.
func (c *Chats) checkStillThere(ctx context.Context, key Key, o *Opening) error {
	if o.Chat.IsNew && !o.MayBeDone {
		return nil
	}
	err := c.checkNotPurged(ctx, key)
	if !errors.Is(err, errPurged) {
		return err
	}
	polled, unknown := c.IsPolled(ctx, key)
	switch {
	case unknown != nil:
		return unknown
	case polled: // somebody was faster than the purge
		return nil
	}
	return err
}

// checkNotClosing fails while the chat's token is one that is about to go.
func (c *Chats) checkNotClosing(ctx context.Context, key Key) error {
	token, err := c.currentToken(ctx, key)
	if err != nil { // it may just have gone
		return err
	}
	reason, err := c.CloseRequest(ctx, token.Opening)
	if err != nil {
		return err
	}
	found, err := c.Find(ctx, key)
	if err != nil {
		return err
	}
	if reason != "" || found.ClosedAt != nil {
		return ErrClosing
	}
	return nil
}

// MarkEnded tells of a chat that was not polled when it was ended.
func (c *Chats) MarkEnded(ctx context.Context, key Key) error {
	e, err := c.Find(ctx, key)
	if errors.Is(err, ErrUnknown) {
		return nil
	}
	if err != nil || e.IsOver() {
		return err
	}
	e.MarkClosed(schema.ClosedEnded, time.Now())
	return c.Save(ctx, key, &e)
}
