package chats

import (
	"errors"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
)

// asked are the questions to JetStream while do works.
func (r *rig) asked(do func()) int {
	r.Helper()
	nc := r.Connect()
	defer nc.Close()
	reads, err := nc.SubscribeSync("$JS.API.>")
	r.Check(err)
	r.Check(nc.Flush())
	do()
	r.Check(errors.Join(r.NC.Flush(), nc.Flush()))
	asked, _, err := reads.Pending()
	r.Check(err)
	return asked
}

func (r *rig) know(c *Chats, key Key) (known Known) {
	r.Helper()
	known, err := c.Know(r.Ctx, key)
	r.Check(err)
	return known
}

// knownChat is one that has an entry.
func (r *rig) knownChat(c *Chats, client brightpattern.ClientID) (Key, *Entry) {
	r.Helper()
	key := r.key("chat")
	e := &Entry{client: client, Chat: schema.Chat{ChatID: "chat", App: "main", AppID: "app-1"}}
	r.Check(c.Save(r.Ctx, key, e))
	return key, e
}

// What was read or written lately is not read, and what this replica writes
// counts at once.
func TestOpenChatIsRemembered(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	writer, reader := r.replica("writer"), r.replica("reader")
	key, e := r.knownChat(writer, "ada")
	want := Known{App: App{"main", "app-1"}, Client: "ada"}
	if known := r.know(reader, key); known != want {
		t.Errorf("read is %+v", known)
	}
	want.remembered = true
	for _, c := range []*Chats{writer, reader} {
		if asked := r.asked(func() {
			if known := r.know(c, key); known != want {
				t.Errorf("remembered is %+v", known)
			}
		}); asked > 0 {
			t.Errorf("%d things are read", asked)
		}
	}
	e.MarkClosed(schema.ClosedDetached, time.Now())
	r.Check(writer.Save(r.Ctx, key, e))
	if known := r.know(writer, key); !known.Closed || known.remembered {
		t.Errorf("it is closed, and known is %+v", known)
	}
	if known := r.know(reader, key); known != want {
		t.Errorf("another replica knows already: %+v", known)
	}
	reader.memory.forget(key)
	if known := r.know(reader, key); !known.Closed {
		t.Errorf("read anew is %+v", known)
	}
}

// Whoever looks anew learns of another client; what is older is not remembered
// over what is newer, nor anything for long.
func TestRememberedChatIsLookedAtAnew(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	writer, reader := r.replica("writer"), r.replica("reader")
	key, e := r.knownChat(writer, "ada")
	r.know(reader, key)
	before := r.know(reader, key)
	old := *e
	e.client = "bob"
	r.Check(writer.Save(r.Ctx, key, e))
	now, differs, err := reader.KnowAnew(r.Ctx, key, before)
	if err != nil || !differs || now.Client != "bob" {
		t.Errorf("it is %+v, and differs: %v, %v", now, differs, err)
	}
	if _, differs, err = reader.KnowAnew(r.Ctx, key, now); differs || err != nil {
		t.Errorf("what was just read differs: %v, %v", differs, err)
	}
	reader.remember(key, &old, time.Now()) // by somebody who was slow
	if known := r.know(reader, key); known.Client != "bob" || !known.remembered {
		t.Errorf("remembered is %+v", known)
	}
	reader.remember(key, e, time.Now().Add(-rememberedFor))
	if known := r.know(reader, key); known.remembered {
		t.Error("it is remembered for too long")
	}
	reader.Hold(key)
	r.know(reader, key)
	reader.remember(key, e, time.Now().Add(-rememberedFor))
	if known := r.know(reader, key); !known.remembered {
		t.Error("it is held here, and was read")
	}
	reader.LetGo(key)
	if known := r.know(reader, key); known.remembered {
		t.Error("it is held here no more, and not read")
	}
	r.Check(r.streams.Chats.Purge(r.Ctx, string(key.Token)))
	if _, _, err := reader.KnowAnew(r.Ctx, key, before); !errors.Is(err, ErrUnknown) {
		t.Errorf("the chat is forgotten: %v", err)
	}
}

// Who finds that others have taken numbers takes nothing about the chat for granted.
func TestOthersNumbersHaveTheChatLookedAt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	one, other := r.replica("one"), r.replica("other")
	key, _ := r.knownChat(one, "ada")
	for _, by := range []*Chats{one, other, one} {
		r.know(one, key)
		_, err := by.takeNumber(r.Ctx, key)
		r.Check(err)
	}
	if known := r.know(one, key); known.remembered {
		t.Error("the chat is taken for known")
	}
}
