package poller

import (
	"testing"

	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

var goldenCheckpoints = []checkpoint{
	{ // of a chat that is followed
		Position: 41, Sequence: 12, Seen: translate.Counts{"one": 1, "two": 2}, Untaken: translate.Counts{"two": 1},
		Opening: "opening", Signaled: true, Answered: true, LastSeen: golden.Time(1), Compared: golden.Time(2), ComparedSince: golden.Time(3),
	},
	{Position: 41, Sequence: 12, Seen: translate.Counts{"one": 1}, Opening: "opening", LastSeen: golden.Time(1), Clean: "fence"},
	{Position: 43, Sequence: 14, Seen: translate.Counts{}, Opening: "opening", Wanted: schema.ClosedDetached, Closed: true},
	{ // of a chat of which one message cannot tell
		Position: 4100, Sequence: 2000, Seen: translate.Counts{}, Journal: []byte{2, 3, 'o', 'n', 'e'}, Before: "17.name", Opening: "opening",
	},
	{Position: 44, Sequence: 15, Seen: translate.Counts{}, Opening: "opening", Told: []toldGap{{golden.Time(1), golden.Time(2)}}},
	{Position: 45, Sequence: 16, Seen: translate.Counts{}, Opening: "opening", Final: "fence"},
}

var goldenSegments = []segment{{Journal: []byte{2, 3, 'o', 'n', 'e'}}, {Before: "17.name", Journal: []byte{8, 0}}}

func TestGoldenCheckpoints(t *testing.T) {
	golden.Values(t, "checkpoint", goldenCheckpoints)
	golden.Values(t, "checkpoint-segment", goldenSegments)
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	tap := r.Tap()
	for _, want := range []checkpoint{goldenCheckpoints[0], goldenCheckpoints[2]} {
		h := r.holderWith(want)
		when := inPassing
		if want.Closed {
			when = atClose
		}
		tap.During("a checkpoint", func() { r.Check(h.writeCheckpoint(r.Ctx, when)) })
		found, err := r.poller.findCheckpoint(r.Ctx, r.chat)
		want.revision, want.Journal = h.saved.revision, found.Journal
		golden.Same(t, found, want, err)
	}
	tap.During("that the tokens of a stream are all there", func() { r.Check(r.poller.Restore(r.Ctx)) })
	golden.Lines(t, "messages.txt", tap.Lines())
}

// holderWith has counted, and knows, what a checkpoint says.
func (r *rig) holderWith(c checkpoint) *holder {
	r.Helper()
	h := r.holder(c.Opening)
	found, err := r.poller.findCheckpoint(r.Ctx, r.chat)
	r.Check(err)
	h.saved, h.wanted, h.phase = found, c.Wanted, announced
	if c.Closed {
		h.phase = closed
	}
	h.traits = traits{signaled: c.Signaled, answered: c.Answered}
	h.reconciliation = reconciliation{complete: c.LastSeen, covered: historySpan{c.Compared, c.ComparedSince}}
	h.chatLog.Resume(chatlog.Counts{Position: c.Position, Sequence: c.Sequence}, chatlog.MemoryOf(c.Seen, c.Untaken), 0)
	return h
}
