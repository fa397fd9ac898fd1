package outbox

import (
	"slices"
	"strings"
	"testing"

	"cc-connector/connector/internal/golden"
)

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o := r.outbox("replica")
	outcome := Entry{"command", "record-key"}
	lostAnswer, lostPoll := Entry{"look", "chat=3A=C3=BC=2F1"}, Entry{"stray", "chat=3A=C3=BC=2F1"}
	tap := r.Tap()
	tap.During("entries of all kinds", func() {
		r.Check(o.Send(r.Ctx, outcome)())
		r.Check(o.Write(r.Ctx, lostAnswer))
		r.Check(o.Write(r.Ctx, lostPoll))
	})
	found, err := o.all(r.Ctx)
	slices.SortFunc(found, func(a, b owed) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	golden.Same(t, found, []owed{{"replica", outcome}, {"replica", lostAnswer}, {"replica", lostPoll}}, err)
	tap.During("the entry of a run that made no call", func() {
		o.Enter(outcome)
		o.LeaveWith(outcome, "run")
	})
	tap.During("the entry of an answer that may have been lost since then", func() {
		r.Check(o.WriteWith(r.Ctx, lostAnswer, "2026-01-02T03:04:05.678Z"))
	})
	tap.During("an entry that is cleared", func() { o.clear("replica", lostAnswer) })
	golden.Lines(t, "messages.txt", tap.Lines())
}
