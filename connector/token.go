package connector

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
)

// sessionToken is what a holder must know to poll a chat and to say that it was opened.
type sessionToken struct {
	Opening     string                 `json:"opening"` // tells this opening of the chat from earlier ones
	ChatID      brightpattern.ChatID   `json:"chatId"`
	ClientID    brightpattern.ClientID `json:"clientId"`
	App         string                 `json:"app"`
	AppID       brightpattern.AppID    `json:"appId"`
	IsNewChat   bool                   `json:"isNewChat"` // nobody can have polled it before
	State       string                 `json:"state,omitempty"`
	OpenedAt    time.Time              `json:"openedAt"`
	Correlation string                 `json:"correlationId,omitempty"`
	Causation   string                 `json:"causationId,omitempty"`
}

func (t sessionToken) credentials() brightpattern.Credentials {
	return brightpattern.Credentials{App: t.AppID, Client: t.ClientID}
}

func newOpening() string { return uuid.NewString() }

// publishToken has the chat polled from now on, by whichever replica takes
// the token. A chat that has a token is being polled already: false.
func (c *Connector) publishToken(ctx context.Context, key chatKey, t sessionToken) (bool, error) {
	data, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	_, err = persist(ctx, c.log, "having a chat polled", func(ctx context.Context) (*jetstream.PubAck, error) {
		return c.js.Publish(ctx, c.tokenSubject(key), data,
			jetstream.WithMsgID(t.Opening), jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
	})
	if isWrongSequence(err) {
		return false, nil
	}
	return err == nil, err
}

func (c *Connector) tokenSubject(key chatKey) string {
	return c.cfg.Prefix.Internal("session", string(key.token))
}

// currentToken is the token of the chat's opening, jetstream.ErrMsgNotFound
// if the chat has none.
func (c *Connector) currentToken(ctx context.Context, key chatKey) (token sessionToken, err error) {
	msg, err := c.stores.tokens.GetLastMsgForSubject(ctx, c.tokenSubject(key))
	if err != nil {
		return token, err
	}
	return token, json.Unmarshal(msg.Data, &token)
}

// isPolled tells whether the chat has a token: somebody polls it, or will.
func (c *Connector) isPolled(ctx context.Context, key chatKey) (bool, error) {
	_, err := c.currentToken(ctx, key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// isFollowed is isPolled that also counts a chat whose token is about to come,
// or to come again.
func (c *Connector) isFollowed(ctx context.Context, key chatKey) (bool, error) {
	polled, err := c.isPolled(ctx, key)
	if err != nil || polled {
		return polled, err
	}
	found, err := c.known.find(ctx, key)
	if errors.Is(err, errUnknownChat) {
		return false, nil
	}
	return err == nil && found.ClosedAt == nil, err
}
