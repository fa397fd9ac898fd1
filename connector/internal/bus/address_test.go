package bus_test

import (
	"testing"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

// Streams that were marked with an address as it was pasted are known again,
// and those of another contact center are not.
func TestEarlierSpellingsOfAnAddress(t *testing.T) {
	r := natstest.New(t)
	named := func(address string) func(*bus.Config) { return func(c *bus.Config) { c.BaseURL = address } }
	for _, address := range []string{
		"https://acme.example:443", "https://acme.example/clientweb/api/v2", "https://acme.example:443/clientweb", "https://acme.example",
	} {
		r.Streams(named(address))
	}
	for _, address := range []string{"https://acme.example:8443", "https://acme.example/bp", "http://acme.example", "https://acme.example.org"} {
		cfg := natstest.Config()
		cfg.BaseURL = address
		if _, err := bus.Open(r.Ctx, r.JS, cfg, natstest.Log()); err == nil {
			t.Errorf("%s is taken for https://acme.example", address)
		}
	}
}
