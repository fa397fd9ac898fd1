package main

import (
	"context"
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"

	bus "cc-connector/connector/client"
	"cc-connector/schema"
)

// Activities are what the workflow does on the bus. Each may be done again.
type Activities struct {
	Reader    *bus.Client // reads CC_CHATS
	Commander *bus.Client // sends durable commands
	Text      string      // what is said
}

var errLags = errors.New("the chat's entry does not tell of the event yet")

// IsAlone tells whether the chat goes on and has no agent.
func (a *Activities) IsAlone(ctx context.Context, left AgentLeft) (bool, error) {
	chat, err := a.Reader.Entry(ctx, left.ChatID)
	switch {
	case err != nil:
		return false, err
	case chat == nil:
		return false, nil // over for so long that it is forgotten
	case chat.Sequence < left.Sequence:
		return false, errLags // Temporal tries again
	}
	return !isOver(chat) && !hasAgent(chat) && wasAgent(left, chat), nil
}

// isOver also tells the end that is announced: only a survey may come then.
func isOver(chat *schema.Chat) bool {
	return chat.ClosedReason != "" || chat.State == "completed" || chat.State == "failed"
}

func hasAgent(chat *schema.Chat) bool {
	return slices.ContainsFunc(chat.Parties, func(p schema.Party) bool { return p.PartyType == agent })
}

// wasAgent: where it is not said who left, a chat that is connected has had an agent.
func wasAgent(left AgentLeft, chat *schema.Chat) bool {
	return left.PartyType == agent || left.PartyType == "" && chat.State == "connected"
}

// Say has a durable command stored. The same id again is a repeat, to JetStream
// and to the connector.
func (a *Activities) Say(ctx context.Context, left AgentLeft) error {
	_, err := a.Commander.Publish(ctx, &bus.Command{ID: left.ID(), Data: &schema.ChatSend{ChatID: left.ChatID, Text: a.Text}})
	var unfit *schema.FieldError
	if errors.As(err, &unfit) {
		return temporal.NewNonRetryableApplicationError(unfit.Error(), "unfit", nil)
	}
	return err
}
