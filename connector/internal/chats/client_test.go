package chats

import (
	"errors"
	"strings"
	"testing"

	"cc-connector/connector/brightpattern"
)

// entryText is the chat's entry as everybody may read it.
func (r *rig) entryText(key Key) string {
	r.Helper()
	value, err := r.streams.Chats.Get(r.Ctx, string(key.Token))
	r.Check(err)
	return string(value.Data)
}

// credentials are what a replica calls the contact center with on a chat.
func (r *rig) credentials(c *Chats, key Key) (brightpattern.Credentials, error) {
	r.Helper()
	found, err := c.Find(r.Ctx, key)
	r.Check(err)
	return c.Credentials(r.Ctx, key, &found)
}

// The entry does not tell the client; every replica finds it, in the connector's
// memory or in the token, and once both are gone it is forgotten.
func TestClientIsFoundThoughTheEntryHasNone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	self := r.replica("self")
	key := r.open(self)
	ref := string(self.Clients.Ref("ada"))
	if text := r.entryText(key); strings.Contains(text, `"ada"`) || !strings.Contains(text, ref) {
		t.Errorf("the entry is %s", text)
	}
	if opened := self.Opened(Token{ChatID: key.ID, ClientID: "ada"}); opened.ClientRef != ref {
		t.Errorf("the opening is announced as %+v", opened)
	}
	for _, c := range []*Chats{self, r.replica("another")} {
		if by, err := r.credentials(c, key); by != ada || err != nil {
			t.Errorf("calls are made with %+v, %v", by, err)
		}
	}
	r.Check(r.streams.State.Purge(r.Ctx, "client."+ref))
	if by, err := r.credentials(r.replica("by the token"), key); by != ada || err != nil {
		t.Errorf("calls are made with %+v, %v", by, err)
	}
	r.removeToken(self, key)
	if by, err := r.credentials(r.replica("late"), key); !errors.Is(err, ErrUnknown) {
		t.Errorf("nothing is known of the client, and calls are made with %+v, %v", by, err)
	}
}

// A chat that is opened again by another client is that one's from then on.
func TestReopenedByAnotherClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	chat := r.request(c)
	key, _, err := c.Open(r.Ctx, openingOf(chat))
	r.Check(err)
	r.close(c, key)
	e, err := c.Find(r.Ctx, key)
	r.Check(err)
	o := openingOf(chat)
	o.Client = "eve"
	r.Check(c.enter(r.Ctx, key, e, false, &o))
	for _, c := range []*Chats{c, r.replica("another")} {
		if by, err := r.credentials(c, key); by.Client != "eve" || err != nil {
			t.Errorf("calls are made with %+v, %v", by, err)
		}
	}
}

// While an earlier version lives, which reads it there, the entry has the
// clientId; before and after that it is stale until it has none.
func TestEntryNamesTheClientForAnEarlierVersion(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key := r.open(c)
	e, err := c.Find(r.Ctx, key)
	r.Check(err)
	vanish := r.earlierAppears(c)
	named := func() bool { return strings.Contains(r.entryText(key), `"clientId":"ada"`) }
	save := func() {
		r.Helper()
		if !c.IsStale(&e) {
			t.Error("nobody would write the entry")
		}
		r.Check(c.SaveAsHolder(r.Ctx, key, &e))
		if c.IsStale(&e) {
			t.Error("it would be written again and again")
		}
	}
	if save(); !named() {
		t.Errorf("an earlier version cannot work on the chat by %s", r.entryText(key))
	}
	if found, err := c.Find(r.Ctx, key); err != nil || !found.named {
		t.Errorf("the next holder would not write %+v anew, %v", found, err)
	}
	vanish()
	if save(); named() {
		t.Errorf("the entry still is %s", r.entryText(key))
	}
}
