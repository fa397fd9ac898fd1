package connector

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

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
func (e *errand) giveUp(ctx context.Context) error {
	r := e.cmd.record
	failure := r.LastError
	if r.Attempts == 0 && !r.MayBeDone || failure == nil {
		failure = expired()
	}
	if err := e.bury(ctx, failure); err != nil {
		return err
	}
	e.cfg.rehearsal.reach(pointDeadLetter)
	e.metrics.deadLetters.WithLabelValues(e.cmd.spec.Name).Inc()
	return e.finish(ctx, outcome{cmd: e.cmd, failure: failure})
}

// bury publishes the dead letter once: the journal says from where on it would
// stand in the stream, should this replica die before the result is recorded.
func (e *errand) bury(ctx context.Context, failure *schema.Error) error {
	r, letter := e.cmd.record, e.deadLetter(failure)
	id := "deadletter:" + e.cmd.resultID()
	letter.Header.Set(nats.MsgIdHdr, id)
	if r.GivenUp != nil {
		there, err := e.isPublished(ctx, e.stores.dead, letter.Subject, id, *r.GivenUp)
		if err != nil || there {
			return err
		}
	}
	end, err := persist(ctx, e.log, "looking at the stream of dead letters", func(ctx context.Context) (uint64, error) {
		info, err := e.stores.dead.Info(ctx)
		if err != nil {
			return 0, err
		}
		return info.State.LastSeq, nil
	})
	if err != nil {
		return err
	}
	r.GivenUp = &end
	if err := e.journal.write(ctx, e.cmd.key(), r); err != nil {
		return err
	}
	_, err = persist(ctx, e.log, "publishing a dead letter", func(ctx context.Context) (*jetstream.PubAck, error) {
		return e.js.PublishMsg(ctx, letter, jetstream.WithRetryAttempts(0))
	})
	return err
}

// deadLetter is the command as it came. What its headers once told JetStream
// is not told again.
func (e *errand) deadLetter(failure *schema.Error) *nats.Msg {
	msg := nats.NewMsg(deadLetterSubject(e.cfg.Prefix, e.subject))
	for name, values := range e.raw.header {
		if !strings.HasPrefix(strings.ToLower(name), "nats-") {
			msg.Header[name] = values
		}
	}
	msg.Data = e.raw.data
	msg.Header.Set(headerCommandID, oneLine(e.cmd.id))
	msg.Header.Set(headerErrorCode, string(failure.Code))
	msg.Header.Set(headerErrorMessage, oneLine(failure.Message))
	msg.Header.Set(headerAttempts, strconv.Itoa(e.cmd.record.Attempts))
	msg.Header.Set(headerFirstSeen, e.since.UTC().Format(time.RFC3339))
	return msg
}

// deadLetterSubject is the command's own, among the dead.
func deadLetterSubject(prefix subjects.Prefix, durable string) string {
	subject, err := prefix.Parse(durable)
	if err != nil {
		return prefix.DeadLetter("", "")
	}
	return prefix.DeadLetter(subject.Command, subject.Chat)
}
