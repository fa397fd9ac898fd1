package bus

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// What will not pass is told at once, what may pass when it has not for long,
// and that another replica has the chat never.
func TestUnremembered(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		now  bool
		late bool
	}{
		"too large":     {nats.ErrMaxPayload, true, true},
		"no answer":     {nats.ErrTimeout, false, true},
		"anything else": {errors.New("no"), false, true},
		"overtaken":     {ErrFenced, false, false},
		"written":       {nil, false, false},
	} {
		h := &Health{}
		h.Remembered("chat", c.err)
		h.Remembered("another", nil)
		if got := len(h.unremembered.faults(time.Now())) > 0; got != c.now {
			t.Errorf("%s: told at once: %v", name, got)
		}
		if got := len(h.unremembered.faults(time.Now().Add(2*rememberPatience))) > 0; got != c.late {
			t.Errorf("%s: told later: %v", name, got)
		}
		h.Remembered("chat", nil)
		if faults := h.unremembered.faults(time.Now().Add(2 * rememberPatience)); len(faults) > 0 {
			t.Errorf("%s: told when it is over: %v", name, faults)
		}
	}
}

// A failure that goes on is as old as its first one.
func TestUnrememberedSince(t *testing.T) {
	h := &Health{}
	h.Remembered("chat", nats.ErrTimeout)
	first := h.unremembered["chat"].at
	h.Remembered("chat", nats.ErrNoResponders)
	if got := h.unremembered["chat"]; !got.at.Equal(first) || !errors.Is(got.err, nats.ErrNoResponders) {
		t.Errorf("it fails since %v with %v", got.at, got.err)
	}
}
