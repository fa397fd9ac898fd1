package client

import (
	"context"
	"errors"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"cc-connector/schema"
)

// A question for a command's outcome is the command itself once more, on the
// live lane: a repeat, which gets what is on record. It must not be run, though:
// a durable command that still stands in its chat's queue would be done out of
// its turn, and tried once instead of until it succeeds. So the question's own
// time is over: of what is not on record, it is refused as expired. What is on
// record names the command as its cause, and has the command's correlation; a
// refusal of the question itself has the question's, or, where the connector has
// too much to do to look into it, none that anybody knows. It says nothing of the
// command.

const (
	firstQuestion   = 5 * time.Second  // most commands are done by then
	longestQuestion = 15 * time.Second // between two; each is answered at once
)

// answer is what was told of a command.
type answer struct {
	reply *Reply
	err   error
}

// keepAsking asks until it is told the outcome: at first when most commands are
// done, then now and then, and whenever there is a reason to.
func (c *Client) keepAsking(ctx context.Context, r *request, now bool, urge <-chan struct{}, told chan<- answer) {
	connected := c.nc.StatusChanged(nats.CONNECTED)
	defer c.nc.RemoveStatusListener(connected)
	wait := firstQuestion
	if now {
		wait = 0
	}
	for {
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-urge:
		case <-connected:
			wait = 0
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
		if a, known := c.ask(ctx, r); known {
			told <- a
			return
		}
		wait = min(longestQuestion, max(sendAgainAfter, 2*wait))
	}
}

// ask tells the outcome, if it is on record. If not, the answer says why.
func (c *Client) ask(ctx context.Context, r *request) (a answer, known bool) {
	ctx, cancel := context.WithTimeout(ctx, defaultTimeout)
	defer cancel()
	question, mark := r.question()
	msg, err := c.live(r, question)
	if err != nil {
		return answer{nil, err}, true
	}
	reply, _, err := c.exchange(ctx, msg)
	if err != nil {
		return answer{nil, err}, errors.Is(err, nats.ErrConnectionClosed)
	}
	a.reply, a.err = c.outcome(ctx, r, reply.Header, reply.Data)
	if a.reply == nil {
		return a, !errors.Is(a.err, ErrNoAnswer)
	}
	e := a.reply.Event
	recorded := schema.Extension(e, schema.AttrCorrelationID) != mark && schema.Extension(e, schema.AttrCausationID) == r.ID
	return a, recorded || isFinal(a.err)
}

// isFinal tells the refusals of a question that will not be another one later:
// the command itself would be refused, too.
func isFinal(err error) bool {
	return isRefusal(err, schema.CodeCommandConflict) || isRefusal(err, schema.CodeInvalidCommand)
}

// isRefusal tells a refusal for a reason: the command that it is of was not run.
func isRefusal(err error, why schema.ErrorCode) bool {
	var told *schema.Error
	return errors.As(err, &told) && told.Code == why && told.Outcome == schema.OutcomeNotDone
}

// question is the command as nobody runs it.
func (r *request) question() (e event.Event, mark string) {
	mark = "question:" + uuid.NewString()
	e = r.call.Clone()
	e.SetExtension(schema.AttrCorrelationID, mark)
	e.SetExtension(schema.AttrExpiryTime, time.Unix(0, 0).UTC().Format(time.RFC3339))
	e.SetExtension(schema.AttrQuestion, true)
	return e, mark
}
