package outbox

import (
	"errors"
	"slices"
	"testing"

	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
)

func entry(key string) Entry { return Entry{"debt", key} }

// What a dead replica owes is adopted, again until that succeeds, and then its
// entry goes. What one owes that is alive, or this one, is its own affair.
func TestWhatADeadReplicaOwesIsAdopted(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	dead, alive, self := r.outbox("dead"), r.outbox("alive"), r.outbox("self")
	r.Check(r.registry("alive").Announce(r.Ctx, replicas.Replica{}))
	r.Check(alive.Write(r.Ctx, entry("alive")))
	r.Check(self.Write(r.Ctx, entry("own")))
	r.Check(dead.Send(r.Ctx, entry("sent"))())
	dead.Enter(entry("left"))
	dead.LeaveWith(entry("left"), "content")

	type adoption struct {
		of           replicas.ID
		key, content string
	}
	adopted, failures := make(chan adoption, 10), 2
	r.run(self, owner{
		adopt: func(of replicas.ID, key, content string) error {
			adopted <- adoption{of, key, content}
			if failures--; failures >= 0 {
				return errors.New("not now")
			}
			return nil
		},
		resume: nobodyResumes(t),
	})
	times := map[adoption]int{}
	for range 4 { // two of them fail
		times[natstest.Receive(r.Rig, adopted)]++
	}
	if times[adoption{"dead", "sent", ""}] == 0 || times[adoption{"dead", "left", "content"}] == 0 || len(times) != 2 {
		t.Errorf("adopted are %v", times)
	}
	r.Eventually("what is adopted is gone", func() bool { return !r.isThere("dead", entry("sent")) && !r.isThere("dead", entry("left")) })
	r.Check(r.registry("alive").Withdraw(r.Ctx))
	if got := natstest.Receive(r.Rig, adopted); got != (adoption{"alive", "alive", ""}) {
		t.Errorf("when that one is dead, too, adopted is %v", got)
	}
	if !r.isThere("self", entry("own")) {
		t.Error("this replica's own entry is gone")
	}
}

// A replica that NATS was away from for a moment is not dead: it takes two
// looks to say so.
func TestReplicaThatComesBackIsNotDead(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	self, dead, away := r.outbox("self"), r.outbox("dead"), r.outbox("away")
	r.Check(dead.Write(r.Ctx, entry("always")))
	looks, over := 0, make(chan struct{})
	r.run(self, owner{
		adopt: func(of replicas.ID, key, _ string) error {
			if of == "away" {
				t.Errorf("%s is adopted", key)
				return nil
			}
			var err error
			switch looks++; looks {
			case 1:
				err = away.Write(r.Ctx, entry("away"))
			case 2: // it was seen once
				err = r.registry("away").Announce(r.Ctx, replicas.Replica{})
			case 4:
				close(over)
			}
			if err != nil {
				t.Error(err)
			}
			return errors.New("again at the next look")
		},
		resume: nobodyResumes(t),
	})
	natstest.Receive(r.Rig, over)
}

// An entry stands there for as long as anybody is at work on it.
func TestEntryGoesWithTheLastWhoIsAtWorkOnIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o, e, after := r.outbox("self"), entry("entry"), entry("after")
	o.Enter(e)
	o.Enter(e)
	r.Check(o.Write(r.Ctx, e))
	o.Leave(e, true)
	r.Check(o.Write(r.Ctx, after)) // what was published before has been carried out
	if !r.isThere("self", e) || !slices.Equal(o.Active(), []Entry{e}) {
		t.Errorf("it is there: %v; active are %v", r.isThere("self", e), o.Active())
	}
	o.Leave(e, true)
	r.Eventually("the entry is gone", func() bool { return !r.isThere("self", e) })
	if len(o.Active()) != 0 {
		t.Errorf("active are %v", o.Active())
	}
}

// What could not be settled is gone on with, by this replica, with what it
// left; and it stands there until it is settled.
func TestWhatFailedIsResumed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o, failed, left, after := r.outbox("self"), entry("failed"), entry("left"), entry("after")
	o.Enter(failed) // by two, of whom one fails
	o.Enter(failed)
	r.Check(o.Write(r.Ctx, failed))
	o.Leave(failed, false)
	o.Leave(failed, true)
	o.Enter(failed) // a later one does not settle what the earlier one could not
	o.Leave(failed, true)
	o.Enter(left)
	o.LeaveWith(left, "content")
	r.Check(o.Write(r.Ctx, after))
	if !r.isThere("self", failed) || !r.isThere("self", left) {
		t.Fatal("what is not settled is gone")
	}

	resumed := make(chan string, 10)
	tries := map[string]int{}
	r.run(o, owner{adopt: nobodyAdopts(t), resume: func(key, content string) {
		resumed <- key + ":" + content
		if active := o.Active(); !slices.Contains(active, entry(key)) {
			t.Errorf("nobody seems to be at work on %s: %v", key, active)
		}
		tries[key]++
		o.Leave(entry(key), tries[key] > 1)
	}})
	var got []string
	for range 4 {
		got = append(got, natstest.Receive(r.Rig, resumed))
	}
	if slices.Sort(got); !slices.Equal(got, []string{"failed:", "failed:", "left:content", "left:content"}) {
		t.Errorf("resumed are %q", got)
	}
	r.Eventually("what is settled is gone", func() bool { return !r.isThere("self", failed) && !r.isThere("self", left) })
}

// Nobody goes on with what somebody here is at work on again.
func TestWhatIsWorkedOnAgainIsNotResumed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	o, again, other := r.outbox("self"), entry("again"), entry("other")
	o.Enter(again)
	o.Leave(again, false)
	o.Enter(again)
	o.Enter(other)
	o.Leave(other, false)
	resumed := make(chan string, 10)
	r.run(o, owner{adopt: nobodyAdopts(t), resume: func(key, _ string) {
		resumed <- key
		o.Leave(entry(key), key == "again")
	}})
	for range 3 {
		if key := natstest.Receive(r.Rig, resumed); key != "other" {
			t.Errorf("%s is resumed", key)
		}
	}
	o.Leave(again, true)
	for natstest.Receive(r.Rig, resumed) != "again" {
	}
}

// A replica that seemed dead is back and owes something again: what it wrote
// while its entry was adopted stays.
func TestWhatIsWrittenAnewIsNotCleared(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	back, self := r.outbox("back"), r.outbox("self")
	r.Check(back.WriteWith(r.Ctx, entry("standing"), "old"))
	adopted := make(chan string, 10)
	r.run(self, owner{
		adopt: func(_ replicas.ID, _, content string) error {
			adopted <- content
			if content == "old" {
				return back.WriteWith(r.Ctx, entry("standing"), "new")
			}
			return errors.New("not now")
		},
		resume: nobodyResumes(t),
	})
	for want := range slices.Values([]string{"old", "new", "new"}) {
		if content := natstest.Receive(r.Rig, adopted); content != want {
			t.Errorf("adopted is %q, want %q", content, want)
		}
	}
}
