package client

import (
	"context"
	"time"

	"cc-connector/schema"
)

// Do runs a live command and returns its reply. A context without a deadline
// gets [Config].Timeout. The errors are described at the package.
func (c *Client) Do(ctx context.Context, cmd *Command) (*Reply, error) {
	r, err := c.prepare(cmd)
	if err != nil {
		return nil, err
	}
	ctx, cancel := c.patient(ctx)
	defer cancel()
	msg, err := c.live(r, r.call)
	if err != nil {
		return nil, err
	}
	answer, again, err := c.exchange(ctx, msg)
	if err != nil {
		return nil, err
	}
	reply, err := c.outcome(ctx, r, answer.Header, answer.Data)
	if again && !r.spec.Read && isRefusal(err, schema.CodeUnavailable) {
		return c.settle(ctx, r, reply, err)
	}
	return reply, err
}

// begunWithin a command is begun that a connector has got, or never.
const begunWithin = 5 * time.Second

// settle is for a command that was sent more than once, of which the last time
// was refused for the moment. The first time it may have been run, or be about to.
func (c *Client) settle(ctx context.Context, r *request, reply *Reply, refusal error) (*Reply, error) {
	refused := time.Now()
	for wait := sendAgainAfter; ; wait = min(longestQuestion, 2*wait) {
		late := time.Since(refused) > begunWithin
		a, known := c.ask(ctx, r)
		switch {
		case known:
			return a.reply, a.err
		case ctx.Err() != nil:
			return nil, noAnswer(ctx)
		case late && isRefusal(a.err, schema.CodeExpired): // it is not on record
			return reply, refusal
		}
		pause(ctx, wait)
	}
}
