package poller

import (
	"testing"
	"time"
)

// A holder that has begun no poll, or lost none, has nothing to tell the next
// one of: without a poller it could not.
func TestNoPollIsNotOrphaned(_ *testing.T) {
	(&holder{}).reportOrphanedPoll()
	h := &holder{}
	h.polls.begin()
	h.polls.send(time.Now())
	h.polls.arrived()
	h.reportOrphanedPoll()
}
