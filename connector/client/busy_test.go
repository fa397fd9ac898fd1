package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// narrow is a rig whose connector makes two calls at once.
func narrow(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.config.MaxCalls, r.config.CallTimeout = 2, 30*time.Second
	r.start()
	return r
}

// hang has so many calls hang until the faults are cleared.
func (r *rig) hang(calls int) {
	r.Helper()
	_, err := r.sim.Inject(bpsim.Fault{Kind: "hang", Method: "sendEvents", Times: calls})
	r.Check(err)
}

func (r *rig) awaitHanging() {
	r.Helper()
	r.Eventually("calls hang", func() bool { return len(r.sim.Faults()) == 0 })
}

// full has all calls hang, and as many be made as may be at once.
func (r *rig) full() (held []chan error) {
	r.Helper()
	chats := []string{r.openChat(), r.openChat()}
	r.hang(len(chats))
	for _, chat := range chats {
		held = append(held, doingLive(r, r.Client, send(chat, "slowly")))
	}
	r.awaitHanging()
	_, err := r.sim.Inject(bpsim.Fault{Kind: "hang", Method: "sendEvents"})
	r.Check(err)
	return held
}

// doingLive is a live command that somebody waits for.
func doingLive(r *rig, c *client.Client, cmd *client.Command) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := c.Do(r.Ctx, cmd)
		done <- err
	}()
	return done
}

// refusals tells of each reply, to anybody, that a connector cannot take a command now.
func (r *rig) refusals() <-chan struct{} {
	r.Helper()
	seen := make(chan struct{}, 1024)
	_, err := r.NC.Subscribe("_INBOX.>", func(msg *nats.Msg) {
		if msg.Header.Get(micro.ErrorCodeHeader) == string(schema.CodeUnavailable) {
			seen <- struct{}{}
		}
	})
	r.Check(err)
	r.Check(r.NC.Flush())
	return seen
}

// That the connector has too much to do to answer a question is not what became
// of the command.
func TestBusyConnectorTellsNoOutcome(t *testing.T) {
	t.Parallel()
	r := narrow(t)
	chat, held := r.openChat(), r.full()
	cmd := send(chat, "in its turn")
	_, err := r.Publish(r.Ctx, cmd)
	r.Check(err)
	refused := r.refusals()
	ctx, cancel := context.WithCancel(r.Ctx)
	defer cancel()
	waited := make(chan error, 1)
	go func() {
		_, err := r.Await(ctx, cmd)
		waited <- err
	}()
	for range 2 { // it asks again
		select {
		case <-refused:
		case err := <-waited:
			t.Fatalf("the outcome is said to be %v", err)
		}
	}
	cancel()
	if err := natstest.Receive(r.Rig, waited); !errors.Is(err, client.ErrNoAnswer) {
		t.Errorf("it ends with %v", err)
	}
	r.sim.ClearFaults()
	if _, err := r.Await(r.Ctx, cmd); err != nil {
		t.Error(err)
	}
	for _, done := range held {
		if err := natstest.Receive(r.Rig, done); err != nil {
			t.Error(err)
		}
	}
	if got := r.said(chat); !slices.Equal(got, []string{"in its turn"}) {
		t.Errorf("the contact center has %q", got)
	}
}

// A command that runs, is sent again after a reconnect, and is refused then, is
// asked for.
func TestRepeatIsRefused(t *testing.T) {
	t.Parallel()
	r := narrow(t)
	chat, holder := r.openChat(), r.openChat()
	g := &gate{}
	c, err := client.New(r.Connect(nats.SetCustomDialer(g)), client.Config{})
	r.Check(err)
	r.hang(2)
	held, done := doingLive(r, r.Client, send(holder, "slowly")), doingLive(r, c, send(chat, "once"))
	r.awaitHanging()
	refused := r.refusals()
	g.shut()
	g.open()
	natstest.Receive(r.Rig, refused)
	r.sim.ClearFaults()
	for _, done := range []chan error{held, done} {
		if err := natstest.Receive(r.Rig, done); err != nil {
			t.Error(err)
		}
	}
	if got := r.said(chat); !slices.Equal(got, []string{"once"}) {
		t.Errorf("the contact center has %q", got)
	}
}

