package connector

import (
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// NATSOptions are the options that a connector's connection to NATS must have,
// whatever else is set: it reconnects for ever, and it fails at once what is
// published while there is no connection. A buffer would deliver heartbeats
// of a lease and replies to commands long after their time.
func NATSOptions() []nats.Option {
	return []nats.Option{nats.Name("cc-connector"), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)}
}

// jetStream is asked for by the domain's subjects, if there is one.
func (c Config) jetStream(nc *nats.Conn) (jetstream.JetStream, error) {
	if c.JetStreamDomain == "" {
		return jetstream.New(nc)
	}
	return jetstream.NewWithDomain(nc, c.JetStreamDomain)
}
