package chatlog

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// publish stores a message beside the chat's log.
func (r *rig) publish(subject string) {
	r.Helper()
	_, err := r.JS.PublishMsg(r.Ctx, nats.NewMsg(subject))
	r.Check(err)
}

// The next holder knows what is published, by its own reading or by an earlier
// holder's counts, and goes on from there.
func TestNextHolderGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.log()
	token := chats.Token{Opening: "opening", ChatID: r.chat.ID}
	r.Check(first.Raise(r.Ctx))
	r.Check(first.AppendSession(r.Ctx, token, &schema.SessionOpened{ChatID: string(token.ChatID)}, time.Now()))
	r.publish("cc.chat.chat=3A=C3=BC=2F1.result.chat.send")
	r.Check(r.typing(first, translate.FromPoll))
	half, known := first.Counts(), slices.Clone(first.Memory().Journal())
	r.publish("cc.chat.another.event.typing")
	r.Check(r.typing(first, translate.FromHistory))
	r.Check(first.AppendSession(r.Ctx, token, &schema.SessionGap{ChatID: string(r.chat.ID)}, time.Now()))
	r.publish("cc.chat.chat=3A=C3=BC=2F1.event.typing") // by somebody who is no holder
	f := typingEvent().Fingerprint
	for name, c := range map[string]struct {
		counted Counts
		memory  *Memory
		told    []uint64
	}{
		"from the beginning":             {Counts{}, NewMemory(), []uint64{1, 2, 3, 4}},
		"from a checkpoint":              {half, r.memory(known), []uint64{3, 4}},
		"from one of an earlier version": {half, MemoryOf(translate.Counts{f: 1}, nil), []uint64{3, 4}},
	} {
		next := r.log()
		r.Check(next.Raise(r.Ctx))
		next.Resume(c.counted, c.memory, 0)
		var told []uint64
		r.Check(next.ReadBack(r.Ctx, func(p Published) { told = append(told, p.Sequence) }))
		if !slices.Equal(told, c.told) || next.Uncounted() != len(c.told) {
			t.Errorf("%s: read back are %v, of which %d are in no checkpoint", name, told, next.Uncounted())
		}
		golden.Same(t, next.Counts(), first.Counts(), nil)
		seen, untaken := next.Memory().Counts()
		golden.Same(t, []translate.Counts{seen, untaken}, []translate.Counts{{f: 2}, {f: 1}}, nil)
	}
}

// However many messages others have, a chat's are asked for by their own
// subjects: of a wildcard the server would look at all of them.
func TestReadBackAsksForNoWildcard(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.log()
	r.Check(l.Raise(r.Ctx))
	for range 3 {
		r.Check(r.typing(l, translate.FromPoll))
	}
	asked, err := r.NC.SubscribeSync("$JS.API.STREAM.MSG.GET.>")
	r.Check(err)
	next, told := r.log(), 0
	r.Check(next.ReadBack(r.Ctx, func(Published) { told++ }))
	r.Check(r.NC.Flush())
	for n, _, _ := asked.Pending(); n > 0; n-- {
		msg, err := asked.NextMsg(time.Second)
		r.Check(err)
		if strings.Contains(string(msg.Data), "*") {
			t.Errorf("asked is %s", msg.Data)
		}
	}
	if delivered, err := asked.Delivered(); delivered != 3 || told != 3 || err != nil {
		t.Errorf("%d questions for %d messages, %v", delivered, told, err)
	}
}

// What an administrator has imported is no end of a chat's log, whatever its
// headers say or cannot say.
func TestReadBackGoesPastWhatIsNotTheConnectors(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l, hand := r.log(), r.ByHand()
	r.Check(l.Raise(r.Ctx))
	statuses, unreadable := natstest.NoMessages()
	for _, headers := range append(statuses, unreadable...) {
		for _, subject := range []string{natstest.Prefix.Event(r.chat.Token, "typing"), natstest.Prefix.Session(r.chat.Token, "gap")} {
			hand.Publish(subject, headers, "")
		}
		hand.Flush()
		r.Check(r.typing(l, translate.FromPoll))
	}
	next, told := r.log(), 0
	r.Check(next.Raise(r.Ctx))
	r.Check(next.ReadBack(r.Ctx, func(Published) { told++ }))
	if want := len(statuses) + len(unreadable); told != want || next.Counts().Sequence != uint64(want) {
		t.Errorf("read back are %d of %d, up to %d", told, want, next.Counts().Sequence)
	}
}

// Another source may know of a later message than the stream still has.
func TestResumeTakesTheGreaterSequence(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for entry, want := range map[uint64]uint64{3: 12, 15: 15} {
		l := r.log()
		l.Resume(Counts{Sequence: 12}, NewMemory(), entry)
		if got := l.Counts().Sequence; got != want {
			t.Errorf("the entry says %d, and the sequence goes on from %d", entry, got)
		}
	}
}
