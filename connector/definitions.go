package connector

import (
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
)

// Definition is a stream that the connector needs, with the consumers that it
// needs there. Buckets and object stores are streams, too.
type Definition struct {
	Stream    jetstream.StreamConfig
	Consumers []jetstream.ConsumerConfig
}

// CheckOwner is an error that names a stream which is not the connector's: it
// has not the definition's mark in its metadata.
func (d Definition) CheckOwner(there *jetstream.StreamInfo) error {
	return bus.Definition(d).CheckOwner(there)
}

// Advise adds to what JetStream answers what can be done about it, if anything
// is known.
func Advise(err error) error { return bus.Advise(err) }

// Definitions are what a connector with this configuration, but without
// Provision, must find in JetStream. Tenant and BaseURL must be given: they are
// the mark by which a connector knows its streams.
func Definitions(cfg Config) []Definition {
	var all []Definition
	for _, d := range bus.Definitions(cfg.withDefaults().streams()) {
		all = append(all, Definition(d))
	}
	return all
}

// Lacks are the differences between a stream that is there and what a connector
// with this configuration needs, or would make.
func Lacks(cfg Config, there jetstream.StreamConfig) []bus.Lack {
	return bus.Lacks(cfg.withDefaults().streams(), there)
}

// ConsumerLacks are those of one of its consumers.
func ConsumerLacks(cfg Config, stream string, there jetstream.ConsumerConfig) []bus.Lack {
	return bus.ConsumerLacks(cfg.withDefaults().streams(), stream, there)
}

// Deletes tells whether a connector that may change the stream would have
// messages deleted by its settings.
func Deletes(cfg Config, there *jetstream.StreamInfo) bool {
	return bus.Deletes(cfg.withDefaults().streams(), there)
}
