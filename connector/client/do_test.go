package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
	"cc-connector/subjects"
)

func TestDo(t *testing.T) {
	r := newRig(t)
	r.start()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			c := r.client(client.Config{Mode: mode})
			chat := r.openChat()
			cmd := send(chat, "hello")
			sent, err := client.As[schema.ChatSendResult](c.Do(r.Ctx, cmd))
			r.Check(err)
			again, err := client.As[schema.ChatSendResult](c.Do(r.Ctx, cmd)) // a repeat
			r.Check(err)
			if sent.MessageID != chat+":0" || again.MessageID != sent.MessageID || len(r.said(chat)) != 1 {
				t.Errorf("%+v, then %+v; the contact center has %q", sent, again, r.said(chat))
			}
			reply, err := c.Do(r.Ctx, client.NewCommand(schema.ChatTyping{ChatID: chat})) // a value will do
			if err != nil || reply.Value != nil || reply.Result.Command != "chat.typing" {
				t.Errorf("%+v, %v", reply, err)
			}
			history, err := client.As[schema.ChatHistoryResult](c.Do(r.Ctx, client.NewCommand(&schema.ChatHistory{ChatID: chat})))
			if err != nil || len(history.Events) != 2 {
				t.Errorf("%+v, %v", history, err)
			}
			if _, err := client.As[schema.ChatAttachResult](c.Do(r.Ctx, cmd)); err == nil {
				t.Error("the result is taken for another one")
			}
			reply, err = c.Do(r.Ctx, send("nobody's", "hello"))
			r.checkFailure(err, schema.CodeUnknownChat)
			if reply == nil || reply.Event.ID() == "" {
				t.Error("a failure has no reply")
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	r := newRig(t)
	if _, err := r.Do(r.Ctx, send("x", "hello")); !errors.Is(err, client.ErrNoConnector) || !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("live: %v", err)
	}
	if _, err := r.DoDurable(r.Ctx, send("x", "hello")); !errors.Is(err, client.ErrNoStream) {
		t.Errorf("durable: %v", err)
	}
	for _, err := range r.Follow(r.Ctx, "x") {
		if err == nil || !strings.Contains(err.Error(), "stream of events") {
			t.Errorf("following: %v", err)
		}
	}
	r.NC.Close()
	if _, err := r.Do(r.Ctx, send("x", "hello")); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("closed: %v", err)
	}
}

// A context that ends first says nothing of the command.
func TestContextEnds(t *testing.T) {
	r := newRig(t)
	r.start()
	chat := r.openChat()
	ended, cancel := context.WithCancel(r.Ctx)
	cancel()
	for name, call := range map[string]func(context.Context, *client.Command) (*client.Reply, error){"Do": r.Do, "DoDurable": r.DoDurable, "Await": r.Await} {
		if reply, err := call(ended, send(chat, name)); reply != nil || !errors.Is(err, client.ErrNoAnswer) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, %v", name, reply, err)
		}
	}
	_, err := r.sim.Inject(bpsim.Fault{Kind: "hang", Method: "sendEvents"})
	r.Check(err)
	cmd := send(chat, "slowly")
	if _, err := r.Do(r.shortly(), cmd); !errors.Is(err, client.ErrNoAnswer) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("hanging: %v", err)
	}
	r.sim.ClearFaults()
	if _, err := r.Do(r.Ctx, cmd); err != nil {
		t.Errorf("asked again with the same command: %v", err)
	}
	if got := r.said(chat); strings.Count(strings.Join(got, " "), "slowly") != 1 {
		t.Errorf("the contact center has %q", got)
	}
}

