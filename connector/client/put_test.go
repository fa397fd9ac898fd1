package client_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/client"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// store is a store of files, as a connector makes it.
type store struct {
	*rig
	files jetstream.ObjectStore
}

func newStore(t *testing.T, maxBytes int64, change ...func(*server.Options)) store {
	t.Helper()
	r := newRig(t, change...)
	files, err := r.JS.CreateObjectStore(r.Ctx, jetstream.ObjectStoreConfig{Bucket: "CC_FILES", MaxBytes: maxBytes})
	r.Check(err)
	return store{r, files}
}

func random(size int) []byte {
	content := make([]byte, size)
	_, _ = rand.Read(content)
	return content
}

// checkHolds reads an object as NATS's own client does, and as this one does.
func (s store) checkHolds(object string, content []byte) {
	s.Helper()
	if got, err := s.files.GetBytes(s.Ctx, object); err != nil || !bytes.Equal(got, content) {
		s.Errorf("NATS's client reads %d bytes of %q, want %d: %v", len(got), object, len(content), err)
	}
	var got bytes.Buffer
	if size, err := s.Fetch(s.Ctx, object, &got); err != nil || size != int64(len(content)) || !bytes.Equal(got.Bytes(), content) {
		s.Errorf("%d bytes of %q are fetched, want %d: %v", size, object, len(content), err)
	}
}

func (s store) state() jetstream.StreamState {
	s.Helper()
	stream, err := s.JS.Stream(s.Ctx, "OBJ_CC_FILES")
	s.Check(err)
	return stream.CachedInfo().State
}

// checkEmpty finds pieces that nothing names, and names.
func (s store) checkEmpty(after string) {
	s.Helper()
	const aPiece = 1 << 10
	all, err := s.files.List(s.Ctx)
	if state := s.state(); state.Bytes >= aPiece || !errors.Is(err, jetstream.ErrNoObjectsFound) {
		s.Errorf("%s: the store has %d bytes, and the objects %v, %v", after, state.Bytes, all, err)
	}
}

func TestPut(t *testing.T) {
	for name, change := range map[string][]func(*server.Options){"a usual bus": nil, "a small bus": {natstest.SmallBus}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, 0, change...)
			for object, size := range map[string]int{"empty": 0, "one": 1, "a piece": 128 << 10, "../ä \"<b>\".*>\r\n$O": 500<<10 + 1, strings.Repeat("\x01", 1024): 5} {
				content := random(size)
				if got, err := s.Put(s.Ctx, object, iotest.HalfReader(bytes.NewReader(content))); err != nil || got != object {
					t.Errorf("%q is put as %q: %v", object, got, err)
				}
				s.checkHolds(object, content)
			}
			content := random(1000)
			one, err := s.Put(s.Ctx, "", bytes.NewReader(content))
			s.Check(err)
			two, err := s.Put(s.Ctx, "", bytes.NewReader(content))
			if err != nil || one == "" || one == two {
				t.Errorf("without names they are put as %q and %q: %v", one, two, err)
			}
			s.checkHolds(one, content)
		})
	}
}

// What has a name keeps it, and the same once more is the same.
func TestPutWritesNothingOver(t *testing.T) {
	t.Parallel()
	s := newStore(t, 0)
	first := random(300 << 10)
	for range 2 {
		if object, err := s.Put(s.Ctx, "name", bytes.NewReader(first)); err != nil || object != "name" {
			t.Fatalf("it is put as %q: %v", object, err)
		}
	}
	if _, err := s.Put(s.Ctx, "name", bytes.NewReader(random(300<<10))); !errors.Is(err, client.ErrNameTaken) {
		t.Errorf("another content: %v", err)
	}
	s.checkHolds("name", first)
	if kept := s.state().Bytes; kept > 400<<10 {
		t.Errorf("the store has %d bytes of an object of %d", kept, len(first))
	}
	_, err := s.files.PutBytes(s.Ctx, "deleted", first)
	s.Check(err)
	s.Check(s.files.Delete(s.Ctx, "deleted"))
	if _, err := s.Put(s.Ctx, "deleted", bytes.NewReader(first)); !errors.Is(err, client.ErrNameTaken) {
		t.Errorf("the name of one that was deleted: %v", err)
	}
}

// Of what cannot be put nothing stays.
func TestPutFails(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1<<20)
	var full *jetstream.APIError
	ended, end := context.WithCancel(s.Ctx)
	for name, c := range map[string]struct {
		content io.Reader
		fits    func(error) bool
	}{
		"broken off":      {io.MultiReader(bytes.NewReader(random(300<<10)), iotest.ErrReader(io.ErrUnexpectedEOF)), func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		"more than fits":  {bytes.NewReader(random(2 << 20)), func(err error) bool { return errors.As(err, &full) }},
		"no context left": {io.MultiReader(bytes.NewReader(random(200<<10)), ending(end)), func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		object, err := s.Put(ended, name, c.content)
		if ended.Err() != nil {
			ended, end = context.WithCancel(s.Ctx)
		}
		if object != "" || !c.fits(err) || !strings.HasPrefix(err.Error(), "client: ") {
			t.Errorf("%s: %q, %v", name, object, err)
		}
		s.checkEmpty(name)
	}
	end()
	for _, bad := range []string{"nats-object:CC_FILES/x", strings.Repeat("x", 1025), "\xff"} {
		var wrong *schema.FieldError
		if _, err := s.Put(s.Ctx, bad, strings.NewReader("x")); !errors.As(err, &wrong) || wrong.Field != "name" {
			t.Errorf("%.30q: %v", bad, err)
		}
	}
}

// ending ends a context when it is read.
type ending context.CancelFunc

func (e ending) Read(p []byte) (int, error) {
	e()
	return len(p), nil
}

// endless is a content without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestPutTooMuch(t *testing.T) {
	t.Parallel()
	s := newStore(t, 0)
	if _, err := s.Put(s.Ctx, "", endless{}); !errors.Is(err, client.ErrTooLarge) {
		t.Error(err)
	}
	s.checkEmpty("too much")
	if _, err := s.Put(s.Ctx, "most", io.LimitReader(endless{}, 25<<20)); err != nil {
		t.Error(err)
	}
}

func TestPutNowhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if _, err := r.Put(r.Ctx, "", strings.NewReader("x")); !errors.Is(err, client.ErrNoStore) {
		t.Errorf("no store: %v", err)
	}
	r = newRig(t, func(o *server.Options) { o.JetStream = false })
	if _, err := r.Put(r.Ctx, "", strings.NewReader("x")); !errors.Is(err, client.ErrNoStore) {
		t.Errorf("no JetStream: %v", err)
	}
}

// The answer to a piece is lost: the object is not there, and may be put again.
// The answer to the last word is lost: it is there.
func TestPutOfWhichAnAnswerIsLost(t *testing.T) {
	t.Parallel()
	s := newStore(t, 0)
	loser := s.LoseAcks()
	s.Use(loser)
	content := random(200 << 10) // two pieces
	loser.After.Store(1)
	loser.Lose.Store(1)
	if _, err := s.Put(s.Ctx, "name", bytes.NewReader(content)); !errors.Is(err, natstest.ErrAnswerLost) {
		t.Errorf("of a piece: %v", err)
	}
	s.checkEmpty("a lost answer")
	loser.After.Store(2)
	loser.Lose.Store(1)
	if _, err := s.Put(s.Ctx, "name", bytes.NewReader(content)); err != nil {
		t.Errorf("of the last word: %v", err)
	}
	s.checkHolds("name", content)
}
