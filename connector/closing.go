package connector

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// # Closing a chat by command
//
// A command may run on any replica, but only the holder may write to the
// chat's log. So the wish to close is first written down for this opening of
// the chat, where any later holder finds it, and then the holder of the
// moment is told. The command is done when the token is gone.

// intentions are the wishes to close an opening of a chat, which no holder of
// it must miss. Each stands under the opening's own name, so that it can mean
// no other one, and expires.
type intentions struct {
	js     jetstream.JetStream
	bucket jetstream.KeyValue
	keep   time.Duration
}

func intentionKey(opening string) string { return "closing." + opening }

// write keeps the first wish; whoever wants the same later wants nothing new.
func (i *intentions) write(ctx context.Context, opening string, reason schema.CloseReason) error {
	_, err := update(ctx, i.js, i.bucket, intentionKey(opening), []byte(reason), 0, i.keep)
	if isConflict(err) {
		return nil
	}
	return err
}

// find returns "" if there is no wish.
func (i *intentions) find(ctx context.Context, opening string) (schema.CloseReason, error) {
	value, err := i.bucket.Get(ctx, intentionKey(opening))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return schema.CloseReason(value.Value()), nil
}

// loadIntention learns whether this opening was to be closed before the
// holder came.
func (h *holder) loadIntention(ctx context.Context) error {
	reason, err := persist(ctx, h.log, "reading whether the chat is to be closed", func(ctx context.Context) (schema.CloseReason, error) {
		return h.intentions.find(ctx, h.token.Opening)
	})
	if err == nil && reason != "" {
		h.wantClosed(reason, originSend)
	}
	return err
}

// closing is one command's wish to close the opening that it found.
type closing struct {
	*Connector
	chat    chatKey
	reason  schema.CloseReason
	opening string
}

// closeChat returns when the chat's present opening is polled no more and its
// session.closed is published; a chat that is not polled is closed already.
// When it fails the wish may stand, and the chat be closed later.
func (c *Connector) closeChat(ctx context.Context, key chatKey, reason schema.CloseReason) error {
	wish := &closing{Connector: c, chat: key, reason: reason}
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, wish.try(ctx) },
		backoff.WithBackOff(newBackOff(20*time.Millisecond, time.Second)), backoff.WithMaxElapsedTime(c.cfg.CallTimeout))
	if err != nil {
		c.log.Debug("a chat is not closed yet", "chat", key.id, "reason", reason, "error", err)
		return errClosePending
	}
	return nil
}

// errClosePending says that a chat may yet be closed.
var errClosePending = &schema.Error{
	Code: schema.CodeTimeout, Message: "the chat's holder did not confirm in time that the chat is closed",
	Retryable: true, Outcome: schema.OutcomeUnknown,
}

// try succeeds when the opening's token is gone.
func (c *closing) try(ctx context.Context) error {
	token, err := c.currentToken(ctx, c.chat)
	if errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && c.opening != "" && token.Opening != c.opening {
		return nil
	}
	if err != nil {
		return err
	}
	if c.opening == "" {
		if err := c.intentions.write(ctx, token.Opening, c.reason); err != nil {
			return err
		}
		c.opening = token.Opening
	}
	_, err = c.askHolder(ctx, c.chat, holderRequest{Close: c.reason, Opening: c.opening}, askAgain)
	return err
}
