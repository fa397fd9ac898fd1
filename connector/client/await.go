package client

import (
	"context"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/schema"
)

// How an outcome is waited for. Its event tells it at once, to who listens
// before the command is sent. But an event is told once, and not to who was cut
// off then; so whoever waits long, was cut off, or comes late also asks for it
// (ask.go). Whichever comes first is the outcome: both tell the same.

// waiter waits for the outcome of one command.
type waiter struct {
	client *Client
	*request
	heard chan *nats.Msg
	subs  []*nats.Subscription
	ack   *jetstream.PubAck // of this command's message; nil if another process had it stored
}

// heardMost outcomes are kept while nobody looks: while the command is being
// stored. Should they be more, it is asked for.
const heardMost = 1024

// listen subscribes to the outcomes of the command: on its chat, if it names
// one, and of those on no known chat.
func (c *Client) listen(cmd *Command) (*waiter, error) {
	r, err := c.prepare(cmd)
	if err != nil {
		return nil, err
	}
	w := &waiter{client: c, request: r, heard: make(chan *nats.Msg, heardMost)}
	results := c.cfg.Prefix.Results(r.name())
	if r.chat != "" {
		results[0] = c.cfg.Prefix.Result(r.chat, r.name())
	}
	for _, subject := range results {
		sub, err := c.nc.ChanSubscribe(subject, w.heard)
		if err != nil {
			w.stop()
			return nil, err
		}
		w.subs = append(w.subs, sub)
	}
	return w, nil
}

func (w *waiter) stop() {
	for _, sub := range w.subs {
		_ = sub.Unsubscribe() // of a closed connection: nothing is left of it
	}
}

// wait returns the outcome as soon as it is heard, or told to who asks.
func (w *waiter) wait(ctx context.Context, askNow bool) (*Reply, error) {
	asking, end := context.WithCancel(ctx)
	told := make(chan answer, 1)
	urge := make(chan struct{}, 1)
	var asker sync.WaitGroup
	defer asker.Wait()
	defer end()
	if !w.spec.Read { // of that nothing is on record
		asker.Go(func() { w.client.keepAsking(asking, w.request, askNow, urge, told) })
	}
	for {
		select {
		case msg := <-w.heard:
			if a, mine := w.read(ctx, msg, urge); mine {
				return a.reply, a.err
			}
		case a := <-told:
			return a.reply, a.err
		case <-ctx.Done():
			return nil, noAnswer(ctx)
		}
	}
}

// read takes a message for the outcome if it is a result that the command is the
// cause of. What it cannot take is asked for: an event whose data cannot be had,
// and anybody's conflict with the command, in versions of the connector that name
// both alike.
func (w *waiter) read(ctx context.Context, msg *nats.Msg, urge chan<- struct{}) (a answer, mine bool) {
	e, form, err := schema.Decode(msg.Header, msg.Data)
	if err != nil || form == schema.FormPlain || !w.isCause(e) {
		return a, false
	}
	a.reply, a.err = w.client.outcome(ctx, w.request, msg.Header, msg.Data)
	if w.spec.Read || a.reply != nil && (!isRefusal(a.err, schema.CodeCommandConflict) || w.isOwnRefusal(e)) {
		return a, true
	}
	select {
	case urge <- struct{}{}:
	default: // it is going to be asked
	}
	return a, false
}

// isCause tells whether the command is what the result comes of. A question for
// it (ask.go) has another correlation.
func (w *waiter) isCause(e event.Event) bool {
	if e.Type() != schema.ResultType(w.spec.Noun(), w.spec.Verb()) || schema.Extension(e, schema.AttrCorrelationID) != w.correlation() {
		return false
	}
	return schema.Extension(e, schema.AttrCausationID) == w.ID || w.isOwnRefusal(e)
}

// isOwnRefusal tells a result of this very message, which was not run under its
// id because that is another command's.
func (w *waiter) isOwnRefusal(e event.Event) bool {
	if w.ack == nil {
		return false
	}
	mark := w.ack.Stream + ":" + strconv.FormatUint(w.ack.Sequence, 10) + ":"
	return strings.HasPrefix(schema.Extension(e, schema.AttrCausationID), mark)
}
