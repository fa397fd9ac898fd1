package poller

import (
	"errors"
	"testing"

	"cc-connector/connector/brightpattern"
)

func TestGapReason(t *testing.T) {
	for want, errs := range map[string][]error{
		"history_unreadable":  {failedPoll(brightpattern.ReasonUnreadable, brightpattern.EffectNone)},
		"history_unavailable": {refusedPoll(404, "5005"), failedPoll(brightpattern.ReasonTimeout, brightpattern.EffectNone), errors.New("odd")},
	} {
		for _, err := range errs {
			if got := gapReason(err); string(got) != want {
				t.Errorf("%v: %s, want %s", err, got, want)
			}
		}
	}
}
