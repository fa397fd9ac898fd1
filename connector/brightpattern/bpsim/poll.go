package bpsim

import (
	"encoding/json"
	"time"
)

// poll is one Get New Chat Events under way.
type poll struct {
	begun time.Time
	wake  chan struct{} // holds one: look again
	left  bool          // its client has gone
}

type pollCount struct{ begun, now, most, refused int }

func (n *pollCount) enter() {
	n.begun++
	n.now++
	n.most = max(n.most, n.now)
}

// poll holds the request until there is something to tell. Events are taken
// and the place is freed in one step, before the answer is written: there is
// no acknowledgement.
func (s *Server) poll(c *call) answer {
	p, refused := c.chat.beginPoll()
	if refused != nil {
		return refused.answer()
	}
	defer s.changed()
	s.changed()
	hold := time.NewTimer(s.opt.Hold)
	defer hold.Stop()
	clientGone := c.ctx.Done()
	var stale <-chan time.Time
	for {
		if s.opt.StalePoll <= 0 && c.ctx.Err() != nil {
			c.chat.clientLeft(p)
			c.chat.endPoll(p)
			return abandoned()
		}
		if a, done := c.chat.take(p, s.opt.Now()); done {
			return a
		}
		select {
		case <-p.wake:
		case <-clientGone:
			clientGone = nil
			c.chat.clientLeft(p)
			stale = time.After(s.opt.StalePoll)
		case <-stale:
			c.chat.endPoll(p)
			return abandoned()
		case <-hold.C:
			return c.chat.takeOrIdle(p, s.opt.Now())
		case <-s.closing():
			c.chat.endPoll(p)
			return shuttingDown.answer()
		}
	}
}

func (c *chat) beginPoll() (*poll, *refusal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone || c.over && len(c.pending) == 0 {
		return nil, noSession
	}
	c.polls.enter()
	if c.holder != nil {
		return nil, c.refusePoll()
	}
	c.holder = &poll{begun: time.Now(), wake: make(chan struct{}, 1)}
	c.latest = c.holder
	return c.holder, nil
}

// refusePoll alternates between the two statuses of the references.
func (c *chat) refusePoll() *refusal {
	c.polls.now--
	c.polls.refused++
	if c.polls.refused%2 == 0 {
		return manyPolls400
	}
	return manyPolls
}

// wake tells the held poll to look again. c.mu is held.
func (c *chat) wake() {
	if c.holder == nil {
		return
	}
	select {
	case c.holder.wake <- struct{}{}:
	default:
	}
}

// take gives all pending events away to the poll, if there are any.
func (c *chat) take(p *poll, now time.Time) (answer, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.gone, c.over && len(c.pending) == 0:
		c.release(p)
		return noSession.answer(), true
	case len(c.pending) > 0:
		c.release(p)
		return c.giveAway(GivenByPoll, now), true
	default:
		return answer{}, false
	}
}

func (c *chat) takeOrIdle(p *poll, now time.Time) answer {
	if a, done := c.take(p, now); done {
		return a
	}
	c.endPoll(p)
	return c.idle()
}

// idle takes turns among the three ways of saying that there is nothing new.
func (c *chat) idle() answer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.idleAnswers++
	switch c.idleAnswers % 3 {
	case 1:
		return okEvents(nil)
	case 2:
		return empty()
	default:
		a := noEvents.answer()
		a.refused = false // an error in form only
		return a
	}
}

// giveAway empties the queue into an answer. c.mu is held.
func (c *chat) giveAway(how Fate, now time.Time) answer {
	events := make([]json.RawMessage, len(c.pending))
	for i, e := range c.pending {
		e.fate, e.given = how, now
		events[i] = e.raw
	}
	a := okEvents(events)
	a.given, c.pending = c.pending, nil
	return a
}

func (c *chat) clientLeft(p *poll) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.left {
		return
	}
	p.left = true
	c.polls.now--
	c.changed()
}

func (c *chat) endPoll(p *poll) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release(p)
}

// release frees the place of the poll. c.mu is held.
func (c *chat) release(p *poll) {
	c.holder = nil
	if !p.left {
		c.polls.now--
	}
}

// settle notes what became of an answer's events.
func (c *chat) settle(given []*entry, fate Fate, written bool) {
	if len(given) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range given {
		if fate != "" {
			e.fate = fate
		}
		e.written = written
	}
	c.changed()
}
