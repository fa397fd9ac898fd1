package client

import "github.com/nats-io/nats.go/jetstream"

// Use has the client publish by another JetStream.
func (c *Client) Use(js jetstream.JetStream) { c.js = js }
