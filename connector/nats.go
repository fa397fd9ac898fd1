package connector

import "github.com/nats-io/nats.go"

// NATSOptions are the options that a connector's connection to NATS must have,
// whatever else is set: it reconnects for ever, and it fails at once what is
// published while there is no connection. A buffer would deliver heartbeats
// of a lease and replies to commands long after their time.
func NATSOptions() []nats.Option {
	return []nats.Option{nats.Name("cc-connector"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)}
}
