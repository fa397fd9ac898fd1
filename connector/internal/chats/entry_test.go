package chats

import (
	"errors"
	"slices"
	"testing"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/schema"
)

// A holder writes over what an opener wrote since it has read the entry, and
// not over what a later holder wrote.
func TestEntryIsTheLastHolders(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	key, c := r.key("chat"), r.replica("self")
	if _, err := c.Find(r.Ctx, key); !errors.Is(err, ErrUnknown) {
		t.Fatalf("nothing is known of the chat: %v", err)
	}
	made := Entry{Chat: schema.Chat{ChatID: "chat", AppID: "app-1"}}
	r.Check(c.Save(r.Ctx, key, &made))
	holder, err := c.Find(r.Ctx, key)
	r.Check(err)
	r.Check(c.Save(r.Ctx, key, &made)) // an opener, since
	if err := c.Save(r.Ctx, key, &holder); !bus.IsConflict(err) {
		t.Errorf("it is written though another one has written since: %v", err)
	}
	late := holder
	holder.Apply(&schema.Status{State: "connected"}, 4, 40)
	r.Check(c.SaveAsHolder(r.Ctx, key, &holder))
	late.Apply(&schema.Status{State: "queued"}, 3, 30)
	if err := c.SaveAsHolder(r.Ctx, key, &late); !errors.Is(err, bus.ErrFenced) {
		t.Errorf("an overtaken holder writes: %v", err)
	}
	found, err := c.Find(r.Ctx, key)
	if err != nil || found.State != "connected" || found.Sequence != 4 {
		t.Errorf("found is %+v, %v", found, err)
	}
	if app, known := c.IsKnown(r.Ctx, key); !known || app != "app-1" {
		t.Errorf("known: %v, for %q", known, app)
	}
	if _, known := c.IsKnown(r.Ctx, r.key("another")); known {
		t.Error("a chat is known that is not")
	}
}

// What events say of a chat stands in its entry; the sequence alone is not
// worth writing each time.
func TestWhatAnEntryTakesIn(t *testing.T) {
	c := "case"
	for name, step := range map[string]struct {
		event schema.Event
		worth bool
		check func(*Entry) bool
	}{
		"status":      {&schema.Status{State: "queued"}, true, func(e *Entry) bool { return e.State == "queued" }},
		"case":        {&schema.CaseSet{CaseID: &c}, true, func(e *Entry) bool { return e.CaseID == "case" }},
		"case gone":   {&schema.CaseSet{}, true, func(e *Entry) bool { return e.CaseID == "" }},
		"joined":      {&schema.PartyJoined{PartyID: "new"}, true, func(e *Entry) bool { return len(e.Parties) == 2 }},
		"joined anew": {&schema.PartyJoined{PartyID: "there"}, true, func(e *Entry) bool { return len(e.Parties) == 1 }},
		"left":        {&schema.PartyLeft{PartyID: "there"}, true, func(e *Entry) bool { return len(e.Parties) == 0 }},
		"typing":      {&schema.Typing{}, false, func(*Entry) bool { return true }},
	} {
		e := Entry{Chat: schema.Chat{CaseID: "earlier", Parties: schema.List[schema.Party]{{PartyID: "there"}}}, saved: 1}
		if e.Apply(step.event, 2, 20); e.Sequence != 2 || e.IsWorthSaving() != step.worth || !step.check(&e) {
			t.Errorf("%s: %+v, worth saving: %v", name, e.Chat, e.IsWorthSaving())
		}
	}
	e := Entry{saved: 1}
	if e.Apply(&schema.Typing{}, entryLag+1, 10); !e.IsWorthSaving() {
		t.Error("it may lag for ever")
	}
}

func TestAllThatHaveAnEntry(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	c := r.replica("self")
	for _, key := range []Key{r.key("one"), r.key("chat:ü/1")} {
		r.Check(c.Save(r.Ctx, key, &Entry{Chat: schema.Chat{ChatID: string(key.ID)}}))
	}
	all, err := c.All(r.Ctx)
	if err != nil || len(all) != 2 || !slices.Contains(all, r.key("one")) || !slices.Contains(all, r.key("chat:ü/1")) {
		t.Errorf("all are %v, %v", all, err)
	}
}

// A detached chat is not over: it may be attached again.
func TestWhatIsOver(t *testing.T) {
	for reason, over := range map[schema.CloseReason]bool{"": false, schema.ClosedDetached: false, schema.ClosedEnded: true, schema.ClosedGone: true} {
		e := Entry{}
		if reason != "" {
			e.MarkClosed(reason, time.Now())
		}
		if e.IsOver() != over {
			t.Errorf("closed by %q it is over: %v", reason, e.IsOver())
		}
		e.Reopen(Token{ClientID: "client", App: "main", AppID: "app-1"})
		if e.IsOver() || e.ClosedAt != nil || e.client != "client" {
			t.Errorf("opened again it is %+v", e.Chat)
		}
	}
}
