package clients

import (
	"testing"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/golden"
)

var goldenSecret = secret{Key: []byte("0123456789abcdef0123456789abcdef"), Made: golden.Time(1)}

func TestGoldenFormats(t *testing.T) {
	golden.Values(t, "secret", []secret{goldenSecret})
	golden.Values(t, "client", []record{{ClientID: "client"}})
}

// References and derived clients must never change.
func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tap, c := r.Tap(), r.replica()
	c.hold(held{goldenSecret, golden.Time(2)})
	tap.During("a secret that is put back", func() { r.Check(c.Look(r.Ctx)) })
	tap.During("a client", func() {
		_, err := c.Keep(r.Ctx, "client")
		r.Check(err)
	})
	lines := append(tap.Lines(), "derived: "+string(c.Derive("//source", "an id")), "sealed: "+c.Seal("text"))
	golden.Lines(t, "messages.txt", lines)
	client, err := r.started().Find(r.Ctx, c.Ref("client"))
	golden.Same(t, client, brightpattern.ClientID("client"), err)
}
