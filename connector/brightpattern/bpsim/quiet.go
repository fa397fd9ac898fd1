package bpsim

import "time"

// quietTimer watches for a customer who sends nothing. Activity only moves
// last; the timer finds out when it fires, so that sends need not touch it.
type quietTimer struct {
	timer  *time.Timer
	last   time.Time
	warned bool
}

func (q *quietTimer) stop() {
	if q.timer != nil {
		q.timer.Stop()
	}
}

// active is called for everything the customer sends. c.mu is held.
func (c *chat) active() {
	c.quiet.last, c.quiet.warned = time.Now(), false
}

func (s *Server) watchQuiet(c *chat) {
	if s.opt.InactivityTimeout <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.active()
	c.quiet.timer = time.AfterFunc(s.opt.InactivityTimeout/2, func() { s.checkQuiet(c) })
}

func (s *Server) checkQuiet(c *chat) {
	if !s.enter() {
		return
	}
	defer s.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return
	}
	s.judgeQuiet(c, time.Since(c.quiet.last))
}

// judgeQuiet warns at half of the time and ends the session at the whole.
func (s *Server) judgeQuiet(c *chat, silence time.Duration) {
	limit := s.opt.InactivityTimeout
	next := limit/2 - silence
	switch {
	case silence >= limit && c.quiet.warned:
		c.push(object("event", kindTimeout, "msg", "The chat was closed because nobody wrote."), s.opt.Now())
		return
	case silence >= limit/2 && !c.quiet.warned:
		c.quiet.warned = true
		c.push(object("event", kindWarning, "msg", "The chat will be closed soon if you do not write."), s.opt.Now())
		next = limit - silence
	case silence >= limit/2:
		next = limit - silence
	}
	c.quiet.timer.Reset(max(next, 0))
}
