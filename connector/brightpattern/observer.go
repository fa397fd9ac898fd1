package brightpattern

import (
	"context"
	"time"
)

// Observation is what an Observer learns of a call.
type Observation struct {
	Credentials Credentials
	Method      string        // the protocol's name
	IsPoll      bool          // the contact center may have held it for seconds
	Took        time.Duration // until the answer was read; of files and photos, until they began to come
	Err         error         // nil, or what the call returned
}

// Observer learns what each call came to. It is called by whoever makes the call,
// with the call's context, and must be quick.
type Observer func(ctx context.Context, seen Observation)

// Observe has an observer told of every call from now on, behind those that are.
// Of files and photos it learns whether they began to come.
func (c *Client) Observe(observer Observer) {
	c.observing.Lock()
	defer c.observing.Unlock()
	var all []Observer
	if earlier := c.observers.Load(); earlier != nil {
		all = append(all, *earlier...)
	}
	all = append(all, observer)
	c.observers.Store(&all)
}

func (c *Client) tell(ctx context.Context, seen Observation) {
	observers := c.observers.Load()
	if observers == nil {
		return
	}
	for _, observe := range *observers {
		observe(ctx, seen)
	}
}
