package chats

import (
	"context"
	"slices"
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/replicas"
)

func (r *rig) owed(of replicas.ID, kind outbox.Kind, key Key) bool {
	r.Helper()
	found, err := r.streams.State.Get(r.Ctx, "owed."+string(of)+"."+string(kind)+"."+string(key.Token))
	r.Check(err)
	return found.Revision != 0
}

// looks are the requests to look for losses that a chat's holder hears.
func (r *rig) looks(check func()) <-chan Asked {
	r.Helper()
	asked := make(chan Asked, 10)
	r.listen(r.replica("holder"), func(a Asked) {
		check()
		asked <- a
	})
	return asked
}

// look is the next one, confirmed by the holder.
func (r *rig) look(asked <-chan Asked) LookForLosses {
	r.Helper()
	a := natstest.Receive(r.Rig, asked)
	request, is := a.Request().(LookForLosses)
	if !is {
		r.Fatalf("asked is %+v", a.Request())
	}
	a.Reply(Reply{Holder: "holder"})
	return request
}

// A loss stands in the outbox before the holder is told, and until it knows.
func TestLossIsOwedUntilTheHolderKnows(t *testing.T) {
	t.Parallel()
	for kind, report := range map[outbox.Kind]func(*Chats, Key){
		LostAnswer: func(c *Chats, key Key) { c.ReportLost(key, ago(time.Minute), ago(time.Minute)) },
		LostPoll:   func(c *Chats, key Key) { c.ReportLostPoll(key, time.Now().Add(-time.Minute)) },
	} {
		r := newRig(t)
		c := r.replica("self")
		key := r.open(c)
		looks := r.looks(func() {
			if !r.owed("self", kind, key) {
				t.Errorf("%s: the holder is told before the loss is written down", kind)
			}
		})
		report(c, key)
		got := r.look(looks)
		if got.Poll != (kind == LostPoll) || got.Since < time.Minute || (got.Ago >= time.Minute) != (kind == LostAnswer) {
			t.Errorf("%s: told is %+v", kind, got)
		}
		r.Eventually("nothing is owed any more", func() bool { return !r.owed("self", kind, key) })
		c.mu.Lock()
		if len(c.losses) != 0 || len(c.Outbox.Active()) != 0 {
			t.Errorf("%s: what is known is still remembered: %v, %v", kind, c.losses, c.Outbox.Active())
		}
		c.mu.Unlock()
	}
}

// Losses that come while the holder is told of an earlier one are not told by
// that: they are told afterwards, from the first to the last.
func TestLossThatComesWhileOneIsTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key := r.open(c)
	looks := r.looks(func() {})
	c.ReportLost(key, ago(time.Hour), ago(time.Hour))
	first := natstest.Receive(r.Rig, looks)
	c.ReportLost(key, time.Now(), time.Now())
	c.ReportLost(key, ago(time.Minute), ago(time.Minute))
	first.Reply(Reply{Holder: "holder"})
	r.Eventually("the telling ends", func() bool { return len(c.Outbox.Active()) == 0 })
	if !r.owed("self", LostAnswer, key) {
		t.Error("the later ones are not owed")
	}
	running, cancel := context.WithCancel(r.Ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c.Outbox.Run(running, map[outbox.Kind]outbox.Owner{LostAnswer: c.LossOwner(LostAnswer)})
	}()
	if got := r.look(looks); got.Since < time.Hour || got.Ago >= time.Minute {
		t.Errorf("told is %+v", got)
	}
	r.Eventually("nothing is owed any more", func() bool { return !r.owed("self", LostAnswer, key) })
	cancel()
	natstest.Receive(r.Rig, ended)
}

// A replica that leaves does not wait for a holder that is not there. Another
// one makes the loss its own, and tells it, by when it was written.
func TestLossOfAReplicaThatLeftIsAdopted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	left, next := r.replica("left"), r.replica("next")
	key := r.open(left)
	left.answering.Store(true)
	left.ReportLost(key, ago(2*time.Hour), time.Now())
	r.Eventually("the loss is written down", func() bool { return r.owed("left", LostAnswer, key) })
	left.Life.EndIntake()
	left.Drain()
	if !r.owed("left", LostAnswer, key) {
		t.Fatal("nobody owes it any more")
	}
	looks := r.looks(func() {
		if !r.owed("next", LostAnswer, key) {
			t.Error("it is not made one's own")
		}
	})
	found := bus.Value{Created: ago(time.Hour)} // of an earlier version, which does not say since when
	r.Check(next.LossOwner(LostAnswer).Adopt(r.Ctx, "left", string(key.Token), found))
	if got := r.look(looks); got.Since < time.Hour-2*replicas.ClockSkew || got.Since > time.Hour+time.Minute || got.Poll {
		t.Errorf("told is %+v", got)
	}
	r.Eventually("the telling ends", func() bool { return len(next.Outbox.Active()) == 0 })
	found, err := r.streams.State.Get(r.Ctx, "owed.left."+string(LostAnswer)+"."+string(key.Token))
	r.Check(err)
	r.Check(next.LossOwner(LostAnswer).Adopt(r.Ctx, "left", string(key.Token), found))
	if got := r.look(looks); got.Since < 2*time.Hour || got.Ago > time.Minute {
		t.Errorf("told is %+v", got)
	}
	ended, cancel := context.WithCancel(r.Ctx)
	cancel()
	if err := next.LossOwner(LostPoll).Adopt(ended, "left", string(key.Token), found); err == nil {
		t.Error("it is adopted though it could not be made one's own")
	}
	if err := next.LossOwner(LostAnswer).Adopt(r.Ctx, "left", "=zz", found); err == nil {
		t.Error("it is adopted for a chat that is none")
	}
}

// What is told already is not told again, however it comes back.
func TestLossThatIsKnownIsNotResumed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key := r.open(c)
	looks := r.looks(func() {})
	e := outbox.Entry{Kind: LostPoll, Key: string(key.Token)}
	c.Outbox.Enter(e)
	c.LossOwner(LostPoll).Resume(r.Ctx, e.Key, "")
	c.ReportLost(key, time.Now(), time.Now())
	if got := r.look(looks); got.Poll {
		t.Errorf("told is %+v", got)
	}
	if slices.Contains(c.Outbox.Active(), e) {
		t.Error("somebody seems to be at work on it")
	}
}

func ago(d time.Duration) time.Time { return time.Now().Add(-d) }
