package bus

import (
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/schema"
)

// Whole is the event as it travels to one receiver, with nothing of it in the
// object store. False: it is too large for the bus.
func (p *Publisher) Whole(e event.Event) (*nats.Msg, bool, error) {
	msg, err := schema.Encode(e, p.mode)
	if err != nil {
		return nil, false, err
	}
	return msg, int64(msg.Size()) < p.limit-Headroom, nil
}
