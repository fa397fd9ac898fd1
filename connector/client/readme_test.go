package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// What the README shows of a back end, an analytics consumer and a workflow are
// the bodies of the three functions below.

func backEnd(ctx context.Context, nc *nats.Conn) (messageID string, err error) {
	c, err := client.New(nc, client.Config{})
	if err != nil {
		return "", err
	}
	request := &client.Command{ID: "order-4711-chat", Data: &schema.ChatRequest{From: "Ada"}}
	chat, err := client.As[schema.ChatRequestResult](c.Do(ctx, request))
	if err != nil {
		return "", err
	}
	question := &client.Command{ID: "order-4711-question", Data: &schema.ChatSend{ChatID: chat.ChatID, Text: "Where is my parcel?"}}
	sent, err := client.As[schema.ChatSendResult](c.DoDurable(ctx, question))
	if err != nil {
		return "", err // *schema.Error: Code, Message, Retryable, Outcome
	}
	return sent.MessageID, nil
}

func analytics(ctx context.Context, c *client.Client, consumer jetstream.PushConsumer, store func(*client.Message) error) (jetstream.ConsumeContext, error) {
	return consumer.Consume(func(msg jetstream.Msg) {
		m, err := c.Read(ctx, msg) // also what was too large for the bus
		switch {
		case errors.Is(err, client.ErrNotOurs), errors.Is(err, client.ErrNoObject):
			_ = msg.Term() // nothing that will ever be readable
		case err != nil, store(m) != nil:
			_ = msg.NakWithDelay(time.Second) // it comes again
		default:
			_ = msg.Ack()
		}
	})
}

func workflow(ctx context.Context, c *client.Client, m *client.Message) error {
	left, ok := m.Payload.(*schema.PartyLeft)
	if !ok || left.PartyType != "internal" && left.PartyType != "" { // which is not always told
		return nil // only an agent who leaves is of interest
	}
	cmd := &client.Command{
		ID:   "asks-" + m.Event.ID(),
		Data: &schema.ChatSend{ChatID: m.ChatID, Text: "Is somebody still there?"},
	}
	_, err := c.Publish(ctx, cmd)
	return err
}

func TestReadmeShowsThesePrograms(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(readme), "@@") {
		t.Error("the README has a placeholder")
	}
	source, err := os.ReadFile("readme_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"backEnd", "analytics", "workflow"} {
		_, after, _ := strings.Cut(string(source), "\nfunc "+name+"(")
		_, after, _ = strings.Cut(after, "{\n\t")
		body, _, _ := strings.Cut(after, "\n}\n")
		if want := "```go\n" + strings.ReplaceAll(body, "\n\t", "\n") + "\n```\n"; !strings.Contains(string(readme), want) {
			t.Errorf("the README does not show\n%s", want)
		}
	}
}

// The back end asks something, the agent leaves, the workflow asks again, and
// the analytics consumer sees both.
func TestProgramsOfTheReadme(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.start()
	consumer, err := r.JS.CreatePushConsumer(r.Ctx, "CC_EVENTS", jetstream.ConsumerConfig{Durable: "reader", DeliverSubject: "deliver.reader"})
	r.Check(err)
	results := make(chan *schema.Result, 16)
	reading, err := analytics(r.Ctx, r.Client, consumer, func(m *client.Message) error {
		if result, ok := m.Payload.(*schema.Result); ok && result.Command == schema.CommandChatSend {
			results <- result
		}
		return workflow(r.Ctx, r.Client, m)
	})
	r.Check(err)
	defer reading.Stop()
	question, err := backEnd(r.Ctx, r.NC)
	r.Check(err)
	again, err := backEnd(r.Ctx, r.NC) // as after a crash
	r.Check(err)
	if again != question {
		t.Errorf("the same is done twice: %s and %s", question, again)
	}
	chat, _, _ := strings.Cut(question, ":")
	r.Check(r.sim.Push(chat, map[string]any{"event": "chat_session_party_left", "party_id": "agent-1", "type": "internal"}))
	for _, want := range []string{question, chat + ":1"} {
		var sent schema.ChatSendResult
		r.Check(json.Unmarshal(natstest.Receive(r.Rig, results).Result, &sent))
		if sent.MessageID != want {
			t.Errorf("the message is %s, want %s", sent.MessageID, want)
		}
	}
}
