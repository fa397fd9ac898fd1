package main

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
)

// # Growth
//
// What must not depend on how much there is: the cost of a command and of an
// event, while chats, events or the stored past grow. Two stands run side by
// side, a base and one with more, and have their turns round by round, so that
// each ratio is of two figures taken within seconds. The floor of both stands
// says what NATS and the contact center themselves contribute to a ratio.

// side is a stand with a connector that polls chats.
type side struct {
	s                    *stand
	r                    *replica
	chats                int
	floor, live, durable *trial
	ears                 *ears
	empty                usage // of the connector without chats
	fresh                usage // and with all of them, before any load
	idle                 float64
}

// sample is one turn of a side.
type sample struct {
	floor, live, durable loaded
	events               heard
}

func growthCost(p plan, contenders int) time.Duration {
	g := p.growth
	commands := time.Duration(p.rounds) * 2 * (3*g.span + g.flow)
	cost := 8*time.Second + 3*time.Duration(g.chats)*openingCost + commands + time.Duration(p.rounds)*2*g.flow + g.idle
	if g.stored > 0 {
		cost += time.Duration(g.stored)*fillCost + time.Duration(g.chats)*openingCost + commands + g.idle + 4*time.Second
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
	if err := b.rest(base, other); err != nil {
		return err
	}
	var less, much []sample
	for round := range b.plan.rounds {
		b.progress.say("%s, %s, round %d", of.Name, more, round+1)
		for _, at := range turns(round, sampled{base, &less}, sampled{other, &much}) {
			t, err := b.turn(at.side)
			if err != nil {
				return err
			}
			*at.into = append(*at.into, t)
		}
	}
	row := growthRowOf(of, more, less, much)
	row.ofChats(base, other)
	b.report.Growth = append(b.report.Growth, row)
	return nil
}

// sampled is a side, and what its turns have shown.
type sampled struct {
	*side
	into *[]sample
}

// turns are the other way round in every second round: none always goes first.
func turns[T any](round int, less, more T) [2]T {
	if round%2 == 1 {
		return [2]T{more, less}
	}
	return [2]T{less, more}
}

// rest looks at both sides at once, while nothing happens.
func (b *bench) rest(sides ...*side) error {
	if b.plan.growth.idle == 0 {
		return nil
	}
	b.progress.say("%s, idle", sides[0].r.Name)
	group, ctx := errgroup.WithContext(b.ctx)
	for _, d := range sides {
		group.Go(func() (err error) {
			d.idle, _, err = d.r.idle(ctx, b.plan.growth.idle)
			return err
		})
	}
	return group.Wait()
}

func (row *growthRow) ofChats(base, other *side) {
	once := func(figure float64) *spread { return &spread{figure, figure, figure} }
	row.Memory = once(ratio(other.memoryPerChat(), base.memoryPerChat()))
	if base.idle > 0 {
		row.Idle = once(ratio(other.idle/float64(other.chats), base.idle/float64(base.chats)))
	}
}

func (d *side) memoryPerChat() float64 {
	return float64(d.fresh.resident-d.empty.resident) / float64(d.chats)
}

func growthRowOf(of contender, more string, less, much []sample) growthRow {
	commands := ratios(less, much, func(s sample) float64 { return s.live.perSecond })
	durable := ratios(less, much, func(s sample) float64 { return s.durable.perSecond })
	cpu := ratios(less, much, func(s sample) float64 { return s.live.cpuMicros })
	floor := ratios(less, much, func(s sample) float64 { return s.floor.perSecond })
	row := growthRow{Of: of.Name, More: more, Commands: &commands, Durable: &durable, CommandCPU: &cpu, Floor: &floor}
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
		for _, at := range turns(round, flowed{b.plan.growth.perSecond, &less}, flowed{2 * b.plan.growth.perSecond, &much}) {
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

// flowed is a rate, and what the flows at it have shown.
type flowed struct {
	perSecond float64
	into      *[]sample
}

// turn is a load on the floor, one on each lane of the connector, and a flow of events.
func (b *bench) turn(side *side) (t sample, err error) {
	g := b.plan.growth
	for _, lane := range []struct {
		on   *trial
		into *loaded
	}{{side.floor, &t.floor}, {side.live, &t.live}, {side.durable, &t.durable}} {
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
	d := &side{s: s, chats: chats}
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
	if d.empty, err = d.r.usage(); err != nil {
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
	if d.fresh, err = d.r.usage(); err != nil {
		return err
	}
	if err := d.openLanes(b.ctx, b.plan.growth.callers, opened); err != nil {
		return err
	}
	d.ears, err = d.s.listen(b.ctx, of)
	return err
}

func (d *side) openLanes(ctx context.Context, callers int, chats []string) error {
	floor, err := d.s.newFloorLane(ctx, callers)
	if err != nil {
		return err
	}
	durable, err := d.s.newDurableLane(d.r, chats)
	d.floor, d.live, d.durable = &trial{lane: floor}, &trial{lane: d.s.newLiveLane(d.r, chats)}, &trial{lane: durable}
	return err
}

func (d *side) close() {
	if d.ears != nil {
		d.ears.close()
	}
	d.s.close()
}
