package bus

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

var (
	noRoom   = &jetstream.APIError{Code: 400, ErrorCode: 10077}
	tooLarge = &jetstream.APIError{Code: 400, ErrorCode: 10054}
)

// Where there is room for some and not for others, that is one fault as long as it
// lasts; polls go by what was tried last. What passes by itself is over at once.
func TestOneThatSucceedsDoesNotEndWhatStays(t *testing.T) {
	for name, c := range map[string]struct {
		err   error
		quiet time.Duration
		after bool // a success it is there
		holds bool // polls
	}{
		"no room":                  {noRoom, 0, true, true},
		"refused":                  {tooLarge, 0, true, false},
		"no room, some time after": {noRoom, time.Nanosecond, false, true},
		"no answer":                {nats.ErrTimeout, 0, false, true},
	} {
		h := &Health{Quiet: c.quiet}
		h.Serve(true)
		for range 3 {
			for what, note := range map[string]func(error){"events": h.stored, "files": h.kept} {
				note(c.err)
				if n := len(h.Faults()); n != 1 && !(c.after && n == 2) {
					t.Errorf("%s, %s: %d faults when it fails", name, what, n)
				}
				if holds := h.IsStoreDown(); what == "events" && holds != c.holds {
					t.Errorf("%s: polls are held up: %v", name, holds)
				}
				note(nil)
				if isThere := len(h.Faults()) > 0; isThere != c.after || h.IsStoreDown() {
					t.Errorf("%s, %s: there after a success: %v; polls are held up: %v", name, what, isThere, h.IsStoreDown())
				}
			}
		}
	}
}

// What is published waits for a store that is away or full, and not for what another
// one will never have taken, or was a moment late with.
func TestWhatHoldsUpWhatIsPublished(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		isDown bool
	}{
		"no room":     {noRoom, true},
		"no answer":   {nats.ErrTimeout, true},
		"no leader":   {&jetstream.APIError{Code: 500, ErrorCode: codeNotLeader}, true},
		"missing":     {Explain("CC_EVENTS", jetstream.ErrNoStreamResponse), true},
		"refused":     {tooLarge, false},
		"too large":   {nats.ErrMaxPayload, false},
		"of one file": {errors.New("another object of that name came between"), false},
		"nothing":     {nil, false},
	} {
		var events, files Health
		events.stored(c.err)
		files.kept(c.err)
		if events.IsPublishingDown() != c.isDown || files.IsPublishingDown() != c.isDown {
			t.Errorf("%s: events are held up: %v; files: %v", name, events.IsPublishingDown(), files.IsPublishingDown())
		}
	}
}

// A stream is as full as its writes find it: all of them, for a while.
func TestFullnessOfAStream(t *testing.T) {
	var f fullness
	f.wrote(noRoom)
	since := f.now().since
	for range 3 {
		f.wrote(nil)
		if !f.now().isRecent(0) || f.now().isRecent(time.Nanosecond) {
			t.Error("one write that succeeds says that there is room, or any number do not")
		}
		f.wrote(noRoom)
		f.wrote(nats.ErrTimeout)
	}
	if got := f.now().since; !got.Equal(since) {
		t.Errorf("it is full since %v, and was since %v", got, since)
	}
}
