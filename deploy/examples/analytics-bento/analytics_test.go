package main

import (
	"strings"
	"syscall"
	"testing"

	"cc-connector/schema"
)

// Each event is landed once, in both modes and by both ways to read, though
// Bento dies in the middle and all that is stored is delivered twice.
func TestEveryEventIsLandedOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode   schema.Mode
		reader string
		users  bool
	}{
		"structured, by JetStream":                     {schema.Structured, "analytics", false},
		"binary, as a user with the least permissions": {schema.Binary, "cc-consumer", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, c.mode, c.reader, c.users)
			l := s.open()
			first := s.startBento(l.file)
			s.trouble()
			s.converse(2)
			s.eventually("something is landed", func() bool { return len(l.rows()) > 0 })
			first.end(syscall.SIGKILL)

			s.converse(3)
			second := s.startBento(l.file)
			l.awaitAll()
			l.compare()
			second.end(syscall.SIGTERM)

			s.check(s.js.DeleteConsumer(t.Context(), "CC_EVENTS", s.reader))
			s.makeConsumer()
			third := s.startBento(l.file)
			l.awaitAll()
			l.compare()
			third.end(syscall.SIGTERM)
			if said := third.log.String(); !strings.Contains(said, "it is no CloudEvent: a message on cc.chat.foreign0.event.message") {
				t.Error("nothing is said of what is left out")
			}
		})
	}
}
