package command

import (
	"errors"
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/replicas"
)

func TestGoldenMark(t *testing.T) {
	golden.Values(t, "mark", []mark{{markVersion, 17}})
	if OwedCommands != "commands" || owedCommands.Key != "live" {
		t.Errorf("a mark is now written under %+v", owedCommands)
	}
}

// debtRig is what a replica owes, with the streams that it is written down in.
type debtRig struct {
	*natstest.Rig
	*debts
	streams *bus.Streams
}

func newDebtRig(t *testing.T) *debtRig {
	t.Helper()
	r := &debtRig{Rig: natstest.New(t)}
	r.streams = r.Streams()
	registry := replicas.NewRegistry(r.streams.State, "self", time.Hour, &bus.Health{}, natstest.Log())
	o := outbox.New(r.NC, r.streams.State, registry, "self", outbox.Config{Keep: time.Hour, FailoverAfter: time.Hour}, natstest.Log())
	r.debts = newDebts(o, journal.New(r.streams.Journal, natstest.Log()), registry.Every())
	return r
}

// begin records a command as begun, as the live lane does.
func (r *debtRig) begin(name string) (*debt, *journal.Record) {
	r.Helper()
	owed := r.owe(name, false)
	_, err := r.announce(r.Ctx, owed)
	r.Check(err)
	record := journal.NewRecord(journal.Identity{Command: "chat.send", ID: name, Result: name, Key: name}, "fingerprint", 0)
	r.Check(r.journal.Write(r.Ctx, record))
	r.Check(r.begun(r.Ctx, owed, record.Sequence()))
	return owed, record
}

// written is the mark that others read; 0 and false if there is none.
func (r *debtRig) written() (uint64, bool) {
	r.Helper()
	found, err := r.streams.State.Get(r.Ctx, "owed.self.commands.live")
	r.Check(err)
	if found.Revision == 0 {
		return 0, false
	}
	m, err := readMark(found.Data)
	r.Check(err)
	return m.Journal, true
}

// The mark is told before the first command, again when it has moved, and never
// beyond what is owed; it is taken away by who leaves owing nothing.
func TestMarkIsTold(t *testing.T) {
	t.Parallel()
	r := newDebtRig(t)
	if _, isThere := r.written(); isThere || r.isToTell() {
		t.Error("a mark is told before any command")
	}
	first, begun := r.begin("first")
	second, _ := r.begin("second")
	always := func() bool { return false }
	for _, step := range []struct {
		do   func()
		want uint64
	}{
		{func() {}, begun.Sequence() - 1},
		{func() { r.settle(second) }, begun.Sequence() - 1},
		{func() { r.abandon(first) }, begun.Sequence() - 1},
		{func() { r.end(r.takeAbandoned()[0], errors.New("not now")) }, begun.Sequence() - 1},
		{func() { r.end(r.takeAbandoned()[0], nil) }, begun.Sequence() + 1},
	} {
		step.do()
		r.Check(r.tell(r.Ctx, always))
		if got, _ := r.written(); got != step.want {
			t.Errorf("the mark is %d, want %d", got, step.want)
		}
	}
	r.leave()
	r.Eventually("the mark is gone", func() bool { _, isThere := r.written(); return !isThere })
}

// The mark of who does nothing moves with what others write: whoever finds it dead
// need not read all of that.
func TestMarkOfWhoIsIdle(t *testing.T) {
	t.Parallel()
	r := newDebtRig(t)
	owed, _ := r.begin("mine")
	r.settle(owed)
	r.Check(r.streams.Journal.Put(r.Ctx, "command.another's", nil, 0))
	_, err := r.streams.Journal.AwaitSettled(r.Ctx) // which looks at the stream
	r.Check(err)
	if !r.isToTell() || r.mark() != 2 {
		t.Errorf("the mark is %d", r.mark())
	}
}

// Who leaves and owes something leaves its mark.
func TestMarkOfWhoLeavesOwing(t *testing.T) {
	t.Parallel()
	r := newDebtRig(t)
	owed, _ := r.begin("first")
	r.abandon(owed)
	r.leave()
	r.Check(r.NC.Flush())
	if _, isThere := r.written(); !isThere {
		t.Error("the mark is gone")
	}
}

// Whoever was frozen for so long that others may have taken its mark away tells it
// before it begins a command. One that was told lately is not told for each.
func TestMarkOfWhoWasFrozen(t *testing.T) {
	t.Parallel()
	r := newDebtRig(t)
	owed, _ := r.begin("first")
	r.settle(owed)
	r.Check(r.streams.State.Purge(r.Ctx, "owed.self.commands.live"))
	r.begin("lately")
	if _, isThere := r.written(); isThere {
		t.Error("it is told for each command")
	}
	r.mu.Lock()
	r.since = r.since.Add(-2 * r.every)
	r.mu.Unlock()
	r.begin("late")
	if behind, isThere := r.written(); !isThere || behind > 1 {
		t.Errorf("the mark is %d, %v, and the second command is owed", behind, isThere)
	}
}

// The journal is lost and made anew: the mark was one in the old one.
func TestMarkInAJournalThatWasLost(t *testing.T) {
	t.Parallel()
	r := newDebtRig(t)
	for _, name := range []string{"a", "b", "c"} {
		owed, _ := r.begin(name)
		r.settle(owed)
	}
	r.begin("open")
	r.Check(r.tell(r.Ctx, func() bool { return false }))
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_JOURNAL"))
	r.Streams()
	r.begin("after")
	if behind, _ := r.written(); behind != 0 {
		t.Errorf("the mark is %d in a journal of one record", behind)
	}
}

// The bucket is lost and made anew: the mark is put back, if there was one.
func TestMarkIsPutBack(t *testing.T) {
	t.Parallel()
	r := newDebtRig(t)
	r.Check(r.outbox.PutBack(r.Ctx))
	if _, isThere := r.written(); isThere {
		t.Error("a mark is put back that never was")
	}
	r.begin("first")
	r.Check(r.streams.State.Purge(r.Ctx, "owed.self.commands.live"))
	r.Check(r.outbox.PutBack(r.Ctx))
	if behind, isThere := r.written(); !isThere || behind != 0 {
		t.Errorf("the mark is %d, %v", behind, isThere)
	}
}

// A mark that is none is an error, and a later version may say more.
func FuzzReadMark(f *testing.F) {
	for _, seed := range []string{`{"v":1,"journal":17}`, `{"v":2,"journal":17}`, `{"v":1,"journal":-1}`, `{"v":1,"journal":1,"more":{}}`, ``, `null`, `{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readMark(data)
		if err == nil && m.Version != markVersion || err != nil && !errors.Is(err, bus.ErrUnreadable) {
			t.Errorf("%q is read as %+v, %v", data, m, err)
		}
	})
}
