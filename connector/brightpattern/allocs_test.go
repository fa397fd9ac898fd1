package brightpattern

import (
	"context"
	"strings"
	"testing"

	"cc-connector/connector/internal/allocs"
)

func BenchmarkAllocs(b *testing.B) { allocs.Bench(b, requests(b)) }

func TestAllocs(t *testing.T) { allocs.Check(t, requests(t)) }

func requests(t testing.TB) []allocs.Operation {
	client, err := New(Config{BaseURL: "https://acme.example/bp"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	const answer = `{"events":[{"event":"chat_session_message","party_id":"agent-7","msg_id":"m-1","msg":"hello","timestamp":"1614718748001"}]}`
	return []allocs.Operation{
		{Name: "build a poll's request", Most: 25, Run: func() {
			build(t, client, ctx, call{method: "pollEvents", kind: poll, path: []string{"chats", string(theChat), "events"}, limit: eventsBody})
		}},
		{Name: "build a send's request", Most: 33, Run: func() {
			send, err := sendCall(theChat, []ClientEvent{Message{ID: "m-1", Text: "hello <there>"}})
			if err != nil {
				t.Fatal(err)
			}
			build(t, client, ctx, send)
		}},
		{Name: "read a poll's answer", Most: 35, Run: func() { readAnswer(t, answer) }},
		{Name: "read a send's answer", Most: 2, Run: func() { readAnswer(t, `{}`) }},
	}
}

func build(t testing.TB, client *Client, ctx context.Context, call call) {
	x := newExchange(ctx, &call, client.timeoutOf(&call))
	defer x.end()
	if _, err := client.request(x, caller); err != nil {
		t.Fatal(err)
	}
}

func readAnswer(t testing.TB, answer string) {
	f := newFeed(strings.NewReader(answer), func(int64) error { return nil })
	defer f.release()
	if _, _, err := readEvents(f); err != nil {
		t.Fatal(err)
	}
}
