package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/chats"
	"cc-connector/schema"
)

// detachMargin is more than a connector takes beside its calls.
const detachMargin = 5 * time.Second

// detach sends chat.detach, which is done when session.closed is published and nobody
// is to poll the chat any more.
func (a *Admin) detach(ctx context.Context, key chats.Key) error {
	data, err := schema.JSON(schema.ChatDetach{ChatID: string(key.ID)})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*a.cfg.CallTimeout+detachMargin)
	defer cancel()
	reply, err := a.nc.RequestWithContext(ctx, a.cfg.Prefix.Live("chat.detach"), data)
	if errors.Is(err, nats.ErrNoResponders) {
		return ErrNobody
	}
	if err != nil {
		return fmt.Errorf("the chat may be detached, and nothing of it was removed: %w", err)
	}
	return readDetached(reply)
}

func readDetached(reply *nats.Msg) error {
	var result *schema.Result
	ce, _, err := schema.Decode(reply.Header, reply.Data)
	if err == nil {
		result, err = schema.DecodeResult(ce)
	}
	switch {
	case err != nil:
		return fmt.Errorf("the chat may be detached, and nothing of it was removed: the answer cannot be read: %w", err)
	case result.Error != nil && result.Error.Code != schema.CodeUnknownChat:
		return fmt.Errorf("the chat could not be detached, and nothing of it was removed: %w", result.Error)
	}
	return nil
}
