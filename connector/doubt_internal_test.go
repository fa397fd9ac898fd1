package connector

import (
	"testing"
	"time"
)

// A holder that has begun no poll, or lost none, has nothing to tell the next
// one of: without a connector it could not.
func TestNoPollIsNoStray(_ *testing.T) {
	(&holder{}).reportStray()
	(&holder{calm: true, pollBegan: time.Now()}).reportStray()
}
