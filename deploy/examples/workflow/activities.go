package main

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// Activities are what the workflow does on the bus. Each may be done again.
type Activities struct {
	Reader    jetstream.JetStream // reads CC_CHATS
	Commander jetstream.JetStream // sends durable commands
	Text      string              // what is said
}

const (
	prefix = subjects.DefaultPrefix
	source = "urn:example:agent-left" // with the id, what a command is known by
)

var errLags = errors.New("the chat's entry does not tell of the event yet")

// IsAlone tells whether the chat goes on and has no agent.
func (a *Activities) IsAlone(ctx context.Context, left AgentLeft) (bool, error) {
	chat, err := a.entry(ctx, left.ChatID)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return false, nil // over for so long that it is forgotten
	case err != nil:
		return false, err
	case chat.Sequence < left.Sequence:
		return false, errLags // Temporal tries again
	}
	return !isOver(chat) && !hasAgent(chat) && wasAgent(left, chat), nil
}

func (a *Activities) entry(ctx context.Context, chatID string) (chat schema.Chat, err error) {
	token, err := subjects.EscapeChat(chatID)
	if err != nil {
		return chat, err
	}
	chats, err := a.Reader.KeyValue(ctx, prefix.StreamName("CHATS"))
	if err != nil {
		return chat, err
	}
	entry, err := chats.Get(ctx, string(token))
	if err != nil {
		return chat, err
	}
	return chat, json.Unmarshal(entry.Value(), &chat)
}

// isOver also tells the end that is announced: only a survey may come.
func isOver(chat schema.Chat) bool {
	return chat.ClosedReason != "" || chat.State == "completed" || chat.State == "failed"
}

func hasAgent(chat schema.Chat) bool {
	return slices.ContainsFunc(chat.Parties, func(p schema.Party) bool { return p.PartyType == agent })
}

// wasAgent: where it is not said who left, a chat that is connected has had an agent.
func wasAgent(left AgentLeft, chat schema.Chat) bool {
	return left.PartyType == agent || left.PartyType == "" && chat.State == "connected"
}

// Say has a durable command stored. JetStream, and the connector after it, know
// the same id for a repeat.
func (a *Activities) Say(ctx context.Context, left AgentLeft) error {
	token, err := subjects.EscapeChat(left.ChatID)
	if err != nil {
		return err
	}
	ce := event.New()
	ce.SetID(left.ID())
	ce.SetSource(source)
	ce.SetType(schema.CommandType("chat", "send"))
	if err := ce.SetData(event.ApplicationJSON, schema.ChatSend{ChatID: left.ChatID, Text: a.Text}); err != nil {
		return err
	}
	msg, err := schema.Encode(ce, schema.Structured)
	if err != nil {
		return err
	}
	msg.Subject = prefix.Durable("chat.send", token)
	_, err = a.Commander.PublishMsg(ctx, msg, jetstream.WithMsgID(left.ID()))
	return err
}
