package chats

import (
	"context"
	"errors"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/failpoint"
)

// A replica that is told of a purge goes by nothing that it remembered, and does not
// put a message number back.
func TestPurgedChatIsForgotten(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key, e := r.knownChat(c, "ada")
	for range 2 {
		if _, err := c.TakeNumber(r.Ctx, key, false); err != nil {
			t.Fatal(err)
		}
	}
	r.know(c, key)
	for _, gone := range []struct {
		from interface {
			Drop(ctx context.Context, key string) (int, error)
		}
		key string
	}{{r.streams.Chats, "chat"}, {r.streams.State, numberKey(key)}, {r.streams.State, "client." + e.ClientRef}} {
		if n, err := gone.from.Drop(r.Ctx, gone.key); n != 1 || err != nil {
			t.Fatalf("of %s there were %d, %v", gone.key, n, err)
		}
	}
	c.ForgetPurged(key)
	if _, err := c.Know(r.Ctx, key); !errors.Is(err, ErrUnknown) {
		t.Errorf("the chat is known: %v", err)
	}
	if client, err := c.Clients.Find(r.Ctx, clients.Ref(e.ClientRef)); client != "" || err != nil {
		t.Errorf("its client is %q, %v", client, err)
	}
	r.Check(c.PutBack(r.Ctx))
	if number, err := c.TakeNumber(r.Ctx, key, false); number != 0 || err != nil {
		t.Errorf("the next number is %d, %v", number, err)
	}
}

// A purge keeps a chat from being opened, and nothing else; its mark does not tell
// which chat it is of.
func TestPurgedChatIsMarked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c, key := r.replica("self"), r.key("chat")
	r.Check(c.checkNotPurged(r.Ctx, key))
	r.Check(MarkPurged(r.Ctx, r.streams, key, time.Minute))
	if err := c.checkNotPurged(r.Ctx, key); !errors.Is(err, errPurged) {
		t.Errorf("marked: %v", err)
	}
	r.Check(c.checkNotPurged(r.Ctx, r.key("another")))
	if keys, err := r.streams.State.Keys(r.Ctx, "purged."); err != nil || len(keys) != 1 || len(keys[0]) != len("purged.")+36 {
		t.Errorf("its mark is %q, %v", keys, err)
	}
	r.Check(UnmarkPurged(r.Ctx, r.streams, key))
	r.Check(c.checkNotPurged(r.Ctx, key))
}

// A chat that is purged while it is opened is opened by nobody, also where its entry
// says that it is open; one that is polled already is.
func TestChatThatIsPurgedWhileItIsOpened(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var key Key
	r.reached = func(p failpoint.Point) {
		if p == failpoint.Entered {
			r.Check(MarkPurged(r.Ctx, r.streams, key, time.Minute))
		}
	}
	c := r.replica("self")
	attached := Opening{Chat: brightpattern.Chat{ID: r.request(c).ID}, App: App{"main", "app-1"}, Client: ada.Client}
	key = r.key(attached.Chat.ID)
	for range 2 { // the second one finds an entry
		_, _, err := c.Open(r.Ctx, attached)
		if polled, unknown := c.IsPolled(r.Ctx, key); !errors.Is(err, errPurged) || polled || unknown != nil {
			t.Errorf("opened: %v; it is polled: %v, %v", err, polled, unknown)
		}
	}
	if published, err := c.PublishToken(r.Ctx, key, Token{Opening: NewOpeningID(), ChatID: key.ID, ClientID: ada.Client}); !published || err != nil {
		t.Fatalf("its token: %v, %v", published, err)
	}
	if _, _, err := c.Open(r.Ctx, attached); err != nil {
		t.Errorf("polled already: %v", err)
	}
}
