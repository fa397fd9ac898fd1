package bus

import (
	"context"
	"log/slog"
	"time"
)

// KeepFor keeps an object for so long.
func (p *Publisher) KeepFor(ctx context.Context, name string, data []byte, keep time.Duration) (string, error) {
	kept, err := p.files.keep(ctx, whole(name, data, keep))
	return string(kept.Object), err
}

// KeepOnce looks after the streams once.
func (s *Streams) KeepOnce(ctx context.Context, log *slog.Logger) (areKnown bool, err error) {
	return s.keep(ctx, log)
}

// CommonName is that of what is the same for everybody.
func CommonName(sum []byte, at time.Time) string { return commonName(sum, at) }

// NameSubject is where the message stands that names an object.
func NameSubject(bucket string, name ObjectName) string { return nameSubject(bucket, name) }
