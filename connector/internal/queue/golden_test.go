package queue

import (
	"testing"

	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/natstest"
)

func TestGoldenProgress(t *testing.T) {
	golden.Values(t, "turn", []progress{{Done: 17}})
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	qs := New(Needs{NATS: r.NC, Log: natstest.Log()}, Config{Prefix: natstest.Prefix})
	tap := r.Tap()
	tap.During("how far a chat's queue has come", func() { qs.announce(&chatQueue{chat: "chat=3A=C3=BC=2F1", done: 17}) })
	golden.Lines(t, "messages.txt", tap.Lines())
}
