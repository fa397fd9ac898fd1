package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
	"cc-connector/subjects"
)

const (
	crashChats  = 8
	crashRounds = 3
	crashEvents = 30 // of a chat in a round
)

// crash is a connector that is killed again and again while its chats go on.
type crash struct {
	*testing.T
	env  map[string]string
	sim  *bpsim.Server
	nc   *nats.Conn
	js   jetstream.JetStream
	said int
}

// A process that is killed at any point loses nothing, doubles nothing, and
// leaves no hole: the contact center's own record is what the stream holds.
func TestKilledProcessLosesNothing(t *testing.T) {
	c := newCrash(t)
	process := c.start()
	chats := make([]string, crashChats)
	for i := range chats {
		chats[i] = c.openChat()
	}
	for range crashRounds {
		before := c.stored()
		var talk sync.WaitGroup
		for _, chat := range chats {
			talk.Go(func() { c.talk(chat) })
		}
		c.await("some of the events are stored", func() bool { return c.stored() >= before+crashChats*crashEvents/4 })
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		<-process.ended
		talk.Wait()
		c.said += crashEvents
		process = c.start()
	}
	for _, chat := range chats {
		c.await("all events of the chat are stored", func() bool { return len(c.published(chat)) >= crashRounds*crashEvents })
		c.account(chat)
	}
}

func newCrash(t *testing.T) *crash {
	t.Helper()
	natsServer := startNATS(t, server.Options{JetStream: true, StoreDir: t.TempDir()})
	// The socket of a killed process stays open for a while, and takes events with it.
	c := &crash{T: t, sim: bpsim.New(bpsim.Options{Hold: 300 * time.Millisecond, StalePoll: 200 * time.Millisecond})}
	web := httptest.NewServer(c.sim)
	t.Cleanup(func() { c.sim.Close(); web.Close() })
	c.env = map[string]string{
		"CC_NATS_URL": natsServer.ClientURL(), "CC_BASE_URL": web.URL, "CC_TENANT_URL": "acme.example", "CC_APP_ID": "app",
		"CC_HTTP_ADDR": "127.0.0.1:0", "CC_FAILOVER_AFTER": "2s",
	}
	var err error
	if c.nc, err = nats.Connect(natsServer.ClientURL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.nc.Close)
	if c.js, err = jetstream.New(c.nc); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *crash) start() *process {
	c.Helper()
	p := start(c.T, c.env)
	p.waitReady(c.T, http.StatusOK)
	return p
}

func (c *crash) await(what string, holds func() bool) {
	c.Helper()
	tick, deadline := time.NewTicker(10*time.Millisecond), time.After(2*patience)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			c.Fatalf("it did not come about that %s", what)
		}
	}
}

func (c *crash) openChat() string {
	c.Helper()
	reply, err := c.nc.Request("cc.chat.request", []byte(`{"from":"Ada"}`), patience)
	if err != nil {
		c.Fatal(err)
	}
	var answer struct{ Data struct{ ChatID string } }
	if err := json.Unmarshal(reply.Data, &answer); err != nil || answer.Data.ChatID == "" {
		c.Fatalf("%s: %v", reply.Data, err)
	}
	return answer.Data.ChatID
}

// talk has an agent say things, some of which look all alike.
func (c *crash) talk(chat string) {
	for n := range crashEvents {
		event := map[string]any{"event": "chat_session_typing", "party_id": "agent"}
		if n%3 != 0 {
			event = map[string]any{"event": "chat_session_message", "party_id": "agent", "msg_id": fmt.Sprint(c.said + n), "msg": "text"}
		}
		if err := c.sim.Push(chat, event); err != nil {
			c.Error(err)
		}
	}
}

func (c *crash) stored() int {
	c.Helper()
	stream, err := c.js.Stream(context.Background(), "CC_EVENTS")
	if err != nil {
		c.Fatal(err)
	}
	return int(stream.CachedInfo().State.Msgs)
}

// published are the chat's server events in the stream, whose sequence it checks.
func (c *crash) published(chat string) (events []brightpattern.Event) {
	c.Helper()
	token, err := subjects.EscapeChat(chat)
	if err != nil {
		c.Fatal(err)
	}
	stream, err := c.js.Stream(context.Background(), "CC_EVENTS")
	if err != nil {
		c.Fatal(err)
	}
	for from, next := uint64(1), uint64(1); ; {
		msg, err := stream.GetMsg(context.Background(), from, jetstream.WithGetMsgSubject(subjects.DefaultPrefix.ChatAll(token)))
		if err != nil {
			return events
		}
		from = msg.Sequence + 1
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		if err != nil {
			c.Fatal(err)
		}
		if n, err := schema.Sequence(ce); err == nil {
			if n != next {
				c.Fatalf("%s has sequence %d, want %d", msg.Subject, n, next)
			}
			next++
		}
		if event, err := schema.DecodeEvent(ce); err == nil {
			events = append(events, brightpattern.ParseEvent(event.Header().Raw))
		}
	}
}

// account compares both sides, event by event.
func (c *crash) account(chat string) {
	c.Helper()
	record, err := c.sim.Record(chat)
	if err != nil {
		c.Fatal(err)
	}
	var made []brightpattern.Event
	for _, given := range record.Server {
		made = append(made, brightpattern.ParseEvent(given.Event))
	}
	published := c.published(chat)
	if got, want := gist(published), gist(made); !maps.Equal(got, want) {
		c.Errorf("published is %v, the contact center made %v", got, want)
	}
	if record.MostPolls > 2 { // the socket of a dead process counts for a moment
		c.Errorf("%d polls were held at once", record.MostPolls)
	}
}

// gist counts events by what makes them differ.
func gist(events []brightpattern.Event) map[string]int {
	all := make(map[string]int)
	for _, e := range events {
		all[fmt.Sprint(e.Name, " ", e.MessageID, " ", e.Time.Unix())]++
	}
	return all
}
