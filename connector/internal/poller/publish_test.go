package poller

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// An event that no message can hold is told of by one that says so, and what
// follows comes.
func TestUnfitEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.holder("1")
	h.lease = r.lease()
	r.Check(h.chatLog.Raise(r.Ctx))
	unfit := translate.ReadServerEvent(r.chat.ID, brightpattern.ParseEvent(json.RawMessage(`{"event":"chat_session_typing","party_id":"p"}`)))
	unfit.Data.Header().Raw = json.RawMessage(`{`)
	next := translate.ReadServerEvent(r.chat.ID, brightpattern.ParseEvent(json.RawMessage(`{"event":"chat_session_not_typing","party_id":"p"}`)))
	for _, event := range []translate.ServerEvent{unfit, next} {
		r.Check(h.publish(r.Ctx, event, translate.FromPoll, time.Now()))
	}
	told := func(name subjects.EventName) schema.Event {
		stored, err := r.poller.Streams.Events.Last(r.Ctx, natstest.Prefix.Event(r.chat.Token, name))
		r.Check(err)
		event, err := decodeEvent(stored)
		r.Check(err)
		return event
	}
	if raw := string(told("unknown").Header().Raw); !strings.HasPrefix(raw, `"the event could not be published: `) {
		t.Errorf("it says %s", raw)
	}
	told("not_typing")
	if n := h.chatLog.Counts().Sequence; n != 2 {
		t.Errorf("the sequence is %d", n)
	}
}
