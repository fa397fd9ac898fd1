package bus

import (
	"cmp"
	"math"
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
	var all []Definition
	for _, n := range needs(cfg) {
		all = append(all, n.Definition)
	}
	return all
}

// need is a definition, and how far what is there may differ from it.
type need struct {
	Definition
	lately   []string // subjects that a stream which is there gets only by Widen
	given    limits
	leastAge time.Duration // that messages must be kept; 0: as long as an administrator likes
}

// limits are those that a setting gives; the zero value of one is none.
type limits struct {
	maxAge   time.Duration
	maxBytes int64
	replicas int
}

// forEver is the leastAge of what must not go before it is taken away.
const forEver = time.Duration(math.MaxInt64)

func needs(cfg Config) []need {
	l := newLayout(cfg)
	other := limits{0, cfg.StreamMaxBytes, cfg.Replicas}
	events := limits{cfg.EventsMaxAge, cfg.EventsMaxBytes, cfg.Replicas}
	dead := limits{cfg.DeadLetterMaxAge, cfg.StreamMaxBytes, cfg.Replicas}
	files := limits{cfg.FilesMaxAge, cfg.FilesMaxBytes, cfg.Replicas}
	define := func(s jetstream.StreamConfig, consumers ...jetstream.ConsumerConfig) Definition {
		return Definition{explicit(s), consumers}
	}
	return []need{
		{define(l.events), nil, events, 0},
		{define(l.sessions, l.holders), nil, other, forEver},
		{define(l.commands, l.runners), l.lately, other, cfg.CommandMaxAge + duplicateWindow},
		{define(l.dead), nil, dead, 0},
		{define(l.journal), nil, other, journalAge(cfg)},
		{define(l.chats), nil, other, forEver},
		{define(l.state), nil, other, forEver},
		{define(l.files), nil, files, 0},
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
