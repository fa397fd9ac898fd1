package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// Entries are read by asking for one message after the other, as who only reads may.

// Entry is a chat's entry in CC_CHATS; nil if it has none.
func (c *Client) Entry(ctx context.Context, chatID string) (*schema.Chat, error) {
	chat, err := subjects.EscapeChat(chatID)
	if err != nil {
		return nil, &schema.FieldError{Field: "chatID", Problem: err.Error()}
	}
	ctx, cancel := c.patient(ctx)
	defer cancel()
	bucket, err := c.js.Stream(ctx, "KV_"+c.chats())
	if err != nil {
		return nil, fmt.Errorf("client: the bucket of chats: %w", err)
	}
	return c.entry(ctx, bucket, chat)
}

func (c *Client) chats() string { return c.cfg.Prefix.StreamName("CHATS") }

func (c *Client) entry(ctx context.Context, bucket jetstream.Stream, chat subjects.ChatToken) (*schema.Chat, error) {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	stored, err := bucket.GetLastMsgForSubject(ctx, c.entrySubject(string(chat)))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("client: the entry of a chat: %w", err)
	case len(stored.Data) == 0: // it was removed
		return nil, nil
	}
	entry := &schema.Chat{}
	if json.Unmarshal(stored.Data, entry) != nil {
		return nil, fmt.Errorf("client: the entry of a chat cannot be read")
	}
	return entry, nil
}

func (c *Client) entrySubject(key string) string { return "$KV." + c.chats() + "." + key }

// entries shows the entries of all chats, or of one.
func (c *Client) entries(ctx context.Context, chat subjects.ChatToken, show func(subjects.ChatToken, *schema.Chat) error) error {
	asking, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	bucket, err := c.js.Stream(asking, "KV_"+c.chats())
	if err != nil {
		return fmt.Errorf("client: the bucket of chats: %w", err)
	}
	tokens := []subjects.ChatToken{chat}
	if chat == "" {
		if tokens, err = c.known(asking, bucket); err != nil {
			return err
		}
	}
	for _, token := range tokens {
		entry, err := c.entry(ctx, bucket, token)
		if err == nil && entry != nil {
			err = show(token, entry)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// known are the chats that have an entry.
func (c *Client) known(ctx context.Context, bucket jetstream.Stream) (tokens []subjects.ChatToken, err error) {
	info, err := bucket.Info(ctx, jetstream.WithSubjectFilter(c.entrySubject(">")))
	if err != nil {
		return nil, fmt.Errorf("client: the bucket of chats: %w", err)
	}
	for _, subject := range slices.Sorted(maps.Keys(info.State.Subjects)) {
		token, err := subjects.ParseChatToken(strings.TrimPrefix(subject, c.entrySubject("")))
		if err == nil {
			tokens = append(tokens, token)
		}
	}
	return tokens, nil
}
