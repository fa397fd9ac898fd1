package connector_test

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

const (
	smallPayload = 64 << 10 // smaller than the pieces that objects usually have
	longText     = 100 << 10
)

// TestTooLargeForTheBus: data that no message can carry lies in the object
// store, and everything goes on as with any other.
func TestTooLargeForTheBus(t *testing.T) {
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, func(r *rig) {
				r.payload(smallPayload)
				r.config.Mode = mode
			})
			replica := r.start()
			chat := r.openChat()
			polled := r.checkLongEvent(chat, "polled", schema.OriginPoll)
			r.checkLongHistory(chat, polled)

			_, err := r.sim.Inject(bpsim.Fault{Kind: "lose", Method: bpsim.PollEvents, Times: 1})
			r.check(err)
			r.checkLongEvent(chat, "lost", schema.OriginHistory)

			replica.stop()
			r.start()
			r.push(chat, map[string]any{"event": "chat_session_ended"})
			r.awaitStored(chat, ".session.closed", 1)
			if all := r.awaitStored(chat, ".event.message", 2); len(all) != 2 {
				t.Errorf("%d messages are published, want 2", len(all))
			}
			r.checkSequence(chat)
		})
	}
}

// TestAroundTheLimit: whatever an event's size, it is published, with its
// data or without, and with all that publishing adds.
func TestAroundTheLimit(t *testing.T) {
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, bpsim.Options{}, func(r *rig) {
				r.payload(smallPayload)
				r.config.Mode = mode
			})
			r.start()
			chat := r.openChat()
			const half = smallPayload / 2 // an event has its text twice, once as it came
			sizes := 0
			for size := half - 5<<10; size <= half; size += 120 {
				r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p1", "msg_id": strconv.Itoa(size), "msg": strings.Repeat("x", size)})
				sizes++
			}
			within := 0
			for _, m := range r.awaitStored(chat, ".event.message", sizes) {
				if _, _, elsewhere := schema.DataRef(m.event); !elsewhere {
					within++
				}
			}
			if within == 0 || within == sizes {
				t.Errorf("of %d events %d have their data with them", sizes, within)
			}
			r.checkSequence(chat)
		})
	}
}

// checkLongEvent pushes a long message and reads what is published of it.
func (r *rig) checkLongEvent(chat, name, origin string) *schema.Message {
	r.Helper()
	before := len(r.awaitStored(chat, ".event.message", 0))
	html := name + strings.Repeat(" <b>&amp;</b>", longText/13)
	r.push(chat, map[string]any{"event": "chat_session_message", "party_id": "p1", "msg_id": name, "msg": html, "novelty": []int{1, 2}})
	published := r.awaitStored(chat, ".event.message", before+1)[before]
	if got := schema.Extension(published.event, schema.AttrOrigin); got != origin {
		r.Errorf("the origin is %q, want %q", got, origin)
	}

	payload, err := schema.DecodeEvent(r.resolve(published.event))
	r.check(err)
	message := payload.(*schema.Message)
	if message.HTML != html || message.MessageID != name || message.ChatID != chat {
		r.Errorf("the message is another: %.100q, %d bytes", message.HTML, len(message.HTML))
	}
	if !strings.Contains(string(message.Raw), `"novelty":[1,2]`) {
		r.Error("the event as it came is not in raw")
	}
	return message
}

// checkLongHistory reads a history that is too long for the reply, and for the event.
func (r *rig) checkLongHistory(chat string, want *schema.Message) {
	r.Helper()
	reply, err := r.nc.RequestMsg(&nats.Msg{Subject: "cc.chat.history", Data: []byte(`{"chatId":"` + chat + `"}`)}, patience)
	r.check(err)
	replied, _, err := schema.Decode(reply.Header, reply.Data)
	r.check(err)
	stored := r.awaitStored(chat, ".result.chat.history", 1)
	for _, ce := range []event.Event{replied, stored[0].event} {
		result, err := schema.DecodeResult(r.resolve(ce))
		r.check(err)
		var history schema.ChatHistoryResult
		r.check(json.Unmarshal(result.Result, &history))
		if result.ChatID != chat || !hasMessage(history, want) {
			r.Errorf("the message is not in the history of %q: %d events", result.ChatID, len(history.Events))
		}
	}
}

func hasMessage(history schema.ChatHistoryResult, want *schema.Message) bool {
	for _, e := range history.Events {
		if m, ok := e.Event.(*schema.Message); ok && m.HTML == want.HTML && m.MessageID == want.MessageID {
			return true
		}
	}
	return false
}

// resolve puts the data back into a CloudEvent, as a consumer does.
func (r *rig) resolve(ce event.Event) event.Event {
	r.Helper()
	bucket, object, elsewhere := schema.DataRef(ce)
	if !elsewhere || bucket != "CC_FILES" || len(ce.Data()) > 0 {
		r.Fatalf("%s refers to %q %q and has %d bytes of data itself", ce.Type(), bucket, object, len(ce.Data()))
	}
	if _, err := schema.DecodeEvent(ce); !errors.Is(err, schema.ErrElsewhere) && !errors.Is(err, schema.ErrOtherType) {
		r.Errorf("reading the event without its data: %v", err)
	}
	store, err := r.js.ObjectStore(r.ctx, bucket)
	r.check(err)
	content, err := store.GetBytes(r.ctx, object)
	r.check(err)
	whole := ce.Clone()
	r.check(whole.SetData(event.ApplicationJSON, content))
	return whole
}
