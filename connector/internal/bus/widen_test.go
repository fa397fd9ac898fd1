package bus_test

import (
	"bytes"
	"log/slog"
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// What an administrator's stream does not take is told, and how it would take
// it; the connector leaves the stream as it is.
func TestUntakenCommandsAreTold(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	spec, _ := schema.LookupCommand("chat.file")
	cfg := natstest.Config()
	cfg.Lately = []schema.Command{*spec}
	mustOpen(r, cfg)
	cfg.Provision = false
	if log := widen(r, cfg); log != "" {
		t.Errorf("a stream that takes all is told of: %s", log)
	}
	subject, name := natstest.Prefix.Durable("chat.file", "*"), natstest.Prefix.StreamName("COMMANDS")
	change(r, name, func(c *jetstream.StreamConfig) {
		c.Subjects = slices.DeleteFunc(c.Subjects, func(s string) bool { return s == subject })
	})
	left := configOf(r, name).Subjects
	checkSays(t, widen(r, cfg), "CC_PROVISION=false", `"subjects":["`+subject+`"]`, "nats stream edit "+name+" --subjects '"+left[0]+",", ","+subject+"'")
	if !slices.Equal(configOf(r, name).Subjects, left) {
		t.Error("the stream was changed")
	}
}

// widen returns what is logged meanwhile.
func widen(r *natstest.Rig, cfg bus.Config) string {
	r.Helper()
	streams, _ := mustOpen(r, cfg)
	var log bytes.Buffer
	r.Check(streams.Widen(r.Ctx, slog.New(slog.NewJSONHandler(&log, nil))))
	return log.String()
}
