package chats

import (
	"context"
	"errors"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/schema"
)

var ada = brightpattern.Credentials{App: "app-1", Client: "ada"}

// request makes a chat at the contact center.
func (r *rig) request(c *Chats) brightpattern.Chat {
	r.Helper()
	chat, err := c.Client.RequestChat(r.Ctx, ada, brightpattern.ChatRequest{From: "Ada"})
	r.Check(err)
	return chat
}

func openingOf(chat brightpattern.Chat) Opening {
	return Opening{
		Chat: chat, App: App{"main", "app-1"}, Client: ada.Client, Cause: "an id", Correlation: "correlation",
		Requested: true, Begun: time.Now(),
	}
}

// close does what a holder does at a chat's end.
func (r *rig) close(c *Chats, key Key) {
	r.Helper()
	e, err := c.Find(r.Ctx, key)
	r.Check(err)
	e.MarkClosed(schema.ClosedDetached, time.Now())
	r.Check(c.Save(r.Ctx, key, &e))
	r.removeToken(c, key)
}

func (r *rig) removeToken(c *Chats, key Key) {
	r.Helper()
	msg, err := r.streams.Sessions.GetLastMsgForSubject(r.Ctx, c.tokenSubject(key))
	r.Check(err)
	r.Check(r.streams.Sessions.DeleteMsg(r.Ctx, msg.Sequence))
}

// Whoever takes a new chat's token finds its entry.
func TestEntryStandsBeforeTheToken(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	var points []failpoint.Point
	var key Key
	c.Failpoints.Reached = func(p failpoint.Point) {
		points = append(points, p)
		_, err := c.Find(r.Ctx, key)
		polled, tokenErr := c.IsPolled(r.Ctx, key)
		if err != nil || tokenErr != nil || polled != (p == failpoint.Tokened) {
			t.Errorf("%s: the entry: %v, the token is there: %v, %v", p, err, polled, tokenErr)
		}
	}
	chat := r.request(c)
	key = r.key(chat.ID)
	opened, isNew, err := c.Open(r.Ctx, openingOf(chat))
	if err != nil || !isNew || opened != key || len(points) != 2 {
		t.Errorf("opened is %v, new: %v, %v; points %q", opened, isNew, err, points)
	}
	token, err := c.currentToken(r.Ctx, key)
	r.Check(err)
	if !token.IsNewChat || token.Causation != "an id" || token.Correlation != "correlation" || token.Credentials() != ada || token.State != chat.State {
		t.Errorf("the token is %+v", token)
	}
	found, err := c.Find(r.Ctx, key)
	r.Check(err)
	if by, err := c.Credentials(r.Ctx, key, &found); by != ada || err != nil {
		t.Errorf("its calls are made with %+v, %v", by, err)
	}
	if found.ClosedAt != nil || found.App != "main" || found.OpenedAt.IsZero() {
		t.Errorf("the entry is %+v", found.Chat)
	}
}

// A chat that is open is not opened again, however often it is asked for.
func TestOpenChatIsNotOpenedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key, _, err := c.Open(r.Ctx, openingOf(r.request(c)))
	r.Check(err)
	before, err := c.currentToken(r.Ctx, key)
	r.Check(err)
	again, isNew, err := r.replica("another").Open(r.Ctx, openingOf(r.request(c)))
	if err != nil || isNew || again != key {
		t.Errorf("opened is %v, new: %v, %v", again, isNew, err)
	}
	if after, err := c.currentToken(r.Ctx, key); err != nil || after != before {
		t.Errorf("the token is %+v, and was %+v, %v", after, before, err)
	}
}

// A chat that had events before is adopted with what its history tells.
func TestAdoptedChatGoesOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	id := r.request(c).ID
	_, err := c.Client.Send(r.Ctx, ada, id, brightpattern.Message{ID: brightpattern.ClientMessageID(id, 7), Text: "hello"})
	r.Check(err)
	r.Check(r.sim.Push(string(id), map[string]any{"event": "chat_session_status", "state": "connected"}))
	attached := Opening{Chat: brightpattern.Chat{ID: id}, App: App{"main", "app-1"}, Client: ada.Client}
	key, isNew, err := c.Open(r.Ctx, attached)
	if err != nil || isNew {
		t.Fatalf("new: %v, %v", isNew, err)
	}
	if found, err := c.Find(r.Ctx, key); err != nil || found.State != "connected" {
		t.Errorf("its state is %q, %v", found.State, err)
	}
	if n, err := c.takeNumber(r.Ctx, key); err != nil || n != 8 {
		t.Errorf("the next message has the number %d, %v", n, err)
	}
}

