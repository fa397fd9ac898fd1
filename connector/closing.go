package connector

import (
	"context"
	"encoding/json"
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

// intention is a wish to close a chat that its holder must not miss.
type intention struct {
	Opening string             `json:"opening"`
	Reason  schema.CloseReason `json:"reason"`
}

// intentions keeps them in the connector's own memory.
type intentions struct{ bucket jetstream.KeyValue }

func intentionKey(key chatKey) string { return "closing." + string(key.token) }

func (i *intentions) write(ctx context.Context, key chatKey, wish intention) error {
	value, err := json.Marshal(wish)
	if err != nil {
		return err
	}
	_, err = i.bucket.Put(ctx, intentionKey(key), value)
	return err
}

// find returns the zero intention if there is none.
func (i *intentions) find(ctx context.Context, key chatKey) (wish intention, err error) {
	value, err := i.bucket.Get(ctx, intentionKey(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return intention{}, nil
	}
	if err != nil {
		return intention{}, err
	}
	return wish, json.Unmarshal(value.Value(), &wish)
}

func (i *intentions) forget(ctx context.Context, key chatKey) error {
	return i.bucket.Purge(ctx, intentionKey(key), jetstream.PurgeTTL(time.Minute))
}

// loadIntention learns whether this opening was to be closed before the
// holder came.
func (h *holder) loadIntention(ctx context.Context) error {
	wish, err := persist(ctx, h.log, "reading whether the chat is to be closed", func() (intention, error) {
		return h.intentions.find(ctx, h.chat)
	})
	if err == nil && wish.Opening == h.token.Opening {
		h.wanted = wish.Reason
		h.stopPolling(errClosing)
	}
	return err
}

// closeChat returns when the chat is polled no more and its session.closed is
// published; a chat that is not polled is closed already. When it fails the
// wish may stand, and the chat be closed later.
func (c *Connector) closeChat(ctx context.Context, key chatKey, reason schema.CloseReason) error {
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		return struct{}{}, c.tryClosing(ctx, key, reason)
	}, backoff.WithBackOff(newBackOff(20*time.Millisecond, time.Second)), backoff.WithMaxElapsedTime(c.cfg.CallTimeout))
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

func (c *Connector) tryClosing(ctx context.Context, key chatKey, reason schema.CloseReason) error {
	token, err := c.currentToken(ctx, key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := c.intentions.write(ctx, key, intention{Opening: token.Opening, Reason: reason}); err != nil {
		return err
	}
	return c.askHolder(ctx, key, holderRequest{Close: reason}, askAgain)
}
