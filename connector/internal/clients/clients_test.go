package clients

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/natstest"
	"cc-connector/connector/internal/replicas"
)

type rig struct {
	*natstest.Rig
	streams *bus.Streams
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{Rig: natstest.New(t)}
	r.streams = r.Streams()
	return r
}

// replica are the clients as one replica has them, which has not looked yet.
func (r *rig) replica() *Clients {
	registry := replicas.NewRegistry(r.streams.State, replicas.NewID(), 2*time.Second, &bus.Health{}, natstest.Log())
	return New(r.streams.State, registry, func() time.Duration { return time.Hour }, natstest.Log())
}

func (r *rig) started() *Clients {
	r.Helper()
	c := r.replica()
	r.Check(c.Look(r.Ctx))
	return c
}

// Replicas that start at once, and one that comes later, know a client by the
// same reference, and derive the same ones; those of another bus do not.
func TestReplicasAgree(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := make([]*Clients, 8)
	var starting sync.WaitGroup
	for i := range all {
		all[i] = r.replica()
		starting.Go(func() {
			if err := all[i].Look(r.Ctx); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	ref, derived := all[0].Ref("ada"), all[0].Derive("//source", "id")
	for _, c := range append(all[1:], r.started()) {
		if c.Ref("ada") != ref || c.Derive("//source", "id") != derived {
			t.Errorf("replicas have the references %s and %s, and derive %s and %s", ref, c.Ref("ada"), derived, c.Derive("//source", "id"))
		}
	}
	if one := all[0]; one.Ref("eve") == ref || one.Derive("//source", "other") == derived || one.Derive("//sourcei", "d") == derived || one.Seal("ada") == string(ref) {
		t.Error("what differs is not told apart")
	}
	if other := newRig(t).started(); other.Ref("ada") == ref || other.Derive("//source", "id") == derived || other.Seal("text") == all[0].Seal("text") {
		t.Error("without the secret anybody can compute what only the connector knows")
	}
}

// A client that one replica has kept is found by every other.
func TestKeptClientIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, another := r.started(), r.started()
	kept, err := one.Keep(r.Ctx, "ada")
	r.Check(err)
	if kept.Ref != one.Ref("ada") || one.IsDue(kept) || !one.IsDue(Kept{}) {
		t.Errorf("kept as %+v", kept)
	}
	for range 2 {
		if client, err := another.Find(r.Ctx, kept.Ref); client != "ada" || err != nil {
			t.Errorf("found is %q, %v", client, err)
		}
		r.Check(r.streams.State.Purge(r.Ctx, "client."+string(kept.Ref))) // it is remembered
	}
	if client, err := r.started().Find(r.Ctx, kept.Ref); client != "" || err != nil {
		t.Errorf("found is %q, %v, and nothing is kept", client, err)
	}
}

// An open chat's client is due to be kept again well before it expires.
func TestClientIsDueInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.started()
	c.keep = func() time.Duration { return 200 * time.Millisecond }
	kept, err := c.Keep(r.Ctx, "ada")
	r.Check(err)
	if until := time.Until(kept.again); until > c.keep()/2 {
		t.Errorf("it is due in %v, and lasts %v", until, c.keep())
	}
	r.Eventually("it is due", func() bool { return c.IsDue(kept) })
}

// The connector's memory is deleted under running replicas, and one that starts
// just then makes another secret: the earlier one counts, as soon as somebody
// who has it looks.
func TestMemoryIsLost(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, two := r.started(), r.started()
	ref := one.Ref("ada")
	kept, err := one.Keep(r.Ctx, "ada")
	r.Check(err)
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	if err := one.Look(r.Ctx); err == nil || one.Ref("ada") != ref {
		t.Errorf("without its memory a replica has the reference %s, and was %s: %v", one.Ref("ada"), ref, err)
	}
	r.streams = r.Streams()
	late := r.started()
	if late.Ref("ada") == ref {
		t.Fatal("nobody has told the late replica the secret, and it knows it")
	}
	for _, c := range []*Clients{two, one, late} {
		r.Check(c.Look(r.Ctx))
		if c.Ref("ada") != ref {
			t.Errorf("the reference is %s, and was %s", c.Ref("ada"), ref)
		}
	}
	if !one.IsDue(kept) {
		t.Error("what was kept in the memory that is lost is not due to be kept again")
	}
}

// A replica that starts, and makes the lost memory again, waits until another one
// has put the secret back, rather than make its own.
func TestStartWaitsForTheSecret(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one := r.started()
	_, err := r.JS.Publish(r.Ctx, "cc.result.chat.send", nil) // somebody has worked here
	r.Check(err)
	r.Check(r.JS.DeleteStream(r.Ctx, "KV_CC_STATE"))
	r.streams = r.Streams()
	late, looks, looked := r.replica(), make(chan *nats.Msg, 8), make(chan error, 1)
	_, err = r.NC.ChanSubscribe("$JS.API.STREAM.INFO.KV_CC_STATE", looks)
	r.Check(err)
	go func() { looked <- late.Look(r.Ctx) }()
	select {
	case <-looks: // whether it is settled
	case <-looked:
		t.Fatal("it has made a secret at once")
	}
	r.Check(one.Look(r.Ctx))
	r.Check(natstest.Receive(r.Rig, looked))
	if late.Ref("ada") != one.Ref("ada") {
		t.Error("the two know a client by different references")
	}
}

// Whichever of two secrets was made first counts, whoever finds it.
func TestEarlierSecretCounts(t *testing.T) {
	early, late := secret{Key: []byte("b"), Made: time.Unix(1, 0)}, secret{Key: []byte("a"), Made: time.Unix(2, 0)}
	same := secret{Key: []byte("a"), Made: early.Made}
	if !early.precedes(late) || late.precedes(early) || early.precedes(early) || same.precedes(early) == early.precedes(same) {
		t.Error("two replicas may not agree on which of two secrets counts")
	}
}

// While a replica lives that knows no references, or as long as nothing is
// known, what it reads is written.
func TestEarlierVersionLives(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica()
	if !c.EarlierLives() {
		t.Error("no earlier version lives, and nobody has looked")
	}
	for _, record := range []string{`{"maxChats":20000,"chats":17}`, `{"maxChats":0,"chats":0}`, `something else`} {
		r.Check(r.streams.State.Put(r.Ctx, "replica.earlier", []byte(record), 0))
		r.Check(c.registry.Announce(r.Ctx, replicas.Replica{MaxChats: 1}))
		if r.Check(c.Look(r.Ctx)); !c.EarlierLives() {
			t.Errorf("no earlier version lives, and one says %s", record)
		}
		r.Check(r.streams.State.Purge(r.Ctx, "replica.earlier"))
		for range 3 { // its record could be about to come back
			r.Check(c.Look(r.Ctx))
		}
		if c.EarlierLives() {
			t.Error("an earlier version lives that has gone")
		}
	}
}

// A replica looks again by itself.
func TestTend(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.started()
	ctx, cancel := context.WithCancel(r.Ctx)
	var tending sync.WaitGroup
	tending.Go(func() { c.Tend(ctx) })
	r.Check(r.streams.State.Put(r.Ctx, "replica.earlier", []byte(`{}`), 0))
	r.Eventually("it sees the earlier version", c.EarlierLives)
	cancel()
	tending.Wait()
}

// A secret that cannot be read is nobody's to replace.
func TestUnreadableSecret(t *testing.T) {
	t.Parallel()
	for _, stored := range []string{`{"key":7}`, `{}`, `{"key":"c2hvcnQ=","made":"2020-02-29T12:30:01Z"}`, ``} {
		r := newRig(t)
		r.Check(r.streams.State.Put(r.Ctx, secretKey, []byte(stored), 0))
		if err := r.replica().Look(r.Ctx); !errors.Is(err, bus.ErrUnreadable) || stored != "" && strings.Contains(err.Error(), stored) {
			t.Errorf("%s: %v", stored, err)
		}
		if value, err := r.streams.State.Get(r.Ctx, secretKey); err != nil || string(value.Data) != stored {
			t.Errorf("%s is now %s, %v", stored, value.Data, err)
		}
	}
}

func FuzzReadSecret(f *testing.F) {
	for _, seed := range []string{`{"key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=","made":"2020-02-29T12:30:01Z"}`, `{"key":null}`, `[]`, ``} {
		f.Add([]byte(seed), "ada")
	}
	f.Fuzz(func(t *testing.T, data []byte, client string) {
		s, err := readSecret(data)
		if err != nil {
			return
		}
		ref := s.ref(brightpattern.ClientID(client))
		if len(s.Key) < shortestKey || len(ref) != 32 || strings.Trim(string(ref), "0123456789abcdef") != "" || slices.Equal(s.hash("a", "b"), s.hash("ab")) {
			t.Errorf("the secret %+v makes the reference %q", s, ref)
		}
	})
}
