package bus_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

// pulling is a pull that runs until the test ends.
func pulling(r *natstest.Rig, queue jetstream.Consumer, priority bus.Priority, health *bus.Health) <-chan *nats.Msg {
	r.Helper()
	r.NC.SetErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	taken, done := make(chan *nats.Msg, 1000), make(chan struct{})
	ctx, cancel := context.WithCancel(r.Ctx)
	go func() {
		defer close(done)
		bus.Pull{
			JetStream: r.JS, Queue: queue, Failing: "it does not work", Health: health, Log: natstest.Log(),
			Room:    func(context.Context) int { return 3 },
			Request: func(room int) (int, bus.Priority) { return room, priority },
			Take:    func(msg *nats.Msg) { taken <- msg },
		}.Run(ctx)
	}()
	r.Cleanup(func() { cancel(); <-done })
	return taken
}

// What a consumer hands out is a message, whatever its headers say; and it
// ends no pull before its time.
func TestPullTakesEveryMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		subject  string
		queue    func(*bus.Streams) jetstream.Consumer
		priority bus.Priority
	}{
		"durable commands": {"cc.durable.chat.typing.x", func(s *bus.Streams) jetstream.Consumer { return s.Runners }, bus.Priority{}},
		"session tokens":   {"cc.internal.session.%d", func(s *bus.Streams) jetstream.Consumer { return s.Holders }, bus.Priority{Group: bus.HoldersGroup, Level: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, health := natstest.New(t), &bus.Health{}
			health.Serve(true)
			taken := pulling(r, c.queue(r.Streams()), c.priority, health)
			sequence := uint64(0)
			subject := func() string {
				if strings.Contains(c.subject, "%") { // one token a chat
					return fmt.Sprintf(c.subject, sequence)
				}
				return c.subject
			}
			hand := r.ByHand()
			statuses, unreadable := natstest.NoMessages()
			for _, headers := range append(statuses, unreadable...) {
				sequence++
				hand.Publish(subject(), headers, "")
				msg := natstest.Receive(r, taken)
				meta, err := msg.Metadata()
				if err != nil || meta.Sequence.Stream != sequence || meta.NumDelivered != 1 {
					t.Errorf("%q is taken as %+v, %v", headers, meta, err)
				}
			}
			if err := health.Check(); err != nil {
				t.Errorf("readiness says %v", err)
			}
		})
	}
}

// The server's own word ends a pull, and readiness knows if that is a failure.
func TestPullHearsTheServer(t *testing.T) {
	t.Parallel()
	r, health := natstest.New(t), &bus.Health{}
	health.Serve(true)
	streams := r.Streams()
	taken := pulling(r, streams.Runners, bus.Priority{}, health)
	r.Check(streams.Commands.DeleteConsumer(r.Ctx, "runners"))
	r.Eventually("readiness says that the consumer is missing", func() bool {
		err := health.Check()
		return err != nil && strings.Contains(err.Error(), "CC_COMMANDS or its consumer is missing")
	})
	r.Streams()
	_, err := r.JS.Publish(r.Ctx, "cc.durable.chat.typing.x", nil)
	r.Check(err)
	natstest.Receive(r, taken)
	r.Eventually("readiness is content", func() bool { return health.Check() == nil })
}

// A pull has no word but the server's, and knows each.
func TestWordsOfAPull(t *testing.T) {
	t.Parallel()
	r, health := natstest.New(t), &bus.Health{}
	health.Serve(true)
	streams := r.Streams()
	asked, err := r.NC.SubscribeSync("$JS.leaf.API.CONSUMER.MSG.NEXT.CC_COMMANDS.runners")
	r.Check(err)
	r.JS, err = jetstream.NewWithDomain(r.NC, "leaf") // where the test answers
	r.Check(err)
	pulling(r, streams.Runners, bus.Priority{}, health)
	answer := func(words ...string) {
		request, err := asked.NextMsg(time.Minute)
		r.Check(err)
		for _, status := range words {
			word := nats.NewMsg(request.Reply)
			if code, description, _ := strings.Cut(status, " "); code != "" {
				word.Header = nats.Header{"Status": {code}, "Description": {description}}
			}
			r.Check(r.NC.PublishMsg(word))
		}
	}
	inOrder := []string{"404 No Messages", "408 Request Timeout", "409 Batch Completed", "409 Message Size Exceeds MaxBytes", "409 Leadership Change", "409 Server Shutdown"}
	for i, c := range []struct{ status, says string }{
		{"409 Consumer Deleted", "is missing"}, {"503", "is missing"},
		{"400 Bad Request - x", "400 Bad Request - x"}, {"400 Bad Request - y", "400 Bad Request - y"}, {"418", "418"}, {"409 Exceeded MaxWaiting", "409 Exceeded MaxWaiting"}, {"", "no message of a consumer"},
	} {
		answer("100 Idle Heartbeat", c.status)
		r.Eventually(fmt.Sprintf("after %q readiness says %q", c.status, c.says), func() bool {
			err := health.Check()
			return err != nil && strings.Contains(err.Error(), c.says)
		})
		answer(inOrder[i%len(inOrder)])
		r.Eventually("after "+inOrder[i%len(inOrder)]+" readiness is content", func() bool { return health.Check() == nil })
	}
}
