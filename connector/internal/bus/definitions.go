package bus

import (
	"cmp"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Definition is a stream that the connector needs, with the consumers that it
// needs there. Buckets and object stores are streams, too.
type Definition struct {
	Stream    jetstream.StreamConfig
	Consumers []jetstream.ConsumerConfig
}

// Definitions are what Open must find in JetStream with this configuration.
func Definitions(cfg Config) []Definition {
	l := newLayout(cfg)
	return []Definition{
		{explicit(l.events), nil},
		{explicit(l.sessions), []jetstream.ConsumerConfig{l.holders}},
		{explicit(l.commands), []jetstream.ConsumerConfig{l.runners}},
		{explicit(l.dead), nil},
		{explicit(l.journal), nil},
		{explicit(l.chats), nil},
		{explicit(l.state), nil},
		{explicit(l.files), nil},
	}
}

// explicit writes out the limits that the server would fill in: tools that
// read the definition take 0 for a limit.
func explicit(s jetstream.StreamConfig) jetstream.StreamConfig {
	s.MaxConsumers = cmp.Or(s.MaxConsumers, -1)
	s.MaxMsgs = cmp.Or(s.MaxMsgs, -1)
	s.MaxBytes = cmp.Or(s.MaxBytes, -1)
	s.MaxMsgsPerSubject = cmp.Or(s.MaxMsgsPerSubject, -1)
	s.MaxMsgSize = cmp.Or(s.MaxMsgSize, -1)
	s.Duplicates = cmp.Or(s.Duplicates, repeatsOf(s))
	return s
}

// repeatsOf is the server's own window for repeats.
func repeatsOf(s jetstream.StreamConfig) time.Duration {
	if s.MaxAge > 0 {
		return min(duplicateWindow, s.MaxAge)
	}
	return duplicateWindow
}
