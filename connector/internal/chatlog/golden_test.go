package chatlog

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/golden"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
)

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	l, tap, complete := r.log(), r.Tap(), golden.Time(1)
	l.holding = "fence-of-the-holder"
	tap.During("a fence", func() { r.Check(l.Raise(r.Ctx)) })
	tap.During("the fence, put up anew", func() { r.Check(l.Renew(r.Ctx)) })
	_, whose, err := l.LastFence(r.Ctx)
	golden.Same(t, whose, l.Self(), err)
	token := chats.Token{
		Opening: "opening", ChatID: r.chat.ID, ClientID: "client", App: "main", AppID: "app-1", IsNewChat: true, State: "queued",
		OpenedAt: golden.Time(1), Correlation: "correlation", Causation: "an id",
	}
	tap.During("session messages", func() {
		r.Check(l.AppendSession(r.Ctx, token, &schema.SessionOpened{ChatID: string(r.chat.ID), ClientRef: "reference", App: "main", IsNewChat: true, State: "queued"}, complete))
		r.Check(l.AppendSession(r.Ctx, token, &schema.SessionGap{
			ChatID: string(r.chat.ID), From: schema.NewTime(golden.Time(1)), To: schema.NewTime(golden.Time(2)), Reason: schema.GapSignaling,
		}, complete))
	})
	wire := brightpattern.ParseEvent(json.RawMessage(`{"event":"chat_session_typing","party_id":"p","timestamp":"1582979401"}`))
	tap.During("an event", func() {
		r.Check(l.AppendEvent(r.Ctx, translate.ReadServerEvent(r.chat.ID, wire), translate.FromHistory, golden.Time(2), complete))
	})
	golden.Lines(t, "messages.txt", tap.Lines())
	r.checkReadBack(l, complete)
}

// checkReadBack sees that the next holder finds what the golden messages say.
func (r *rig) checkReadBack(l *Log, complete time.Time) {
	r.Helper()
	var told []string
	next := r.log()
	err := next.ReadBack(r.Ctx, func(p Published) {
		told = append(told, fmt.Sprint(p.Subject.Session, p.Subject.Event, " ", p.Sequence, " ", p.Opening, p.Origin, " ", p.Complete.Equal(complete)))
	})
	golden.Same(r, told, []string{"opened 1 opening true", "gap 2 opening true", "typing 3 history true"}, err)
	golden.Same(r, next.Counts(), l.Counts(), nil)
	golden.Same(r, next.Memory(), l.Memory(), nil)
}