func TestBadCommands(t *testing.T) {
	r := newRig(t)
	for field, cmd := range map[string]*client.Command{
		"Command.ID": {Data: &schema.ChatTyping{ChatID: "x"}}, "Command.Data": client.NewCommand(nil),
		"chatId": client.NewCommand(&schema.ChatTyping{}), "text": client.NewCommand(&schema.ChatSend{ChatID: "x"}),
		"Command.TraceParent": {Data: &schema.ServiceVersion{}, ID: "1", TraceParent: "\xff"}, "Command.TraceState": {Data: &schema.ServiceVersion{}, ID: "1", TraceState: "a\tb"},
		"Command.Correlation": {Data: &schema.ServiceVersion{}, ID: "1", Correlation: strings.Repeat("x", schema.MaxString+1)},
		"userPlatform":        client.NewCommand(&schema.ChatRequest{UserPlatform: []byte(`1`)}),
	} {
		_, err := r.Do(r.Ctx, cmd)
		var wrong *schema.FieldError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%v, want one of %s", err, field)
		}
	}
	for _, id := range []string{strings.Repeat("x", schema.MaxID+1), "\xff", "two\nlines"} {
		_, err := r.Publish(r.Ctx, &client.Command{Data: &schema.ChatTyping{ChatID: "x"}, ID: id})
		if err == nil || !strings.HasPrefix(err.Error(), "Command.ID: must be UTF-8") || strings.Contains(err.Error(), id) {
			t.Errorf("an id: %v", err)
		}
	}
	for name, data := range map[string]any{"another type": 7, "a nil pointer": (*schema.ChatSend)(nil), "a result": &schema.ChatSendResult{}} {
		if _, err := r.Do(r.Ctx, client.NewCommand(data)); err == nil || !strings.HasPrefix(err.Error(), "Command.Data: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.DoDurable(r.Ctx, client.NewCommand(&schema.ServiceVersion{})); err == nil || !strings.Contains(err.Error(), "use Do") {
		t.Errorf("durable: %v", err)
	}
	for field, cfg := range map[string]client.Config{"Config.Prefix": {Prefix: "CC"}, "Config.Mode": {Mode: "both"}, "Config.JetStreamDomain": {JetStreamDomain: "a b"}, "Config.Source": {Source: "urn:\xff"}} {
		if _, err := client.New(r.NC, cfg); err == nil || !strings.HasPrefix(err.Error(), field+": ") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// A reply or an event that is lost with the connection is asked for, by the same command.
func TestOutcomeToldWhileCutOff(t *testing.T) {
	r := newRig(t)
	r.start()
	chat := r.openChat()
	results := subjects.DefaultPrefix.Result(tokenOf(chat), "chat.send")
	for i, call := range []func(*client.Client, context.Context, *client.Command) (*client.Reply, error){(*client.Client).Do, (*client.Client).DoDurable} {
		g := &gate{}
		c, err := client.New(r.Connect(nats.SetCustomDialer(g)), client.Config{})
		r.Check(err)
		_, err = r.sim.Inject(bpsim.Fault{Kind: "delay", Delay: 300 * time.Millisecond, Method: "sendEvents", Times: 1})
		r.Check(err)
		done := make(chan error, 1)
		go func() {
			_, err := call(c, r.Ctx, send(chat, "once"))
			done <- err
		}()
		r.Check(r.sim.WaitFor(r.Ctx, func() bool { return len(r.sim.Faults()) == 0 }))
		g.shut()
		r.awaitStored(results, uint64(i+1))
		g.open()
		if err := natstest.Receive(r.Rig, done); err != nil {
			t.Error(err)
		}
		if got := r.said(chat); len(got) != i+1 {
			t.Errorf("the contact center has %q", got)
		}
	}
}

// What is too large for the bus is read from where it lies.
func TestLargeReply(t *testing.T) {
	t.Parallel()
	r := newRig(t, natstest.SmallBus)
	r.start()
	chat := r.openChat()
	for range 8 {
		r.says(chat, strings.Repeat("long ", 5000))
	}
	reply, err := r.Do(r.Ctx, client.NewCommand(&schema.ChatHistory{ChatID: chat}))
	history, err := client.As[schema.ChatHistoryResult](reply, err)
	r.Check(err)
	if _, _, elsewhere := schema.DataRef(reply.Event); !elsewhere || len(history.Events) != 8 {
		t.Errorf("%d events, elsewhere: %v", len(history.Events), elsewhere)
	}
}
