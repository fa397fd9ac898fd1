package journal

import (
	"fmt"
	"slices"
	"testing"

	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
)

func recordOf(of replicas.ID, name string) *Record {
	r := NewRecord(Identity{Command: "chat.send", ID: name, Result: name, Key: name}, "fingerprint", 0)
	r.Replica = of
	return r
}

func (j *Journal) scanned(r *natstest.Rig, of replicas.ID, behind uint64) (keys []string, reached uint64) {
	r.Helper()
	before := r.NC.NumSubscriptions()
	reached, err := j.Scan(r.Ctx, of, behind, func(found *Record) { keys = append(keys, found.Key) })
	r.Check(err)
	if after := r.NC.NumSubscriptions(); after != before {
		r.Errorf("a scan leaves %d subscriptions behind", after-before)
	}
	slices.Sort(keys)
	return keys, reached
}

// A scan shows what one replica has written behind a sequence, as it is by now.
func TestScan(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	j := New(streams.Journal, natstest.Log())
	if keys, reached := j.scanned(r, "dead", 0); len(keys) != 0 || reached != 0 {
		t.Errorf("an empty journal shows %q, up to %d", keys, reached)
	}
	first, second := recordOf("dead", "first"), recordOf("dead", "second")
	r.Check(j.Write(r.Ctx, first))
	r.Check(j.Write(r.Ctx, recordOf("other", "others")))
	r.Check(j.Write(r.Ctx, second))
	r.Check(streams.Journal.Put(r.Ctx, bucketKey("dead-mischief"), []byte(`{"replica":"dead`), 0))
	for behind, want := range map[uint64][]string{0: {"first", "second"}, 1: {"second"}, 3: nil, 100: nil} {
		if keys, _ := j.scanned(r, "dead", behind); !slices.Equal(keys, want) {
			t.Errorf("behind %d it shows %q, want %q", behind, keys, want)
		}
	}
	first.Attempts = 1
	r.Check(j.Write(r.Ctx, first))
	keys, reached := j.scanned(r, "dead", 3)
	if !slices.Equal(keys, []string{"first"}) || reached != first.Sequence() || j.Reached() != reached {
		t.Errorf("what has moved is shown as %q, up to %d of %d", keys, reached, j.Reached())
	}
}

// A scan ends, though whoever is shown the records writes more and more.
func TestScanEnds(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	const many = 500 // more than a watcher holds
	for i := range many {
		r.Check(j.Write(r.Ctx, recordOf("dead", fmt.Sprint(i))))
	}
	seen := map[string]bool{}
	behind := uint64(0)
	for range 2 {
		var err error
		behind, err = j.Scan(r.Ctx, "dead", behind, func(found *Record) {
			if !seen[found.Key] {
				seen[found.Key] = true
				found.Attempts++
				r.Check(j.Write(r.Ctx, found))
			}
		})
		r.Check(err)
	}
	if len(seen) != many {
		t.Errorf("%d of %d are shown", len(seen), many)
	}
}

// A scan that ends while more has come than a watcher holds leaves nothing behind.
func TestScanOfABusyJournal(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	j := New(r.Streams().Journal, natstest.Log())
	r.Check(j.Write(r.Ctx, recordOf("dead", "first")))
	stream, err := r.JS.Stream(r.Ctx, "KV_CC_JOURNAL")
	r.Check(err)
	_, err = j.Scan(r.Ctx, "dead", 0, func(*Record) {
		for i := range 600 {
			r.Check(j.Write(r.Ctx, recordOf("other", fmt.Sprint(i))))
		}
		r.Eventually("all has been sent", func() bool {
			for info := range stream.ListConsumers(r.Ctx).Info() {
				return info.Delivered.Stream == j.Reached()
			}
			return false
		})
		r.Check(r.NC.Flush())
	})
	r.Check(err)
}
