package chats

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/outbox"
	"cc-connector/schema"
)

func ptr[T any](v T) *T { return &v }

// Entries are written by the second form only while an earlier version lives.
var goldenEntries = []storedEntry{
	{Chat: schema.Chat{
		ChatID: "chat:ü/1", ClientRef: clientRef, App: "main", AppID: "app-1", State: "connected", EstimatedWaitTime: ptr(1.5), CaseID: "case",
		Parties:  schema.List[schema.Party]{{PartyID: "party", DisplayName: "Zoë", PartyType: "internal"}},
		Sequence: 12, OpenedAt: schema.Time{Time: golden.Time(1)},
	}},
	{ClientID: "client", Chat: schema.Chat{
		ChatID: "chat:ü/1", ClientRef: clientRef, App: "main", AppID: "app-1", Sequence: 13,
		OpenedAt: schema.Time{Time: golden.Time(1)}, ClosedAt: schema.NewTime(golden.Time(2)), ClosedReason: schema.ClosedEnded,
	}},
}

// The secret of the golden messages, and what it makes of their client.
const (
	goldenSecret = `{"key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","made":"2020-02-29T12:30:01.123456789Z"}`
	clientRef    = "bb7b45147643925d19f8706a97946ff4"
)

var goldenTokens = []Token{
	{
		Opening: "opening", ChatID: "chat:ü/1", ClientID: "client", App: "main", AppID: "app-1", IsNewChat: true, State: "queued",
		OpenedAt: golden.Time(1), Correlation: "correlation", Causation: "an id",
	},
	{Opening: "opening", ChatID: "chat:ü/1", ClientID: "client", App: "main", AppID: "app-1", OpenedAt: golden.Time(1)}, // restored
}

var deep = strings.Repeat("[", schema.MaxNesting+1) + strings.Repeat("]", schema.MaxNesting+1)

var goldenRequests = []wireRequest{
	{Where: true},
	{To: "replica", Events: []json.RawMessage{json.RawMessage(`{"event":"chat_session_ended"}`), json.RawMessage(`{"event":"chat_session_typing","party_id":"p"}`)}},
	{
		Events: []json.RawMessage{json.RawMessage(`"` + deep + `"`), json.RawMessage(`{"event":"chat_session_ended"}`)},
		Texts:  []string{deep, `{"event":"chat_session_ended"}`},
	},
	{Recover: true, Ago: 1500 * time.Millisecond, Since: time.Minute},
	{Recover: true, Stray: true, Ago: time.Second, Since: 2 * time.Second},
	{Close: schema.ClosedDetached, Opening: "opening"},
	{Where: true, Anew: true},
	{
		To: "replica", Events: []json.RawMessage{json.RawMessage(`{"event":"chat_session_ended"}`)},
		TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", TraceState: "a=1",
	},
}

func TestGoldenFormats(t *testing.T) {
	later := goldenEntries[0]
	later.StreamSequence = 345 // which earlier versions did not write
	golden.Values(t, "chat-entry", append([]storedEntry{later}, goldenEntries...))
	golden.Values(t, "session-token", goldenTokens)
	golden.Values(t, "message-numbers", []count{
		{Next: 3}, {Next: 9, Bound: []boundNumber{{Command: "command-key"}, {Command: "another", Number: 8}}}, {Next: 3, Restored: true},
	})
	golden.Values(t, "holder-request", goldenRequests)
	golden.Values(t, "holder-reply", []Reply{{Holder: "replica"}, {Moved: true}, {Holder: "replica", Moved: true}, {Holder: "replica", Error: "nobody holds the chat at the moment"}})
}

// Each request is told from the others, and comes as it was asked.
func TestGoldenRequestsAreOfTheirKind(t *testing.T) {
	for i, want := range goldenRequests {
		asked := want.request()
		got := asked.wire()
		if got.To = want.To; golden.JSON(t, got) != golden.JSON(t, want) {
			t.Errorf("%d: a %T is asked as\n%s\nand came as\n%s", i, asked, golden.JSON(t, got), golden.JSON(t, want))
		}
	}
	for kind, want := range map[outbox.Kind]outbox.Kind{LostAnswer: "look", LostPoll: "stray"} {
		if kind != want {
			t.Errorf("the outbox of an earlier version has %s, not %s", want, kind)
		}
	}
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.Check(r.streams.State.Put(r.Ctx, "secret", []byte(goldenSecret), 0))
	c, key := r.replica("replica"), r.key("chat:ü/1")
	tap := r.Tap()
	r.writeEntries(tap, c, key)
	r.writeOpening(tap, c, key)
	tap.During("message numbers", func() {
		_, err := c.BindNumber(r.Ctx, key, false, "command-key")
		r.Check(err)
		r.Check(c.RetireNumber(r.Ctx, key))
	})
	numbers, _, err := bus.Load[count](r.Ctx, r.streams.State, numberKey(key))
	golden.Same(t, numbers, count{Next: 1, Bound: []boundNumber{{Command: "command-key"}}}, err)
	tap.During("a question to a chat's holder", func() {
		_, _ = c.ask(r.Ctx, key, WhereIs{}, "", 10*time.Millisecond)
	})
	golden.Lines(t, "messages.txt", tap.Lines())
}

func (r *rig) writeEntries(tap *natstest.Tap, c *Chats, key Key) {
	r.Helper()
	e := Entry{client: "client"}
	for _, entry := range goldenEntries {
		e.Chat = entry.Chat
		tap.During("a chat's entry", func() { r.Check(c.Save(r.Ctx, key, &e)) })
		found, err := c.Find(r.Ctx, key)
		golden.Same(r, golden.JSON(r, found.Chat), golden.JSON(r, e.Chat), err)
	}
	e.ClosedAt = nil
	r.earlierAppears(c)
	tap.During("a chat's entry while an earlier version lives", func() { r.Check(c.Save(r.Ctx, key, &e)) })
}

func (r *rig) writeOpening(tap *natstest.Tap, c *Chats, key Key) {
	r.Helper()
	tap.During("a session token", func() {
		_, err := c.PublishToken(r.Ctx, key, goldenTokens[0])
		r.Check(err)
	})
	token, err := c.currentToken(r.Ctx, key)
	golden.Same(r, token, goldenTokens[0], err)
	tap.During("a close request", func() { r.Check(c.requestClose(r.Ctx, "opening", schema.ClosedDetached)) })
	reason, err := c.CloseRequest(r.Ctx, "opening")
	golden.Same(r, reason, schema.ClosedDetached, err)
}

// Entries of an earlier version have the clientId, and no reference.
func TestGoldenEntriesOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, key := r.replica("replica"), r.key("chat:ü/1")
	file, err := os.ReadFile("testdata/golden/chat-entry-earlier.jsonl")
	r.Check(err)
	for line := range strings.Lines(string(file)) {
		r.Check(r.streams.Chats.Put(r.Ctx, string(key.Token), []byte(line), 0))
		e, err := c.Find(r.Ctx, key)
		r.Check(err)
		by, err := c.Credentials(r.Ctx, key, &e)
		golden.Same(t, by, brightpattern.Credentials{App: "app-1", Client: "client"}, err)
		r.Check(c.Save(r.Ctx, key, &e))
		value, err := r.streams.Chats.Get(r.Ctx, string(key.Token))
		if err != nil || strings.Contains(string(value.Data), `"clientId"`) || !strings.Contains(string(value.Data), string(c.Clients.Ref("client"))) {
			t.Errorf("written again it is %s, %v", value.Data, err)
		}
	}
}
