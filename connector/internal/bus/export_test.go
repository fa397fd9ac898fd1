package bus

import (
	"context"
	"log/slog"
	"time"
)

// KeepFor keeps an object for so long.
func (p *Publisher) KeepFor(ctx context.Context, name string, data []byte, keep time.Duration) (string, error) {
	return p.files.keep(ctx, name, data, keep)
}

// KeepOnce looks after the streams once.
func (s *Streams) KeepOnce(ctx context.Context, log *slog.Logger) (areKnown bool, err error) {
	return s.keep(ctx, log)
}
