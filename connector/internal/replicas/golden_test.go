package replicas

import (
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/natstest"
)

func TestGoldenRecord(t *testing.T) {
	golden.Values(t, "member", []Replica{{MaxChats: 20000, Chats: 17}, {}, {MaxChats: 20000, Chats: 17, Format: FormatReferences}})
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	registry := NewRegistry(r.Streams().State, "replica", 10*time.Second, &bus.Health{}, natstest.Log())
	tap, self := r.Tap(), Replica{MaxChats: 20000, Chats: 17, Format: ThisFormat}
	tap.During("a replica's record", func() { r.Check(registry.Announce(r.Ctx, self)) })
	alive, err := registry.Alive(r.Ctx)
	golden.Same(t, alive, map[ID]Replica{"replica": self}, err)
	golden.Lines(t, "messages.txt", tap.Lines())
}
