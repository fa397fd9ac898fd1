package main

import "time"

func chatsCost(p plan, contenders int) time.Duration {
	c := p.chats
	cost := 4 * time.Second
	opened := 0
	for _, n := range c.counts {
		cost += time.Duration(n-opened)*openingCost + c.idle + time.Duration(p.rounds)*c.span
		opened = n
	}
	return time.Duration(contenders) * cost
}

// chats opens more and more chats, and looks at each number for a while.
func (b *bench) chats() error {
	for _, of := range b.programs.contenders {
		if err := b.chatsOf(of); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) chatsOf(of contender) error {
	s, err := newStand(b.ctx, b.fail, b.programs, b.dir)
	if err != nil {
		return err
	}
	defer s.close()
	r, err := s.startReplica(b.ctx, of)
	if err != nil {
		return err
	}
	e, err := s.listen(b.ctx, of)
	if err != nil {
		return err
	}
	defer e.close()
	empty, err := r.usage()
	opened := 0
	for _, n := range b.plan.chats.counts {
		if err != nil {
			return err
		}
		b.progress.say("%s, opening chats until there are %d", of.Name, n)
		if _, err = s.openChats(b.ctx, of, n-opened); err == nil {
			opened, err = n, b.atChats(s, r, e, n, empty)
		}
	}
	return err
}

func (b *bench) atChats(s *stand, r *replica, e *ears, n int, empty usage) error {
	b.progress.say("%s, %d chats, idle", r.Name, n)
	idle, settled, err := r.idle(b.ctx, b.plan.chats.idle)
	if err != nil {
		return err
	}
	var rounds []heard
	for round := range b.plan.rounds {
		b.progress.say("%s, %d chats, events, round %d", r.Name, n, round+1)
		h, err := s.flow(b.ctx, r, e, b.plan.chats.perSecond, b.plan.chats.span)
		if err != nil {
			return err
		}
		rounds = append(rounds, h)
	}
	after, err := r.usage()
	row := chatRow{Of: r.Name, Chats: n, Idle: idle, Rate: b.plan.chats.perSecond, Memory: float64(settled.resident) / (1 << 20)}
	row.PerChat = float64(settled.resident-empty.resident) / float64(n) / 1024
	row.PeakChat = float64(after.peak-empty.resident) / float64(n) / 1024
	row.hears(rounds)
	b.report.Chats = append(b.report.Chats, row)
	return err
}

func (row *chatRow) hears(rounds []heard) {
	for _, h := range rounds {
		row.Events += h.pushed
	}
	row.CPU = spreadBy(rounds, func(h heard) float64 { return h.cpuMicros })
	row.Stream = millisOf(rounds, func(h heard) percentiles { return h.stream })
	row.Core = millisOf(rounds, func(h heard) percentiles { return h.core })
}
