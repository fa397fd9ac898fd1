package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

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
