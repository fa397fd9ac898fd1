package connector_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// texts are the messages of a chat that stand in the stream, in its order.
func (r *rig) texts(chat string) []string {
	r.Helper()
	var all []string
	for _, m := range r.stored(r.of(chat)) {
		if e, err := schema.DecodeEvent(m.event); err == nil {
			if message, ok := e.(*schema.Message); ok {
				all = append(all, message.Text)
			}
		}
	}
	return all
}

// A stream that has forgotten a chat's events must not make them look
// unpublished: what the history still has is not published again, and the
// sequence goes on.
func TestStreamForgetsAnOpenChat(t *testing.T) {
	for name, limit := range map[string]func(*rig){
		"by age":   func(r *rig) { r.config.EventsMaxAge = 3 * time.Second },
		"by bytes": func(r *rig) { r.config.EventsMaxAge = time.Hour; r.config.EventsMaxBytes = 64 << 10 },

		"by an administrator's age":   byAdministrator(func(c *jetstream.StreamConfig) { c.MaxAge, c.Duplicates = 3*time.Second, 3*time.Second }),
		"by an administrator's bytes": byAdministrator(func(c *jetstream.StreamConfig) { c.MaxAge, c.MaxBytes = 0, 64<<10 }),
		"by an administrator's count": byAdministrator(func(c *jetstream.StreamConfig) { c.MaxMsgs = 64 }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{Hold: 100 * time.Millisecond})
			limit(r)
			first := r.start()
			chat := r.openChat()
			for n := range 5 {
				r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": fmt.Sprint(n), "msg": "old", "msg_text": fmt.Sprint("old ", n)})
			}
			r.awaitStored(chat, ".event.message", 5)
			last := r.lastSequence(chat)
			r.eventually("the chat's events are forgotten", func() bool {
				for range 4 { // their results fill the stream
					r.call("service.version", map[string]any{})
				}
				return len(r.texts(chat)) == 0
			})
			first.stop()
			r.start()
			r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p", "msg_id": "5", "msg": "new", "msg_text": "new"})
			found := r.awaitStored(chat, ".event.message", 1)
			var message schema.Message
			r.check(json.Unmarshal(found[0].event.Data(), &message))
			if len(found) != 1 || message.Text != "new" {
				t.Errorf("stored are %d messages, the first is %q: want the new one alone", len(found), message.Text)
			}
			if n, _ := schema.Sequence(found[0].event); n != last+1 {
				t.Errorf("the new message has sequence %d, want %d", n, last+1)
			}
		})
	}
}

// byAdministrator has the stream of events limited by what stands in its
// definition, and in no setting.
func byAdministrator(change func(*jetstream.StreamConfig)) func(*rig) {
	return func(r *rig) {
		r.start().stop()
		r.changeEvents(change)
	}
}

func (r *rig) lastSequence(chat string) (last uint64) {
	r.Helper()
	for _, m := range r.stored(r.of(chat)) {
		if n, err := schema.Sequence(m.event); err == nil {
			last = n
		}
	}
	return last
}
