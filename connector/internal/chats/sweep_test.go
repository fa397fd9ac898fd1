package chats

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/failpoint"
)

// lives is how long a value will be kept; 0 for good.
func (r *rig) lives(stream, subject string) time.Duration {
	r.Helper()
	s, err := r.JS.Stream(r.Ctx, stream)
	r.Check(err)
	msg, err := s.GetLastMsgForSubject(r.Ctx, subject)
	r.Check(err)
	if msg.Header.Get(jetstream.MsgTTLHeader) == "" {
		return 0
	}
	life, err := time.ParseDuration(msg.Header.Get(jetstream.MsgTTLHeader))
	r.Check(err)
	return life
}

// A command dies between the entry of a chat and its token: the entry goes,
// unless the chat is opened all the same, and a holder writes it.
func TestEntryOfAChatThatNobodyPolls(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, die := context.WithCancel(r.Ctx)
	r.reached = func(p failpoint.Point) {
		if p == failpoint.Entered {
			die()
		}
	}
	c := r.replica("dying")
	opening := openingOf(r.request(c))
	key, _, err := c.Open(ctx, opening)
	if err == nil {
		t.Fatal("it did not die")
	}
	const inChats = "KV_CC_CHATS"
	subject := "$KV.CC_CHATS." + string(key.Token)
	if life := r.lives(inChats, subject); life != keep {
		t.Errorf("its entry lives for %v", life)
	}
	_, _, err = c.Open(r.Ctx, opening)
	r.Check(err)
	e, err := c.Find(r.Ctx, key)
	r.Check(err)
	e.Reach(1, 1)
	r.Check(c.SaveAsHolder(r.Ctx, key, &e))
	if life := r.lives(inChats, subject); life != 0 {
		t.Errorf("the entry that its holder wrote lives for %v", life)
	}
}

// What belongs to a chat that is not known goes, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	open, lost := r.open(c), r.open(c)
	r.Check(c.Streams.Chats.Purge(r.Ctx, string(lost.Token))) // it has its token
	unknown := r.key(brightpattern.ChatID("chat:\u00fc/1"))
	put := func(chat Key) {
		for _, beginning := range kept {
			r.Check(c.Streams.State.Put(r.Ctx, beginning+string(chat.Token), []byte(`{"next":3}`), 0))
		}
	}
	for _, chat := range []Key{open, lost, unknown} {
		put(chat)
	}
	r.Check(c.sweep(r.Ctx, time.Hour))
	for _, beginning := range kept {
		if life := r.lives("KV_CC_STATE", c.Streams.State.Subject(beginning+string(unknown.Token))); life != 0 {
			t.Errorf("%s lives for %v, and may be about to be needed", beginning, life)
		}
	}
	r.Check(c.sweep(r.Ctx, 0))
	for chat, want := range map[Key]time.Duration{open: 0, lost: 0, unknown: sweptAfter} {
		for _, beginning := range kept {
			if life := r.lives("KV_CC_STATE", c.Streams.State.Subject(beginning+string(chat.Token))); life != want {
				t.Errorf("%s of %s lives for %v, want %v", beginning, chat.ID, life, want)
			}
		}
	}
	n, err := c.takeNumber(r.Ctx, unknown) // it is opened after all
	if life := r.lives("KV_CC_STATE", c.Streams.State.Subject(numberKey(unknown))); err != nil || n != 3 || life != 0 {
		t.Errorf("its next number is %d, which lives for %v, %v", n, life, err)
	}
}

func TestTendEnds(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx, cancel := context.WithCancel(r.Ctx)
	cancel()
	r.replica("self").Tend(ctx)
}
