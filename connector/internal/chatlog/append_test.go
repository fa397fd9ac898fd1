package chatlog

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

// Of events that look alike each has an id of its own, by its ordinal; and
// each message has the next sequence.
func TestLookAlikesHaveOrdinals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l := r.log()
	r.Check(l.Raise(r.Ctx))
	const alike = 3
	for range alike {
		r.Check(r.typing(l, translate.FromPoll))
	}
	stored := r.stored()
	if len(stored) != alike {
		t.Fatalf("%d are stored", len(stored))
	}
	for i, msg := range stored {
		ce, _, err := schema.Decode(msg.Header, msg.Data)
		r.Check(err)
		sequence, err := schema.Sequence(ce)
		r.Check(err)
		if want := translate.EventID(r.chat.ID, typingEvent().Fingerprint, i+1); ce.ID() != want || sequence != uint64(i+1) {
			t.Errorf("%d has the id %s and the sequence %d, want %s", i+1, ce.ID(), sequence, want)
		}
	}
	if got := l.Counts(); l.Memory().Seen(typingEvent().Fingerprint) != alike || got.Sequence != alike || got.Position != stored[alike-1].Sequence {
		t.Errorf("counted are %+v", got)
	}
	if l.Uncounted() != alike {
		t.Errorf("%d are in no checkpoint", l.Uncounted())
	}
	if l.Checkpointed(); l.Uncounted() != 0 {
		t.Error("a checkpoint does not have them all")
	}
}

// What a history told before a poll did is told by that poll once.
func TestWhatAHistoryToldIsPassedOverOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l, f := r.log(), typingEvent().Likeness
	r.Check(l.Raise(r.Ctx))
	r.Check(r.typing(l, translate.FromPoll))
	if l.WasTold(f) {
		t.Error("a new one is passed over for one that a poll has told")
	}
	r.Check(r.typing(l, translate.FromHistory))
	r.Check(r.typing(l, translate.FromHistory))
	next := r.log()
	r.Check(next.Raise(r.Ctx))
	r.Check(next.ReadBack(r.Ctx, func(Published) {}))
	for name, holder := range map[string]*Log{"this holder": l, "the next one": next} {
		for n, want := range []bool{true, true, false} {
			if got := holder.WasTold(f); got != want {
				t.Errorf("%s passes over the event number %d: %v", name, n+1, got)
			}
		}
	}
}

// A message is not repeated for longer than the stream knows its id.
func TestAppendGivesUpBeforeTheStreamForgetsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.streams = r.Streams(func(c *bus.Config) { c.EventsMaxAge = 4 * time.Second })
	loser := r.LoseAcks()
	l := r.log()
	r.Check(l.Raise(r.Ctx))
	loser.Lose.Store(1000)
	if err := r.typing(l, translate.FromPoll); !errors.Is(err, context.DeadlineExceeded) || r.Ctx.Err() != nil {
		t.Errorf("it ended with %v", err)
	}
	loser.Lose.Store(0)
	if got := l.Counts(); got.Sequence != 0 || len(l.Memory().Journal()) != 0 {
		t.Errorf("counted are %+v", got)
	}
}

// However long an event's name and its chat's id are, and however much is in it,
// what stands beside its data fits into the smallest bus.
func TestLongestAttributesFit(t *testing.T) {
	t.Parallel()
	for _, mode := range []schema.Mode{schema.Structured, schema.Binary} {
		r := newRig(t)
		var err error
		r.chat, err = chats.KeyOf(brightpattern.ChatID(strings.Repeat("/", 256)))
		r.Check(err)
		r.streams = r.Streams(func(c *bus.Config) { c.Mode = mode })
		stream, err := r.JS.Stream(r.Ctx, natstest.Prefix.StreamName("EVENTS"))
		r.Check(err)
		config := stream.CachedInfo().Config
		config.MaxMsgSize = 16 << 10
		_, err = r.JS.UpdateStream(r.Ctx, config)
		r.Check(err)
		_, err = r.streams.Events.Info(r.Ctx)
		r.Check(err)
		l := r.log()
		r.Check(l.Raise(r.Ctx))
		fields := map[string]any{"event": "chat_session_" + strings.Repeat("/", 5000), "timestamp": 1614718748}
		for i := range 1000 {
			fields[strings.Repeat("x", i)] = i
		}
		raw, err := json.Marshal(fields)
		r.Check(err)
		r.Check(l.AppendEvent(r.Ctx, translate.ReadServerEvent(r.chat.ID, brightpattern.ParseEvent(raw)), translate.FromHistory, time.Now(), time.Now()))
		next := r.log()
		r.Check(next.Raise(r.Ctx))
		r.Check(next.ReadBack(r.Ctx, func(Published) {}))
		golden.Same(t, next.Memory(), l.Memory(), nil)
	}
}
