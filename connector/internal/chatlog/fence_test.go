package chatlog

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// A fence of which the holder does not know that it stands is not the earlier
// holder's: that one's word that nothing is missing still counts.
func TestReplacedFence(t *testing.T) {
	r := newRig(t)
	first := r.log()
	r.Check(first.Raise(r.Ctx))
	r.LoseAcks().Lose.Store(1)
	second := r.log()
	r.Check(second.Raise(r.Ctx))
	if second.Replaced() != first.Self() || first.Self() == second.Self() {
		t.Errorf("the fence of %q replaced that of %q, and not that of %q", second.Self(), second.Replaced(), first.Self())
	}
}

// Whoever raises a fence at the same time, each replaces another's, and one
// stands at the end.
func TestFencesRaisedAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const holders = 8
	raised := make(chan *Log, holders)
	for range holders {
		go func() {
			l := r.log()
			if err := l.Raise(r.Ctx); err != nil {
				t.Error(err)
			}
			raised <- l
		}()
	}
	replaced := map[FenceID]bool{}
	var all []*Log
	for range holders {
		l := natstest.Receive(r.Rig, raised)
		all, replaced[l.Replaced()] = append(all, l), true
	}
	_, last, err := r.log().LastFence(r.Ctx)
	r.Check(err)
	for _, l := range all {
		if replaced[l.Self()] == (l.Self() == last) {
			t.Errorf("replaced: %v, and it stands: %v", replaced[l.Self()], l.Self() == last)
		}
	}
	if len(replaced) != holders || !replaced[""] {
		t.Errorf("%d holders have replaced %d fences", holders, len(replaced))
	}
}

// A holder that was frozen writes nothing of the chat once another one has it.
func TestOvertakenHolderWritesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	frozen, next := r.log(), r.log()
	if frozen.IsFenced() {
		t.Error("there is a fence before one is raised")
	}
	r.Check(frozen.Raise(r.Ctx))
	r.Check(r.typing(frozen, translate.FromPoll))
	r.Check(next.Raise(r.Ctx))
	r.Check(next.ReadBack(r.Ctx, func(Published) {}))
	for what, err := range map[string]error{
		"an event":          r.typing(frozen, translate.FromPoll),
		"a session message": frozen.AppendSession(r.Ctx, chats.Token{}, &schema.SessionGap{}, time.Now()),
		"its fence anew":    frozen.Renew(r.Ctx),
	} {
		if !errors.Is(err, bus.ErrFenced) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := frozen.Restore(r.Ctx); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("its fence, though there is another: %v", err)
	}
	r.Check(r.typing(next, translate.FromPoll))
	r.Check(next.Renew(r.Ctx))
	r.Check(r.typing(next, translate.FromPoll))
	if got := next.Counts().Sequence; got != 3 || len(r.stored()) != 3 {
		t.Errorf("the sequence is %d, stored are %d", got, len(r.stored()))
	}
}

// A publication of which the answer is lost is repeated under the fence, and
// is no second message.
func TestRepeatUnderTheFenceIsStoredOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	loser := r.LoseAcks()
	l := r.log()
	r.Check(l.Raise(r.Ctx))
	loser.Lose.Store(2)
	r.Check(r.typing(l, translate.FromPoll))
	r.Check(r.typing(l, translate.FromPoll))
	if len(r.stored()) != 2 || l.Counts().Sequence != 2 {
		t.Errorf("%d messages are stored, the sequence is %d", len(r.stored()), l.Counts().Sequence)
	}
}

// A fence that is put up anew, and of which the answer is lost, is this holder's all
// the same.
func TestFencePutUpWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	loser := r.LoseAcks()
	l := r.log()
	r.Check(l.Raise(r.Ctx))
	for name, again := range map[string]func() error{
		"renewed":  func() error { return l.Renew(r.Ctx) },
		"restored": func() error { r.Check(r.streams.Events.Purge(r.Ctx)); return l.Restore(r.Ctx) },
	} {
		loser.Lose.Store(1)
		if err := again(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if at, _, err := l.LastFence(r.Ctx); at != l.FencedAt() || err != nil {
			t.Errorf("%s: it stands at %d and is known at %d, %v", name, at, l.FencedAt(), err)
		}
		r.Check(r.typing(l, translate.FromPoll))
	}
}

