package poller

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/lease"
)

// The next holder answers what the last one must not take any more, and nobody
// writes before the fence stands.
func TestOnlyTheHolderTakesAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	departed, early := r.holder("opening"), r.holder("opening")
	r.Check(departed.chatLog.Raise(r.Ctx))
	if err := departed.serve(chats.WhereIs{}); err != nil {
		t.Errorf("the holder says that it is not there: %v", err)
	}
	departed.departed = true
	for name, h := range map[string]*holder{"departed": departed, "early": early} {
		h.lease = &lease.Lease{}
		for what, request := range map[string]chats.Request{
			"the question where the chat is": chats.WhereIs{},
			"a request to look for losses":   chats.LookForLosses{},
			"events":                         chats.Publish{Events: []brightpattern.Event{brightpattern.ParseEvent(json.RawMessage(`{}`))}},
		} {
			if err := h.serve(request); !errors.Is(err, errNotHeld) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		if !h.reconciliation.isInSync() || h.hasDeparted() != (name == "departed") {
			t.Errorf("%s: in sync %v, departed %v", name, h.reconciliation.isInSync(), h.hasDeparted())
		}
	}
}

// A loss that a holder was told of is known to whoever comes after it, also
// when it dies before it has published anything.
func TestToldLossOutlivesTheHolder(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.holder("opening")
	h.lease, h.phase = r.lease(), announced
	r.Check(h.chatLog.Raise(r.Ctx))
	complete := time.Now()
	h.reconciliation.complete = complete
	r.Check(h.serve(chats.LookForLosses{Since: time.Hour, Ago: time.Hour}))
	found, err := r.poller.findCheckpoint(r.Ctx, r.chat)
	r.Check(err)
	if lost := complete.Add(-time.Hour + time.Minute); !found.LastSeen.Before(lost) || found.Opening != "opening" {
		t.Errorf("the next holder would know that nothing is missing up to %v", found.LastSeen)
	}
}
