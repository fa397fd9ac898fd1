package connector

import (
	"time"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/inquiry"
	"cc-connector/connector/internal/poller"
	"cc-connector/subjects"
)

// listen answers what an administrator asks this replica: see package admin.
func (c *Connector) listen() (err error) {
	p := c.parts
	p.asked, err = inquiry.Replica{
		Prefix: c.cfg.Prefix, Self: c.self, Held: p.heldChats, Forget: p.forget, Guard: p.chats.Guard, Log: c.log,
	}.Listen(c.nc)
	return err
}

// heldChats are those that this replica holds.
func (p *parts) heldChats() []inquiry.Chat {
	now := time.Now()
	var all []inquiry.Chat
	for _, s := range p.poller.States() {
		if key, err := chats.KeyOf(s.Chat); err == nil {
			all = append(all, heldChat(key.Token, s, now))
		}
	}
	return all
}

func heldChat(token subjects.ChatToken, s poller.ChatState, now time.Time) inquiry.Chat {
	c := inquiry.Chat{Chat: token, App: s.App, OpenedAt: s.OpenedAt.UTC(), Sequence: s.Sequence, Reconcile: s.Reconcile}
	if !s.LastAnswered.IsZero() {
		ago := max(0, now.Sub(s.LastAnswered))
		c.PolledAgo = &ago
	}
	if !s.DueSince.IsZero() {
		c.DueFor = max(0, now.Sub(s.DueSince))
	}
	return c
}

// forget drops what this replica remembers of a chat that was purged.
func (p *parts) forget(token subjects.ChatToken) {
	if key, err := chats.KeyOf(brightpattern.ChatID(token.ID())); err == nil {
		p.chats.ForgetPurged(key)
	}
}