// A stream that was lost knows no fence; the holder puts its own up again. In
// one that was made anew, what was counted in the old one hides nothing.
func TestFenceOfALostStream(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(*rig){
		"purged": func(r *rig) { r.Check(r.streams.Events.Purge(r.Ctx)) },
		"made anew": func(r *rig) {
			r.Check(r.JS.DeleteStream(r.Ctx, natstest.Prefix.StreamName("EVENTS")))
			r.Streams()
		},
	} {
		r := newRig(t)
		l := r.log()
		r.Check(l.Raise(r.Ctx))
		r.Check(r.typing(l, translate.FromPoll))
		lose(r)
		if err := r.typing(l, translate.FromPoll); !errors.Is(err, bus.ErrFenced) {
			t.Errorf("%s: published under a fence that is not there: %v", name, err)
		}
		if at, _, err := l.LastFence(r.Ctx); at != 0 || err != nil {
			t.Errorf("%s: the fence stands at %d, %v", name, at, err)
		}
		r.Check(l.Restore(r.Ctx))
		if l.IsAnotherStream() != (name == "made anew") {
			t.Errorf("%s: it is another stream: %v", name, l.IsAnotherStream())
		}
		if l.IsAnotherStream() {
			l.CountFromFence()
		}
		counted, known := l.Counts(), slices.Clone(l.Memory().Journal())
		r.Check(r.typing(l, translate.FromPoll))
		next := r.log()
		r.Check(next.Raise(r.Ctx))
		next.Resume(counted, r.memory(known), 0)
		r.Check(next.ReadBack(r.Ctx, func(Published) {}))
		if got := next.Counts().Sequence; got != 2 || next.IsAnotherStream() {
			t.Errorf("%s: the next holder goes on from %d", name, got)
		}
	}
}

// Who reads the stream without a filter can read a fence, too, and learns that it
// is not for him.
func TestFenceIsACloudEvent(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		r := newRig(t)
		r.streams = r.Streams(func(c *bus.Config) { c.Mode = mode })
		l := r.log()
		r.Check(l.Raise(r.Ctx))
		r.Check(l.Renew(r.Ctx))
		msg, err := r.streams.Events.Last(r.Ctx, l.fenceSubject())
		r.Check(err)
		ce, form, err := schema.Decode(msg.Header, msg.Data)
		r.Check(err)
		if string(form) != string(mode) || ce.Type() != schema.InternalType("fence") || ce.Subject() != string(r.chat.Token) || !schema.IsOwn(msg.Header, msg.Data) {
			t.Errorf("%s: it is %s %v", mode, form, ce)
		}
		_, event := schema.DecodeEvent(ce)
		_, result := schema.DecodeResult(ce)
		_, session := schema.DecodeSession(ce)
		for _, err := range []error{event, result, session} {
			if !errors.Is(err, schema.ErrOtherType) {
				t.Errorf("%s: it is taken for something else: %v", mode, err)
			}
		}
	}
}

// Earlier versions publish a bare id, and take for one whatever stands there:
// each version knows whose fence it is that it replaces.
func TestFencesOfEarlierVersions(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		r := newRig(t)
		r.streams = r.Streams(func(c *bus.Config) { c.Mode = mode })
		next := r.log()
		_, err := r.JS.PublishMsg(r.Ctx, &nats.Msg{Subject: next.fenceSubject(), Data: []byte("earlier")})
		r.Check(err)
		r.Check(next.Raise(r.Ctx))
		if next.Replaced() != "earlier" {
			t.Errorf("%s: it replaces %q", mode, next.Replaced())
		}
		earlier, err := r.streams.Events.Last(r.Ctx, next.fenceSubject())
		r.Check(err)
		other := r.log()
		r.Check(other.Raise(r.Ctx))
		if FenceID(earlier.Data) != next.Self() || other.Replaced() != next.Self() || other.Self() == next.Self() {
			t.Errorf("%s: an earlier version reads %s, and its holder is known as %s", mode, earlier.Data, next.Self())
		}
	}
}
