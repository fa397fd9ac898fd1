package poller

import (
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
)

// What the stream of events keeps is what stands in its definition, whoever has
// changed it.
func TestUpkeepFollowsTheStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if got := r.poller.retention(); got.MaxAge != 7*24*time.Hour || got.ForgetsFast() || r.poller.upkeepEvery() != upkeepEvery {
		t.Errorf("as made: %+v, every %v", got, r.poller.upkeepEvery())
	}
	config := r.poller.Streams.Events.CachedInfo().Config
	config.MaxAge, config.Duplicates, config.MaxBytes, config.MaxMsgs = 5*time.Second, time.Second, 1<<20, 1000
	_, err := r.JS.UpdateStream(r.Ctx, config)
	r.Check(err)
	r.poller.tendAll(r.Ctx)
	want := chatlog.Retention{MaxAge: 5 * time.Second, MaxBytes: 1 << 20, MaxMsgs: 1000, MaxMsgsPerSubject: -1, Failover: 10 * time.Second}
	if got := r.poller.retention(); got != want || r.poller.upkeepEvery() != upkeepEveryByBytes {
		t.Errorf("it is %+v, every %v", got, r.poller.upkeepEvery())
	}
	if keeps := r.poller.Streams.Keeps(); keeps != 5*time.Second {
		t.Errorf("what is known of closed chats is kept %v", keeps)
	}
}

// Fences are put up anew as the stream grows, each under the holder's own name,
// and looked at again only when it has grown by much.
func TestFencesFollowTheStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	h := r.parts()
	r.poller.held.add(h)
	grown := func(bytes uint64) jetstream.StreamState { // by a few messages, each of them large
		return jetstream.StreamState{FirstSeq: 1, LastSeq: h.chatLog.Counts().Position + 1, Msgs: 4, Bytes: bytes}
	}
	at, self := h.chatLog.FencedAt(), h.chatLog.Self()
	for _, step := range []struct {
		looked, bytes uint64
		moves         bool
	}{{h.chatLog.Counts().Position + 1, 3 * chatlog.FarBack, false}, {1, chatlog.FarBack / 2, false}, {1, 3 * chatlog.FarBack, true}} {
		r.poller.lookedBack = step.looked
		r.poller.bringForward(grown(step.bytes))
		if moved := h.chatLog.FencedAt() > at; moved != step.moves {
			t.Errorf("at %d bytes, looked at up to %d, it is put up anew: %v", step.bytes, step.looked, moved)
		}
		at = h.chatLog.FencedAt()
	}
	if last, whose, err := h.chatLog.LastFence(r.Ctx); last != at || whose != self || err != nil {
		t.Errorf("at %d stands the fence of %q, %v", last, whose, err)
	}
	r.Check(r.types(h))
}

// So many fences at a time are put up anew that other upkeep is not held up; the
// others follow, without the stream having to grow again.
func TestFencesFollowTheStreamByAndBy(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	lease, all := r.lease(), []*holder{}
	for i := range forwardMost + 1 {
		var err error
		r.chat, err = chats.KeyOf(brightpattern.ChatID(strconv.Itoa(i)))
		r.Check(err)
		h := r.holder("opening")
		h.lease = lease
		r.Check(h.chatLog.Raise(r.Ctx))
		r.poller.held.add(h)
		all = append(all, h)
	}
	latest := all[forwardMost].chatLog.FencedAt()
	state := jetstream.StreamState{FirstSeq: 1, LastSeq: latest + 2*forwardMost, Msgs: 1, Bytes: chatlog.FarBack / forwardMost}
	for _, h := range all {
		h.chatLog.Resume(chatlog.Counts{Position: state.LastSeq}, chatlog.NewMemory(), 0) // something has just happened
	}
	moved := func() (n int) {
		for _, h := range all {
			if h.chatLog.FencedAt() > latest {
				n++
			}
		}
		return n
	}
	r.poller.bringForward(state)
	if n := moved(); n != forwardMost || all[forwardMost].chatLog.FencedAt() != latest {
		t.Errorf("%d fences are put up anew, and not the oldest", n)
	}
	state.Bytes = chatlog.FarBack / (2*forwardMost - 1) // as if only the one that is left stood far back
	r.poller.bringForward(state)
	if n := moved(); n != len(all) {
		t.Errorf("%d fences are put up anew of %d", n, len(all))
	}
	if r.poller.lookedBack != state.LastSeq {
		t.Error("they are looked at again at once")
	}
}
