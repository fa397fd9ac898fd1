package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/schema"
)

// Errors of the calls. What the connector itself answered is a [*schema.Error].
var (
	// ErrNoConnector says that nobody takes live commands: nothing was done.
	ErrNoConnector = errors.New("client: no connector is listening on the live commands of this prefix")
	// ErrNoStream says that nobody keeps durable commands: nothing was done.
	ErrNoStream = errors.New("client: no stream keeps the durable commands of this prefix: no connector has made it here")
	// ErrNoAnswer says that the outcome is not known: send the same Command again,
	// or Await it, and make no new one of its data.
	ErrNoAnswer = errors.New("client: the outcome is not known yet: ask for it with the same command")
)

// Reply is what a command came to.
type Reply struct {
	Event  event.Event // the CloudEvent that says so
	Result *schema.Result
	Value  any // a pointer to the command's result struct, as *schema.ChatSendResult; nil if it has none, or failed
}

// As is what a call came to, as its own type: As[schema.ChatSendResult](c.Do(ctx, cmd)).
func As[R any](r *Reply, err error) (*R, error) {
	if err != nil {
		return nil, err
	}
	value, ok := r.Value.(*R)
	if !ok {
		return nil, fmt.Errorf("client: the result of %s is a %T", r.Result.Command, r.Value)
	}
	return value, nil
}

// outcome reads the CloudEvent of a command's outcome. A failed command's
// *schema.Error comes beside its reply.
func (c *Client) outcome(ctx context.Context, r *request, h nats.Header, data []byte) (*Reply, error) {
	e, form, err := schema.Decode(h, data)
	if err == nil && form == schema.FormPlain {
		err = schema.ErrOtherType
	}
	if err != nil {
		return nil, fmt.Errorf("client: the outcome of %s cannot be read: %w", r.spec.Name, err)
	}
	e, err = c.whole(ctx, e)
	switch {
	case errors.Is(err, ErrNoObject):
		return nil, fmt.Errorf("client: the outcome of %s was kept beside the bus: %w", r.spec.Name, err)
	case err != nil: // for the moment
		return nil, fmt.Errorf("%w: it is kept beside the bus: %w", ErrNoAnswer, err)
	}
	return interpret(r, e)
}

func interpret(r *request, e event.Event) (*Reply, error) {
	result, err := schema.DecodeResult(e)
	if err == nil && result.Command != r.spec.Name {
		err = schema.ErrOtherType
	}
	if err != nil {
		return nil, fmt.Errorf("client: the outcome of %s cannot be read: %w", r.spec.Name, err)
	}
	reply := &Reply{Event: e, Result: result}
	switch {
	case result.Error != nil:
		return reply, result.Error
	case result.Status != schema.StatusOK:
		return nil, fmt.Errorf("client: the outcome of %s is neither ok nor an error", r.spec.Name)
	}
	reply.Value = r.spec.NewResult()
	if reply.Value != nil && json.Unmarshal(result.Result, reply.Value) != nil {
		return nil, fmt.Errorf("client: the result of %s does not fit the command", r.spec.Name)
	}
	return reply, nil
}

// whole is a CloudEvent with its data, wherever they lie.
func (c *Client) whole(ctx context.Context, e event.Event) (event.Event, error) {
	bucket, object, elsewhere := schema.DataRef(e)
	if !elsewhere || len(e.Data()) > 0 {
		return e, nil
	}
	data, err := c.readObject(ctx, bucket, object)
	if err != nil {
		return e, err
	}
	e = e.Clone()
	e.DataEncoded, e.DataBase64 = data, false
	return e, nil
}

func (c *Client) readObject(ctx context.Context, bucket, object string) ([]byte, error) {
	if c.cfg.JetStreamDomain != "" {
		return schema.ReadObjectInDomain(ctx, c.nc, c.cfg.JetStreamDomain, bucket, object)
	}
	return schema.ReadObject(ctx, c.nc, bucket, object)
}
