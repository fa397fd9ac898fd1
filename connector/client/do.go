package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
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
	answer, err := c.exchange(ctx, msg)
	if err != nil {
		return nil, err
	}
	return c.outcome(ctx, r, answer.Header, answer.Data)
}

const sendAgainAfter = 250 * time.Millisecond

// exchange sends a request until it is answered. After each reconnect it is sent
// again, for a reply that was on its way is lost, and a repeat is harmless. That
// nobody listens means that nothing was done only if it was the first time.
func (c *Client) exchange(ctx context.Context, msg *nats.Msg) (*nats.Msg, error) {
	for first := true; ; first = false {
		answer, err := c.once(ctx, msg)
		switch {
		case err == nil:
			return answer, nil
		case ctx.Err() != nil:
			return nil, noAnswer(ctx)
		case errors.Is(err, errReconnected):
			continue
		case first && errors.Is(err, nats.ErrNoResponders):
			return nil, fmt.Errorf("%w: %w", ErrNoConnector, err)
		case errors.Is(err, nats.ErrConnectionClosed):
			return nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
		case first:
			return nil, fmt.Errorf("client: the command could not be sent: %w", err)
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
