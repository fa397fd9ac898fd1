package command

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// A durable command that was not done in its time goes to the stream of dead
// letters as it came, with the reason in its headers. It can be put back by
// publishing it under a new id.

// Headers of a dead letter.
const (
	headerCommandID    = "Cc-Command-Id"
	headerErrorCode    = "Cc-Error-Code"
	headerErrorMessage = "Cc-Error-Message"
	headerAttempts     = "Cc-Attempts"
	headerFirstSeen    = "Cc-First-Seen"
)

// giveUp writes the dead letter, then the result; the acknowledgement follows.
func (d *durable) giveUp(ctx context.Context) (next, error) {
	r := d.cmd.record
	failure := r.LastError
	if r.Attempts == 0 && !r.MayBeDone || failure == nil {
		failure = expired()
	}
	if err := d.bury(ctx, failure); err != nil {
		return next{}, err
	}
	d.commands.Failpoints.Reach(failpoint.DeadLetter)
	return d.finish(ctx, failed(failure))
}

// bury publishes the dead letter once: the journal says from where on it would
// stand in the stream, should this replica die before the result is recorded.
// It tries so once: a command that is over must not keep others from their slot.
func (d *durable) bury(ctx context.Context, failure *schema.Error) error {
	c, r, letter := d.commands, d.cmd.record, d.deadLetter(failure)
	id := "deadletter:" + d.cmd.Result
	letter.Header.Set(nats.MsgIdHdr, id)
	info, err := tryDead(ctx, c, func(try context.Context) (*jetstream.StreamInfo, error) { return c.Streams.Dead.Info(try) })
	if err != nil {
		return err
	}
	if r.GivenUp != nil {
		there, err := bus.IsPublished(ctx, c.Log, c.Streams.Dead, letter.Subject, id, *r.GivenUp)
		if err != nil || there {
			return err
		}
	}
	r.GivenUp = &info.State.LastSeq
	if err := c.Journal.Write(ctx, r); err != nil {
		return err
	}
	ctx, span := c.Traces.Publish(ctx, letter.Subject)
	ack, err := tryDead(ctx, c, func(try context.Context) (*jetstream.PubAck, error) {
		ack, err := c.JetStream.PublishMsg(try, letter, jetstream.WithRetryAttempts(0))
		return ack, c.Streams.Dead.Wrote(err)
	})
	span.Published(err)
	if err == nil && !ack.Duplicate {
		c.Metrics.DeadLetters.Inc(d.cmd.spec.Name)
	}
	return err
}

// deadCountedEvery so long it is told how many dead letters there are. Nobody is
// asked for that: the streams are looked after anyway.
const deadCountedEvery = time.Second

// countDead tells how many dead letters lie in their stream, until ctx ends.
func (c *Commands) countDead(ctx context.Context) {
	for ctx.Err() == nil {
		c.Metrics.Stored.Set(float64(c.Streams.Dead.CachedInfo().State.Msgs))
		retry.Sleep(ctx, deadCountedEvery)
	}
}

// tryDead is one try to reach the stream of dead letters.
func tryDead[T any](ctx context.Context, c *Commands, do func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	value, err := do(ctx)
	return value, bus.Explain(c.Streams.Dead.CachedInfo().Config.Name, err)
}

// deadLetter is the command as it came.
func (d *durable) deadLetter(failure *schema.Error) *nats.Msg {
	msg := nats.NewMsg(deadLetterSubject(d.commands.cfg.Prefix, d.subject))
	msg.Header = d.ownHeader()
	msg.Data = d.raw.data
	msg.Header.Set(headerCommandID, oneLine(d.cmd.ID))
	msg.Header.Set(headerErrorCode, string(failure.Code))
	msg.Header.Set(headerErrorMessage, oneLine(cut(failure.Message)))
	msg.Header.Set(headerAttempts, strconv.Itoa(d.cmd.record.Attempts))
	msg.Header.Set(headerFirstSeen, d.since.UTC().Format(time.RFC3339))
	return msg
}

// ownHeader is what a dead letter keeps of the command's headers. What they
// once told JetStream is not told again; and a message that was written by hand
// may have names in them that no client writes.
func (d *durable) ownHeader() nats.Header {
	own := nats.Header{}
	for name, values := range d.raw.header {
		canBeWritten := (&nats.Msg{Header: nats.Header{name: {""}}}).Size() > 0
		if canBeWritten && !strings.HasPrefix(strings.ToLower(name), "nats-") {
			own[name] = values
		}
	}
	return own
}

// isTooLarge tells of a command that fits on the bus, but would not with a
// dead letter's headers: it could never be given up.
func (d *durable) isTooLarge() bool {
	header := nats.Msg{Header: d.ownHeader()}
	letter := nats.Msg{Subject: d.subject, Header: header.Header, Data: d.raw.data}
	return header.Size() > bus.HeadersMost-bus.Headroom || int64(letter.Size()) > d.commands.NATS.MaxPayload()-bus.Headroom
}

// deadLetterSubject is the command's own, among the dead.
func deadLetterSubject(prefix subjects.Prefix, durable string) string {
	subject, err := prefix.Parse(durable)
	if err != nil {
		return prefix.DeadLetter("", "")
	}
	return prefix.DeadLetter(subject.Command, subject.Chat)
}
