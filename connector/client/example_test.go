package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// The customer asks for a chat and says something, and the agent's answer comes.
func Example() {
	nc, stop := runConnector("echo")
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	c, err := client.New(nc, client.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	chat, err := client.As[schema.ChatRequestResult](c.Do(ctx, client.NewCommand(&schema.ChatRequest{From: "Ada"})))
	if err != nil {
		fmt.Println(err)
		return
	}
	hello := client.NewCommand(&schema.ChatSend{ChatID: chat.ChatID, Text: "Hello!"})
	for step, err := range c.Follow(ctx, chat.ChatID) {
		if err == nil && step.Message == nil { // the entry, which is what was before: all that comes now is told
			_, err = c.Do(ctx, hello)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		if step.Message == nil {
			continue
		}
		if said, ok := step.Message.Payload.(*schema.Message); ok {
			fmt.Println("the agent says:", said.Text)
			break
		}
	}
	// Output: the agent says: Hello!
}

// A durable command is done whoever is away for a while, and its outcome can be
// asked for whenever that is.
func ExampleClient_DoDurable() {
	nc, stop := runConnector("none")
	defer stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	c, _ := client.New(nc, client.Config{})
	cmd := client.NewCommand(&schema.ChatSend{ChatID: "forgotten", Text: "Are you there?"})
	_, err := c.DoDurable(ctx, cmd)
	if errors.Is(err, client.ErrNoAnswer) { // the context was too short: ask again, with the same command
		_, err = c.Await(ctx, cmd)
	}
	var failure *schema.Error
	switch {
	case err == nil:
		fmt.Println("the message is sent")
	case !errors.As(err, &failure):
		fmt.Println("it cannot be sent:", err)
	case failure.Outcome == schema.OutcomeUnknown:
		fmt.Println("it may have been sent: somebody has to look", failure)
	case failure.Retryable:
		fmt.Println("it was not sent, and may be later, as a new command:", failure)
	default:
		fmt.Println("it was not sent:", failure.Code)
	}
	// Output: it was not sent: unknown_chat
}

// A message that came is told by a type switch, whatever its mode.
func ExampleDecode() {
	msg := &nats.Msg{
		Subject: "cc.chat.K1x.event.party_left",
		Data: []byte(`{"specversion":"1.0","id":"e-7","source":"//acme.example.com/web/chats/K1x","subject":"K1x",
			"type":"com.brightpattern.chat.event.party_left.v1","sequence":"0000000007","recordedtime":"2026-03-01T12:00:00.000Z",
			"datacontenttype":"application/json","data":{"chatId":"K1x","partyId":"agent-1","partyType":"internal"}}`),
	}
	m, err := client.Decode(client.Core(msg))
	if err != nil {
		fmt.Println(err)
		return
	}
	switch payload := m.Payload.(type) {
	case *schema.PartyLeft:
		fmt.Printf("%d: %s left chat %s\n", m.Sequence, payload.PartyID, m.ChatID)
	case schema.Event:
		fmt.Printf("%d: %s\n", m.Sequence, payload.Name())
	case *schema.Result:
		fmt.Println(payload.Command, payload.Status)
	case schema.Session:
		fmt.Printf("%d: the connector has %s the chat\n", m.Sequence, payload.SessionName())
	}
	// Output: 7: agent-1 left chat K1x
}

// runConnector is a NATS server, a simulated contact center and a connector.
func runConnector(script string) (nc *nats.Conn, stop func()) {
	dir, err := os.MkdirTemp("", "example")
	check(err)
	bus, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	check(err)
	bus.Start()
	if !bus.ReadyForConnections(time.Minute) {
		panic("nats-server does not start")
	}
	sim := bpsim.New(bpsim.Options{Hold: 200 * time.Millisecond, Script: script})
	http := httptest.NewServer(sim)
	nc, err = nats.Connect(bus.ClientURL())
	check(err)
	end := serve(nc, http.URL)
	return nc, func() {
		end()
		nc.Close()
		sim.Close()
		http.Close()
		bus.Shutdown()
		bus.WaitForShutdown()
		_ = os.RemoveAll(dir)
	}
}

func serve(nc *nats.Conn, url string) (end func()) {
	contact, err := brightpattern.New(brightpattern.Config{BaseURL: url, TenantURL: "acme.example"})
	check(err)
	c, err := connector.New(connector.Config{
		Tenant: "acme.example", BaseURL: url, Apps: []connector.App{{Name: "main", ID: "app-1"}}, Provision: true,
	}, nc, contact, natstest.Log(), prometheus.NewRegistry())
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	for c.Ready() != nil {
		time.Sleep(5 * time.Millisecond)
	}
	return func() {
		cancel()
		check(<-ended)
		contact.Close()
	}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
