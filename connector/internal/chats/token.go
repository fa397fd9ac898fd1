package chats

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/schema"
)

// OpeningID tells an opening of a chat from earlier ones.
type OpeningID string

// NewOpeningID is unlike all others.
func NewOpeningID() OpeningID { return OpeningID(uuid.NewString()) }

// Token is the session token: what a holder must know to poll a chat and to
// say that it was opened. It stands in a work queue for as long as the chat is
// to be polled; whoever holds its lease polls.
type Token struct {
	Opening     OpeningID              `json:"opening"`
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

// Credentials are those that the chat is polled with.
func (t Token) Credentials() brightpattern.Credentials {
	return brightpattern.Credentials{App: t.AppID, Client: t.ClientID}
}

// Entry is a new one, for the chat that the token opens.
func (t Token) Entry() Entry {
	return Entry{Chat: schema.Chat{
		ChatID: string(t.ChatID), App: t.App, AppID: string(t.AppID),
		State: t.State, OpenedAt: schema.Time{Time: t.OpenedAt},
	}}.Of(t)
}

// Opened announces the token's opening.
func (c *Chats) Opened(t Token) *schema.SessionOpened {
	return &schema.SessionOpened{
		ChatID: string(t.ChatID), ClientRef: string(c.Clients.Ref(t.ClientID)), App: t.App, IsNewChat: t.IsNewChat, State: t.State,
	}
}

// PublishToken has the chat polled from now on, by whichever replica takes
// the token. A chat that has a token is being polled already: false.
func (c *Chats) PublishToken(ctx context.Context, key Key, t Token) (bool, error) {
	data, err := schema.JSON(t)
	if err != nil {
		return false, err
	}
	_, err = bus.Ask(ctx, c.Log, "having a chat polled", func(ctx context.Context) (*jetstream.PubAck, error) {
		ack, err := c.JetStream.Publish(ctx, c.tokenSubject(key), data,
			jetstream.WithMsgID(string(t.Opening)), jetstream.WithExpectLastSequencePerSubject(0), jetstream.WithRetryAttempts(0))
		return ack, c.Streams.Sessions.Wrote(err)
	})
	if bus.IsWrongSequence(err) {
		return false, nil
	}
	return err == nil, err
}

func (c *Chats) tokenSubject(key Key) string {
	return c.cfg.Prefix.Internal("session", string(key.Token))
}

// currentToken is the token of the chat's opening, jetstream.ErrMsgNotFound
// if the chat has none.
func (c *Chats) currentToken(ctx context.Context, key Key) (token Token, err error) {
	msg, err := c.Streams.Sessions.Last(ctx, c.tokenSubject(key))
	if err != nil {
		return token, err
	}
	return token, json.Unmarshal(msg.Data, &token)
}

// IsPolled tells whether the chat has a token: somebody polls it, or will.
func (c *Chats) IsPolled(ctx context.Context, key Key) (bool, error) {
	_, err := c.currentToken(ctx, key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil, err
}

// isFollowed is IsPolled that also counts a chat whose token is about to come,
// or to come again.
func (c *Chats) isFollowed(ctx context.Context, key Key) (bool, error) {
	polled, err := c.IsPolled(ctx, key)
	if err != nil || polled {
		return polled, err
	}
	found, err := c.Find(ctx, key)
	if errors.Is(err, ErrUnknown) {
		return false, nil
	}
	return err == nil && found.ClosedAt == nil, err
}
