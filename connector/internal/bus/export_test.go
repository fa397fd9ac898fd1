package bus

import (
	"context"
	"time"
)

// KeepFor keeps an object for so long.
func (p *Publisher) KeepFor(ctx context.Context, name string, data []byte, keep time.Duration) (string, error) {
	return p.files.keep(ctx, name, data, keep)
}