// told is the reply to a command, written by hand.
func told(cause, correlation, rest string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"1","source":"/s","type":"com.brightpattern.chat.result.send.v1","causationid":%q,"correlationid":%q%s}`, cause, correlation, rest)
}

func refusal(code string) string {
	return `,"data":{"command":"chat.send","status":"error","error":{"code":"` + code + `","retryable":true,"outcome":"not_done"}}`
}

// Where the first one of two got lost, the refusal of the second is what the
// command came to; but not before the first one can no longer begin.
func TestRepeatIsRefusedAndTheFirstGotLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := &gate{}
	c, err := client.New(r.Connect(nats.SetCustomDialer(g)), client.Config{})
	r.Check(err)
	commands, questions := r.forgetful()
	done := doingLive(r, c, send("x", "once"))
	natstest.Receive(r.Rig, commands)
	g.shut()
	g.open()
	refused := natstest.Receive(r.Rig, commands)
	r.checkFailure(natstest.Receive(r.Rig, done), schema.CodeUnavailable)
	last, asked := time.Time{}, len(questions)
	for range asked {
		last = <-questions
	}
	if asked < 2 || len(commands) > 0 || last.Sub(refused) < 5*time.Second {
		t.Errorf("%d questions came, the last %v after the refusal, and %d commands more", asked, last.Sub(refused), len(commands))
	}
}

// forgetful is in place of a connector: it does not answer the first command,
// refuses others, and has nothing on record. It tells when each came.
func (r *rig) forgetful() (commands, questions chan time.Time) {
	r.Helper()
	commands, questions = make(chan time.Time, 1024), make(chan time.Time, 1024)
	first := true
	_, err := r.NC.Subscribe("cc.chat.send", func(msg *nats.Msg) {
		e, _, _ := schema.Decode(msg.Header, msg.Data)
		if schema.Extension(e, schema.AttrQuestion) != "" {
			questions <- time.Now()
			_ = msg.Respond(told(e.ID(), schema.Extension(e, schema.AttrCorrelationID), refusal("expired")))
			return
		}
		commands <- time.Now()
		if !first {
			_ = msg.Respond(told("nobody's", "nobody's", refusal("unavailable")))
		}
		first = false
	})
	r.Check(err)
	r.Check(r.NC.Flush())
	return commands, questions
}

// An outcome of which the data cannot be had for the moment is not known yet; one
// of which they are gone is told so.
func TestOutcomeBesideTheBus(t *testing.T) {
	r := newRig(t)
	_, err := r.NC.Subscribe("cc.chat.send", func(msg *nats.Msg) {
		e, _, _ := schema.Decode(msg.Header, msg.Data)
		_ = msg.Respond(told(e.ID(), e.ID(), `,"dataref":"nats-object:CC_FILES/large"`))
	})
	r.Check(err)
	if _, err := r.Do(r.Ctx, send("x", "hello")); !errors.Is(err, client.ErrNoAnswer) {
		t.Errorf("there is no bucket: %v", err)
	}
	_, err = r.JS.CreateObjectStore(r.Ctx, jetstream.ObjectStoreConfig{Bucket: "CC_FILES"})
	r.Check(err)
	if _, err := r.Do(r.Ctx, send("x", "hello")); !errors.Is(err, client.ErrNoObject) || errors.Is(err, client.ErrNoAnswer) {
		t.Errorf("there is no object: %v", err)
	}
}

// A command that may be stored by a try which was not answered is not said to be
// refused by the next one.
func TestStoreRefusesTheSecondTry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tries := 0
	_, err := r.NC.Subscribe("cc.durable.>", func(msg *nats.Msg) {
		if tries++; tries > 1 {
			_ = msg.Respond([]byte(`{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"},"stream":"","seq":0}`))
		}
	})
	r.Check(err)
	r.Check(r.NC.Flush())
	var refused *jetstream.APIError
	if _, err := r.Publish(r.Ctx, send("x", "hello")); !errors.Is(err, client.ErrNoAnswer) || !errors.As(err, &refused) {
		t.Errorf("the second try: %v", err)
	}
	if _, err := r.Publish(r.Ctx, send("x", "hello")); errors.Is(err, client.ErrNoAnswer) || !errors.As(err, &refused) {
		t.Errorf("the first try: %v", err)
	}
}
