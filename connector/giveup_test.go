package connector_test

import (
	"sync/atomic"
	"testing"

	"cc-connector/connector"
	"cc-connector/connector/brightpattern/bpsim"
	"cc-connector/schema"
)

// It is not known in time that a command is on record: no call is made, and
// whoever settles it first, its sender is told what its result event says.
func TestCommandThatIsGivenUpIsToldAlike(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		isTaken bool
		code    schema.ErrorCode
		outcome schema.Outcome
	}{
		"by its own replica":              {false, schema.CodeUnavailable, schema.OutcomeNotDone},
		"when another one has settled it": {true, schema.CodeInternal, schema.OutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lost atomic.Bool
			r := newRig(t, bpsim.Options{}, aDayToFailOver)
			r.start().stop() // which makes the streams
			r.earlierLives() // so that each command has a note
			r.prepare = func(made *connector.Connector) {
				made.LoseOutboxEntries(&lost, func() {
					if c.isTaken {
						if err := made.SettleAsDead(); err != nil {
							t.Error(err)
						}
					}
				})
			}
			r.start()
			w := watchNew(r)
			lost.Store(true)
			told := r.call("chat.typing", map[string]any{"chatId": w.chat})
			if told.Error == nil || told.Error.Code != c.code || told.Error.Outcome != c.outcome {
				t.Errorf("the sender is told %+v", told.Error)
			}
			results := r.awaitStored(w.chat, ".result.chat.typing", 1)
			published, err := schema.DecodeResult(results[0].event)
			r.check(err)
			if published.Error == nil || published.Error.Code != c.code || published.Error.Outcome != c.outcome || len(results) > 1 {
				t.Errorf("%d result events, the first is %+v", len(results), published.Error)
			}
			if c.isTaken != (published.Request == nil) { // whoever settles it as another's does not know
				t.Errorf("the event asks %s", published.Request)
			}
			if n := w.record().Calls[bpsim.SendEvents]; n != 0 {
				t.Errorf("%d calls were made", n)
			}
		})
	}
}