// A command that may have been carried out before finds a chat that is not
// new. It made it after all, if nobody else asks for one by its client, or if
// nothing is older than the command.
func TestWhoMadeTheChat(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mayBeDone, own bool
		begun          time.Duration
		isNew          bool
	}{
		"it was not tried before":          {false, true, -time.Hour, false},
		"nobody else asks by its client":   {true, true, time.Hour, true},
		"something is older":               {true, false, time.Hour, false},
		"nothing is older than its begin":  {true, false, -time.Hour, true},
		"not tried, and nothing was older": {false, false, -time.Hour, false},
	} {
		r := newRig(t)
		self := r.replica("self")
		chat := r.request(self)
		r.Check(r.sim.Push(string(chat.ID), map[string]any{"event": "chat_session_status", "state": "connected"}))
		o := openingOf(chat)
		o.Chat.IsNew, o.MayBeDone, o.OwnClient, o.Begun = false, c.mayBeDone, c.own, time.Now().Add(c.begun)
		if _, isNew, err := self.Open(r.Ctx, o); err != nil || isNew != c.isNew {
			t.Errorf("%s: new: %v, %v", name, isNew, err)
		}
	}
}

// A chat whose history is not to be had is not made known.
func TestChatThatCannotBeAdoptedIsNotKnown(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	for what, chat := range map[string]brightpattern.ChatID{"it is not there": "nowhere", "it has no id": "", "its id is too long": brightpattern.ChatID(make([]byte, schema.MaxID+1))} {
		key, _, err := c.Open(r.Ctx, Opening{Chat: brightpattern.Chat{ID: chat, IsNew: chat != "nowhere"}, App: App{"main", "app-1"}, Client: ada.Client})
		if err == nil || key != (Key{}) {
			t.Errorf("%s: opened is %v, %v", what, key, err)
		}
	}
	if all, err := c.All(r.Ctx); err != nil || len(all) != 0 {
		t.Errorf("known are %v, %v", all, err)
	}
}

// A chat that is about to be closed is opened when that is done; its entry is
// the closing holder's until then.
func TestClosingChatIsOpenedAfterwards(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	chat := r.request(c)
	key, _, err := c.Open(r.Ctx, openingOf(chat))
	r.Check(err)
	before, err := c.currentToken(r.Ctx, key)
	r.Check(err)
	r.Check(c.requestClose(r.Ctx, before.Opening, schema.ClosedDetached))
	chat.IsNew = false

	impatient := r.replica("impatient")
	impatient.cfg.CallTimeout = 100 * time.Millisecond
	if _, _, err := impatient.Open(r.Ctx, openingOf(chat)); !errors.Is(err, ErrClosing) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a chat is opened that is to be closed: %v", err)
	}
	r.close(c, key)
	c.Failpoints.Reached = func(p failpoint.Point) {
		if found, err := c.Find(r.Ctx, key); err != nil || found.ClosedAt == nil {
			t.Errorf("%s: the entry is opened before the token is there: %+v, %v", p, found.Chat, err)
		}
	}
	_, _, err = c.Open(r.Ctx, openingOf(chat))
	r.Check(err)
	after, err := c.currentToken(r.Ctx, key)
	if err != nil || after.Opening == before.Opening {
		t.Errorf("the opening is %s, %v", after.Opening, err)
	}
	if found, err := c.Find(r.Ctx, key); err != nil || found.ClosedAt != nil {
		t.Errorf("the entry is %+v, %v", found.Chat, err)
	}
}

// A chat that nobody polled when it was ended is over, and one that the
// connector does not know is nobody's business.
func TestMarkEnded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	key, _, err := c.Open(r.Ctx, openingOf(r.request(c)))
	r.Check(err)
	r.close(c, key)
	r.Check(c.MarkEnded(r.Ctx, key))
	found, err := c.Find(r.Ctx, key)
	if err != nil || found.ClosedReason != schema.ClosedEnded {
		t.Errorf("closed by %q, %v", found.ClosedReason, err)
	}
	r.Check(c.MarkEnded(r.Ctx, key))
	if again, err := c.Find(r.Ctx, key); err != nil || !again.ClosedAt.Equal(found.ClosedAt.Time) {
		t.Errorf("it is said again: %v, %v", again.ClosedAt, err)
	}
	if err := c.MarkEnded(r.Ctx, r.key("another")); err != nil {
		t.Error(err)
	}
}
