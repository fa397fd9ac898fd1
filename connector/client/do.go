package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

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

const sendAgainAfter = 250 * time.Millisecond

// exchange sends a request until it is answered. After each reconnect it is sent
// again, for a reply that was on its way is lost, and a repeat is harmless. That
// nobody listens means that nothing was done only if it was the first time.
func (c *Client) exchange(ctx context.Context, msg *nats.Msg) (answer *nats.Msg, again bool, err error) {
	for first := true; ; first = false {
		answer, err = c.once(ctx, msg)
		switch {
		case err == nil:
			return answer, !first, nil
		case ctx.Err() != nil:
			return nil, !first, noAnswer(ctx)
		case errors.Is(err, errReconnected):
			continue
		case first && errors.Is(err, nats.ErrNoResponders):
			return nil, false, fmt.Errorf("%w: %w", ErrNoConnector, err)
		case errors.Is(err, nats.ErrConnectionClosed):
			return nil, !first, fmt.Errorf("%w: %w", ErrNoAnswer, err)
		case first:
			return nil, false, fmt.Errorf("client: the command could not be sent: %w", err)
		}
		pause(ctx, sendAgainAfter)
	}
}

var errReconnected = errors.New("client: the connection was made anew")

// once sends a request and waits for its answer, but no longer than the connection stands.
func (c *Client) once(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	status := c.nc.StatusChanged(nats.CONNECTED, nats.CLOSED)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case s, open := <-status:
			if open && s == nats.CLOSED {
				cancel(nats.ErrConnectionClosed)
			} else if open {
				cancel(errReconnected)
			}
		case <-ctx.Done():
		}
	}()
	answer, err := c.nc.RequestMsgWithContext(ctx, msg)
	if err != nil && context.Cause(ctx) != nil {
		err = context.Cause(ctx)
	}
	cancel(nil)
	<-watched
	c.nc.RemoveStatusListener(status)
	return answer, err
}

func noAnswer(ctx context.Context) error {
	return fmt.Errorf("%w: %w", ErrNoAnswer, context.Cause(ctx))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
