package connector

import (
	"context"

	"cc-connector/connector/internal/command"
	"cc-connector/connector/internal/retry"
)

// widen has JetStream take the durable commands that an earlier version cannot
// run, once none of its replicas lives: during an update, who publishes one is
// told that nobody takes it.
func (c *Connector) widen(ctx context.Context) {
	p, trouble := c.parts, &retry.Trouble{Log: c.log, Doing: "having all durable commands taken"}
	for ctx.Err() == nil {
		if p.registry.Oldest() >= command.LatelyFormat {
			err := p.streams.Widen(ctx, c.log)
			if err == nil {
				return
			}
			trouble.Note(err)
		}
		retry.Sleep(ctx, p.registry.Every())
	}
}
