package main

import "time"

// # Growth
//
// What must not depend on how much there is: the cost of a command and of an
// event, while chats, events or the stored past grow. Two stands run side by
// side, a base and one with more, and have their turns round by round, so that
// each ratio is of two figures taken within seconds. The floor of both stands
// says what NATS and the contact center themselves contribute to a ratio.

// side is a stand with a connector that polls chats.
type side struct {
	s           *stand
	r           *replica
	floor, live *trial
	ears        *ears
}

// sample is one turn of a side.
type sample struct {
	floor, live loaded
	events      heard
}

func growthCost(p plan, contenders int) time.Duration {
	g := p.growth
	commands := time.Duration(p.rounds) * 2 * (2*g.span + g.flow)
	cost := 8*time.Second + 3*time.Duration(g.chats)*openingCost + commands + time.Duration(p.rounds)*2*g.flow
	if g.stored > 0 {
		cost += time.Duration(g.stored)*fillCost + time.Duration(g.chats)*openingCost + commands + 4*time.Second
	}
	return time.Duration(contenders) * cost
}

const fillCost = 25 * time.Microsecond // of a stored event, about

func (b *bench) growth() error {
	for _, of := range b.programs.contenders {
		if err := b.growthOf(of); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) growthOf(of contender) error {
	g := b.plan.growth
	base, err := b.newSide(of, g.chats, 0)
	if err != nil {
		return err
	}
	defer base.close()
	if err := b.besides(of, "twice the chats", base, 2*g.chats, 0); err != nil {
		return err
	}
	if err := b.moreEvents(of, base); err != nil {
		return err
	}
	if g.stored == 0 {
		return nil
	}
	return b.besides(of, whole(float64(g.stored))+" stored events", base, g.chats, g.stored)
}

// besides compares the base with another side, which it builds for it.
func (b *bench) besides(of contender, more string, base *side, chats, stored int) error {
	other, err := b.newSide(of, chats, stored)
	if err != nil {
		return err
	}
	defer other.close()
	var less, much []sample
	for round := range b.plan.rounds {
		b.progress.say("%s, %s, round %d", of.Name, more, round+1)
		l, err := b.turn(base)
		if err != nil {
			return err
		}
		m, err := b.turn(other)
		if err != nil {
			return err
		}
		less, much = append(less, l), append(much, m)
	}
	b.report.Growth = append(b.report.Growth, growthRowOf(of, more, less, much))
	return nil
}

func growthRowOf(of contender, more string, less, much []sample) growthRow {
	commands := ratios(less, much, func(s sample) float64 { return s.live.perSecond })
	cpu := ratios(less, much, func(s sample) float64 { return s.live.cpuMicros })
	floor := ratios(less, much, func(s sample) float64 { return s.floor.perSecond })
	row := growthRow{Of: of.Name, More: more, Commands: &commands, CommandCPU: &cpu, Floor: &floor}
	row.EventCPU, row.EventP50 = eventRatios(less, much)
	return row
}

func eventRatios(less, much []sample) (cpu, p50 spread) {
	cpu = ratios(less, much, func(s sample) float64 { return s.events.cpuMicros })
	return cpu, ratios(less, much, func(s sample) float64 { return s.events.stream.p50 })
}

func ratios(less, much []sample, figure func(sample) float64) spread {
	each := make([]float64, len(less))
	for i := range less {
		each[i] = ratio(figure(much[i]), figure(less[i]))
	}
	return spreadOf(each)
}

// moreEvents compares the base with itself, at twice the rate.
func (b *bench) moreEvents(of contender, base *side) error {
	const more = "twice the events"
	var less, much []sample
	for round := range b.plan.rounds {
		b.progress.say("%s, %s, round %d", of.Name, more, round+1)
		for _, at := range []struct {
			perSecond float64
			into      *[]sample
		}{{b.plan.growth.perSecond, &less}, {2 * b.plan.growth.perSecond, &much}} {
			h, err := base.s.flow(b.ctx, base.r, base.ears, at.perSecond, b.plan.growth.flow)
			if err != nil {
				return err
			}
			*at.into = append(*at.into, sample{events: h})
		}
	}
	row := growthRow{Of: of.Name, More: more}
	row.EventCPU, row.EventP50 = eventRatios(less, much)
	b.report.Growth = append(b.report.Growth, row)
	return nil
}

// turn is a load on the floor, one on the connector, and a flow of events.
func (b *bench) turn(side *side) (t sample, err error) {
	g := b.plan.growth
	for _, lane := range []struct {
		on   *trial
		into *loaded
	}{{side.floor, &t.floor}, {side.live, &t.live}} {
		*lane.into, err = b.load(lane.on, func() (work, error) { return closedLoop(b.ctx, g.callers, g.span, lane.on.call) })
		if err != nil {
			return t, err
		}
	}
	t.events, err = side.s.flow(b.ctx, side.r, side.ears, g.perSecond, g.flow)
	return t, err
}

// newSide is ready when its past is stored and its chats are polled.
func (b *bench) newSide(of contender, chats, stored int) (*side, error) {
	b.progress.say("%s, a stand with %d chats and %d stored events", of.Name, chats, stored)
	s, err := newStand(b.ctx, b.fail, b.programs, b.dir)
	if err != nil {
		return nil, err
	}
	d := &side{s: s}
	if err := d.build(b, of, chats, stored); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *side) build(b *bench, of contender, chats, stored int) (err error) {
	if d.r, err = d.s.startReplica(b.ctx, of); err != nil {
		return err
	}
	if stored > 0 {
		if err := d.s.fill(b.ctx, of, stored); err != nil {
			return err
		}
	}
	opened, err := d.s.openChats(b.ctx, of, chats)
	if err != nil {
		return err
	}
	floor, err := d.s.newFloorLane(b.ctx, b.plan.growth.callers)
	if err != nil {
		return err
	}
	d.floor, d.live = &trial{lane: floor}, &trial{lane: d.s.newLiveLane(d.r, opened)}
	d.ears, err = d.s.listen(b.ctx, of)
	return err
}

func (d *side) close() {
	if d.ears != nil {
		d.ears.close()
	}
	d.s.close()
}
