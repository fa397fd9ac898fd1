package chats

import (
	"context"
	"slices"
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/subjects"
)

// # Answers that were lost
//
// The contact center gives an event away once, and the answer to a call may
// carry events. So a loss is told to the chat's holder, who looks into the
// history; until it knows, the loss stands in the outbox, so that another
// replica sees to it if this one dies.

// The kinds of loss, by what the answer belonged to.
const (
	LostAnswer outbox.Kind = "look"  // of a command
	LostPoll   outbox.Kind = "stray" // which may still be held
)

// loss is what has not been told yet of a chat's lost answers of a kind.
type loss struct {
	lossSpan
	told    lossSpan // what the holder knows of
	telling bool     // somebody is at work on it
}

// lossSpan is since when answers may have been lost, and when one was at last.
type lossSpan struct{ first, latest time.Time }

func (s lossSpan) has(other lossSpan) bool {
	return !other.first.Before(s.first) && !other.latest.After(s.latest)
}

const (
	writeWithin    = 2 * time.Second // an entry of the outbox
	longestTelling = 5 * time.Second // pause between two tries to reach the holder
)

// ReportLost has the chat's holder look for events that may have been lost
// with the answer to a command's call: one that was begun then, and given up
// then at the latest. Where no answer has brought events yet, none is feared to
// have done so before that.
func (c *Chats) ReportLost(key Key, began, latest time.Time) {
	if !c.AreCallsAnswered() {
		began = latest
	}
	c.report(key, LostAnswer, began, latest)
}

// ReportLostPoll has the chat's next holder know of a poll that was begun then,
// has been given up just now, and may still be held.
func (c *Chats) ReportLostPoll(key Key, began time.Time) {
	c.report(key, LostPoll, began, time.Now())
}

func (c *Chats) report(key Key, kind outbox.Kind, first, latest time.Time) {
	e := outbox.Entry{Kind: kind, Key: string(key.Token)}
	c.Outbox.Enter(e) // before anybody could leave it for the last time
	if c.addLoss(e, first, latest) {
		c.tellOfLoss(key, e)
		return
	}
	c.Outbox.Leave(e, true)
}

// addLoss reports whether the holder has to be told of it: nobody does yet.
func (c *Chats) addLoss(e outbox.Entry, first, latest time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.losses[e]
	if l == nil {
		l = &loss{lossSpan: lossSpan{first, latest}}
		c.losses[e] = l
	}
	l.first = slices.MinFunc([]time.Time{l.first, first}, time.Time.Compare)
	l.latest = slices.MaxFunc([]time.Time{l.latest, latest}, time.Time.Compare)
	alone := !l.telling
	l.telling = true
	return alone
}

// tellOfLoss tells the chat's holder, and then leaves the entry.
func (c *Chats) tellOfLoss(key Key, e outbox.Entry) {
	tell := func() {
		written, err := c.tellUntilKnown(key, e)
		c.leaveLoss(e)
		if err != nil {
			c.Log.Warn("the chat's holder could not be told that an answer was lost; another replica will", "chat", key.ID, "written", written, "error", err)
		}
	}
	if !c.tellers.Go(tell) { // leaving
		tell()
	}
}

// leaveLoss forgets a loss that is told; one that was added meanwhile is told later.
func (c *Chats) leaveLoss(e outbox.Entry) {
	c.mu.Lock()
	l := c.losses[e]
	l.telling = false
	settled := l.told.has(l.lossSpan)
	if settled {
		delete(c.losses, e)
	}
	c.mu.Unlock()
	c.Outbox.Leave(e, settled)
}

// tellUntilKnown writes the loss down whatever else ends; the telling ends
// when this replica leaves.
func (c *Chats) tellUntilKnown(key Key, e outbox.Entry) (written bool, err error) {
	write := func() bool {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Life.Work), writeWithin)
		defer cancel()
		return c.Outbox.WriteWith(ctx, e, c.lossSpan(e).first.UTC().Format(time.RFC3339Nano)) == nil
	}
	written = write()
	err = retry.Until(c.Life.Intake, 0, retry.FirstPause, longestTelling, func(context.Context) error {
		written = written || write()
		return c.tellOnce(key, e)
	})
	return written, err
}

func (c *Chats) tellOnce(key Key, e outbox.Entry) error {
	span := c.lossSpan(e)
	followed, err := c.isFollowed(c.Life.Work, key)
	if err == nil && followed {
		_, err = c.ask(c.Life.Work, key, LookForLosses{
			Poll: e.Kind == LostPoll, Since: time.Since(span.first), Ago: time.Since(span.latest),
		}, "", askAgain)
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.losses[e].told = span
	return nil
}

func (c *Chats) lossSpan(e outbox.Entry) lossSpan {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.losses[e].lossSpan
}

// lossOwner settles what the outbox has of a kind of loss.
type lossOwner struct {
	chats *Chats
	kind  outbox.Kind
}

// LossOwner settles the losses of a kind that replicas owe.
func (c *Chats) LossOwner(kind outbox.Kind) outbox.Owner { return lossOwner{c, kind} }

// Adopt makes the loss this replica's own before the other's entry goes. When
// it happened is known by when it was written; since when it may have, the
// entry says. Those of earlier versions do not.
func (o lossOwner) Adopt(ctx context.Context, _ replicas.ID, name string, found bus.Value) error {
	key, err := lossKey(name)
	if err != nil {
		return err
	}
	if err := o.chats.Outbox.WriteWith(ctx, outbox.Entry{Kind: o.kind, Key: name}, string(found.Data)); err != nil {
		return err
	}
	latest := slices.MinFunc([]time.Time{found.Created.Add(replicas.ClockSkew), time.Now()}, time.Time.Compare)
	first := latest
	if began, err := time.Parse(time.RFC3339Nano, string(found.Data)); err == nil && began.Before(latest) {
		first = began
	}
	o.chats.report(key, o.kind, first, latest)
	return nil
}

// Resume goes on telling of a loss, unless somebody began to do so meanwhile.
func (o lossOwner) Resume(_ context.Context, name, _ string) {
	e := outbox.Entry{Kind: o.kind, Key: name}
	key, _ := lossKey(name) // this replica wrote it
	if o.chats.resumeLoss(e) {
		o.chats.tellOfLoss(key, e)
		return
	}
	o.chats.Outbox.Leave(e, true)
}

func (c *Chats) resumeLoss(e outbox.Entry) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.losses[e]
	if l == nil || l.telling {
		return false
	}
	l.telling = true
	return true
}

// lossKey is the chat of a loss.
func lossKey(name string) (Key, error) {
	token, err := subjects.ParseChatToken(name)
	if err != nil {
		return Key{}, err
	}
	return KeyOf(brightpattern.ChatID(token.ID()))
}
