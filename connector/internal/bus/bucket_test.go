package bus_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
)

// counted is a value of which a greater one is newer.
type counted struct {
	Count int `json:"count"`
}

func newerThan(count int) func(counted) bool {
	return func(found counted) bool { return found.Count > count }
}

// Of two who have read the same, one writes; the other knows.
func TestSaveIsAtTheRevisionThatWasRead(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	b := r.Streams().State
	found, revision, err := bus.Load[counted](r.Ctx, b, "key")
	if err != nil || revision != 0 || found != (counted{}) {
		t.Fatalf("nothing is there, and read is %+v at %d, %v", found, revision, err)
	}
	first, err := bus.Save(r.Ctx, b, "key", counted{1}, 0, 0)
	r.Check(err)
	if _, err := bus.Save(r.Ctx, b, "key", counted{2}, 0, 0); !bus.IsConflict(err) {
		t.Errorf("it is made twice: %v", err)
	}
	second, err := bus.Save(r.Ctx, b, "key", counted{3}, first, time.Hour)
	r.Check(err)
	if _, err := bus.Save(r.Ctx, b, "key", counted{4}, first, time.Hour); !bus.IsConflict(err) {
		t.Errorf("an older one is written over a newer one: %v", err)
	}
	found, revision, err = bus.Load[counted](r.Ctx, b, "key")
	if err != nil || revision != second || found.Count != 3 {
		t.Errorf("read is %+v at %d, %v", found, revision, err)
	}
}

// A holder's word takes the place of what an opener wrote since, but not of
// what a later holder wrote.
func TestSaveOverOnlyWhatIsOlder(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	b := r.Streams().State
	read, err := bus.Save(r.Ctx, b, "key", counted{5}, 0, 0)
	r.Check(err)
	_, err = bus.Save(r.Ctx, b, "key", counted{4}, read, 0) // somebody else since
	r.Check(err)
	written, err := bus.SaveOver(r.Ctx, b, "key", counted{6}, read, 0, newerThan(6))
	r.Check(err)
	if _, revision, err := bus.Load[counted](r.Ctx, b, "key"); err != nil || revision != written {
		t.Errorf("it stands at %d, %v, and was written at %d", revision, err, written)
	}
	if _, err := bus.SaveOver(r.Ctx, b, "key", counted{5}, read, 0, newerThan(5)); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("an overtaken one is written: %v", err)
	}
	if found, _, err := bus.Load[counted](r.Ctx, b, "key"); err != nil || found.Count != 6 {
		t.Errorf("what stands there is %+v, %v", found, err)
	}
	r.Check(b.Purge(r.Ctx, "key")) // it has expired, or was taken away
	if _, err := bus.SaveOver(r.Ctx, b, "key", counted{7}, written, 0, newerThan(0)); err != nil {
		t.Errorf("nothing is there that is newer: %v", err)
	}
}

// What is to be forgotten expires, whoever writes it, and by what way.
func TestValuesExpire(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	streams := r.Streams()
	b := streams.State
	_, err := b.Update(r.Ctx, "create", nil, 0, time.Hour)
	r.Check(err)
	revision, err := b.Update(r.Ctx, "update", nil, 0, 0)
	r.Check(err)
	_, err = b.Update(r.Ctx, "update", nil, revision, time.Hour)
	r.Check(err)
	r.Check(b.Put(r.Ctx, "put", nil, time.Hour))
	r.Check(b.PutAsync(r.Ctx, "async", time.Hour)())
	stream, err := r.JS.Stream(r.Ctx, "KV_"+natstest.Prefix.StreamName("STATE"))
	r.Check(err)
	for _, key := range []string{"create", "update", "put", "async"} {
		msg, err := stream.GetLastMsgForSubject(r.Ctx, b.Subject(key))
		r.Check(err)
		if got := msg.Header.Get(jetstream.MsgTTLHeader); got != "1h0m0s" {
			t.Errorf("%s: what is written lives for %q", key, got)
		}
	}
}

func TestWholeSeconds(t *testing.T) {
	for d, want := range map[time.Duration]time.Duration{
		0: 0, 1: time.Second, time.Second: time.Second, time.Second + 1: 2 * time.Second, 1500 * time.Millisecond: 2 * time.Second,
	} {
		if got := bus.WholeSeconds(d); got != want {
			t.Errorf("%v becomes %v", d, got)
		}
	}
}

// What somebody else wrote there is told from what cannot be had for the moment.
func TestLoadOfWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	b := r.Streams().State
	r.Check(b.Put(r.Ctx, "key", []byte("{"), 0))
	_, revision, err := bus.Load[counted](r.Ctx, b, "key")
	var syntax *json.SyntaxError
	if !errors.Is(err, bus.ErrUnreadable) || !errors.As(err, &syntax) || revision == 0 {
		t.Errorf("read at %d: %v", revision, err)
	}
}

// Keys have the beginning that was asked for; what was purged holds nothing.
func TestKeys(t *testing.T) {
	t.Parallel()
	r := natstest.New(t)
	b := r.Streams().State
	for _, key := range []string{"owed.a.look.x", "owed.b.look.y", "replica.a", "owed.gone"} {
		r.Check(b.Put(r.Ctx, key, nil, 0))
	}
	r.Check(b.Purge(r.Ctx, "owed.gone"))
	keys, err := b.Keys(r.Ctx, "owed.")
	r.Check(err)
	keys = slices.DeleteFunc(keys, func(key string) bool {
		found, err := b.Get(r.Ctx, key)
		r.Check(err)
		return found.Revision == 0
	})
	if slices.Sort(keys); !slices.Equal(keys, []string{"owed.a.look.x", "owed.b.look.y"}) {
		t.Errorf("the keys are %q", keys)
	}
}
