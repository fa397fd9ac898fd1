package chats

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// # Closing a chat by command
//
// A command may run on any replica, but only the holder may write to the
// chat's log. So the request to close is first written down for this opening
// of the chat, where any later holder finds it, and then the holder of the
// moment is told. The command is done when the token is gone.
//
// A close request stands under the opening's own name, so that it can mean no
// other one, and expires.

func closeKey(opening OpeningID) string { return "closing." + string(opening) }

// requestClose keeps the first reason; whoever wants the same later wants
// nothing new.
func (c *Chats) requestClose(ctx context.Context, opening OpeningID, reason schema.CloseReason) error {
	_, err := c.Streams.State.Update(ctx, closeKey(opening), []byte(reason), 0, bus.WholeSeconds(c.Streams.Keeps()))
	if bus.IsConflict(err) {
		return nil
	}
	return err
}

// CloseRequest is why the opening is to be closed, "" if nobody wants so.
func (c *Chats) CloseRequest(ctx context.Context, opening OpeningID) (schema.CloseReason, error) {
	found, err := c.Streams.State.Get(ctx, closeKey(opening))
	return schema.CloseReason(found.Data), err
}

// errClosePending says that a chat may yet be closed.
var errClosePending = &schema.Error{
	Code: schema.CodeTimeout, Message: "the chat's holder did not confirm in time that the chat is closed",
	Retryable: true, Outcome: schema.OutcomeUnknown,
}

// CloseOpening returns when the chat's present opening is polled no more and its
// session.closed is published; a chat that is not polled is closed already.
// When it fails the request may stand, and the chat be closed later.
func (c *Chats) CloseOpening(ctx context.Context, key Key, reason schema.CloseReason) error {
	defer c.memory.forget(key)
	closing := closing{chats: c, chat: key, reason: reason}
	if err := retry.Until(ctx, c.cfg.CallTimeout, firstTry, time.Second, closing.try); err != nil {
		c.Log.Debug("a chat is not closed yet", "chat", key.ID, "reason", reason, "error", err)
		return errClosePending
	}
	return nil
}

// closing is one command's request to close the opening that it found.
type closing struct {
	chats   *Chats
	chat    Key
	reason  schema.CloseReason
	opening OpeningID // "" until it is written down
}

// try succeeds when the opening's token is gone.
func (c *closing) try(ctx context.Context) error {
	token, err := c.chats.currentToken(ctx, c.chat)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && c.opening != "" && token.Opening != c.opening {
		return nil
	}
	if err != nil {
		return err
	}
	if c.opening == "" {
		if err := c.chats.requestClose(ctx, token.Opening, c.reason); err != nil {
			return err
		}
		c.opening = token.Opening
	}
	_, err = c.chats.ask(ctx, c.chat, CloseNow{c.reason, c.opening}, "", askAgain)
	return err
}
