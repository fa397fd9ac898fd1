package journal

import (
	"context"
	"errors"
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

const key = "record-key"

func begun() *Record {
	r := NewRecord(Identity{Command: "chat.send", ID: "an id", Result: key, Key: key}, "fingerprint", 0)
	r.Replica = "replica"
	return r
}

// A command comes twice at once: one run of it wins, and the other finds it.
func TestOneRunWins(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	if found, err := j.Find(r.Ctx, key); found != nil || err != nil {
		t.Fatalf("nothing is there, and found is %+v, %v", found, err)
	}
	const runs = 8
	outcomes := make(chan error, runs)
	for range runs {
		go func() { outcomes <- j.Write(r.Ctx, begun()) }()
	}
	won := 0
	for range runs {
		if err := natstest.Receive(r, outcomes); err == nil {
			won++
		} else if !errors.Is(err, ErrOvertaken) {
			t.Error(err)
		}
	}
	if found, err := j.Find(r.Ctx, key); won != 1 || err != nil || found.Key != key || found.Replica != "replica" {
		t.Errorf("%d runs have begun; found is %+v, %v", won, found, err)
	}
}

// A process that was frozen while another went on writes no more.
func TestOvertakenRunWritesNothing(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	frozen := begun()
	r.Check(j.Write(r.Ctx, frozen))
	other, err := j.Find(r.Ctx, key)
	r.Check(err)
	if !frozen.IsSame(other) || frozen.IsSame(nil) {
		t.Error("what was read is not what was written")
	}
	other.Done = &Outcome{At: time.Now().UTC(), From: 7}
	r.Check(j.Write(r.Ctx, other))
	frozen.Attempts = 3
	if err := j.Write(r.Ctx, frozen); !errors.Is(err, ErrOvertaken) {
		t.Errorf("the overtaken run writes: %v", err)
	}
	found, err := j.Find(r.Ctx, key)
	if err != nil || found.Done == nil || found.Done.From != 7 || found.Attempts != 0 || frozen.IsSame(found) {
		t.Errorf("found is %+v, %v", found, err)
	}
	r.Check(j.Write(r.Ctx, other)) // who is not overtaken goes on
}

// A write of which the answer is lost is not taken for somebody else's.
func TestWriteWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	loser := r.LoseAcks()
	j := New(r.Streams().Journal, natstest.Log())
	record := begun()
	r.Check(j.Write(r.Ctx, record))
	loser.Lose.Store(1)
	record.Calling = true
	r.Check(j.Write(r.Ctx, record))
	record.Calling = false
	r.Check(j.Write(r.Ctx, record)) // it knows at which revision it stands
}

// awaitWatcher returns when somebody watches the journal.
func awaitWatcher(r *natstest.Rig) {
	r.Helper()
	stream, err := r.JS.Stream(r.Ctx, "KV_"+natstest.Prefix.StreamName("JOURNAL"))
	r.Check(err)
	r.Eventually("somebody watches the journal", func() bool {
		info, err := stream.Info(r.Ctx)
		r.Check(err)
		return info.State.Consumers > 0
	})
}

// Who waits for the outcome of a run that is under way gets it, however late
// he begins to wait.
func TestAwaitReturnsWhatIsDone(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	record := begun()
	r.Check(j.Write(r.Ctx, record))
	awaited := make(chan *Record, 1)
	go func() {
		found, err := j.Await(r.Ctx, key)
		if err != nil {
			t.Error(err)
		}
		awaited <- found
	}()
	awaitWatcher(r)
	record.Attempts = 1
	r.Check(j.Write(r.Ctx, record)) // it goes on, and is not done
	record.Done = &Outcome{At: time.Now().UTC(), From: 7}
	r.Check(j.Write(r.Ctx, record))
	if found := natstest.Receive(r, awaited); found == nil || found.Done == nil || found.Done.From != 7 || found.Key != key {
		t.Errorf("awaited was %+v", found)
	}
	if found, err := j.Await(r.Ctx, key); err != nil || found.Done == nil {
		t.Errorf("it is done, and awaited is %+v, %v", found, err)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	r.Check(j.Write(r.Ctx, begun()))
	ctx, cancel := context.WithCancel(r.Ctx)
	ended := make(chan error, 1)
	go func() {
		_, err := j.Await(ctx, key)
		ended <- err
	}()
	awaitWatcher(r)
	cancel()
	if err := natstest.Receive(r, ended); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

// A record that cannot be read is not taken for none: the command would run again.
func TestUnreadableRecordIsNotNone(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	r.Check(streams.Journal.Put(r.Ctx, bucketKey(key), []byte("{"), 0))
	j := New(streams.Journal, natstest.Log())
	if found, err := j.Find(r.Ctx, key); found != nil || !errors.Is(err, bus.ErrUnreadable) { // it does not get better
		t.Errorf("found is %+v, %v", found, err)
	}
	if _, err := j.Await(r.Ctx, key); !errors.Is(err, bus.ErrUnreadable) {
		t.Errorf("awaiting it ends with %v", err)
	}
}

// The journal is deleted under a running command, and made again: its outcome
// is recorded all the same, and another run does not take it for its own.
func TestWriteIntoAJournalThatWasLost(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	record := begun()
	r.Check(j.Write(r.Ctx, record))
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_JOURNAL"))
	r.Streams()
	record.Calling = true
	r.Check(j.Write(r.Ctx, record))
	found, err := j.Find(r.Ctx, key)
	if err != nil || found == nil || !found.Calling || found.Run != record.Run {
		t.Errorf("found is %+v, %v", found, err)
	}
	if err := j.Write(r.Ctx, begun()); !errors.Is(err, ErrOvertaken) {
		t.Errorf("another run: %v", err)
	}
}
