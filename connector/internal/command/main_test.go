package command

import (
	"testing"

	"cc-connector/connector/internal/natstest"
)

func TestMain(m *testing.M) { natstest.Main(m) }

// withTeller has commands tell what they come to with what they work with.
func withTeller(c *Commands) *Commands {
	c.teller = newTeller(c.Needs, c.cfg)
	return c
}
