package main

import (
	"slices"
	"strings"
	"time"
)

// trial is a lane, and what its rounds have shown.
type trial struct {
	lane
	given      int
	full, half []loaded
}

// loaded is one load on one lane.
type loaded struct {
	perSecond float64
	cpuMicros float64
	percentiles
}

const warmUp = 300 * time.Millisecond

func commandsCost(p plan, contenders int) time.Duration {
	lanes := time.Duration(1 + 2*contenders)
	loads := time.Duration(2*p.rounds)*p.commands.span + warmUp
	return lanes*time.Duration(len(p.commands.callers))*loads + 5*time.Second
}

// commands measures chat.send on all lanes, in turn in each round.
func (b *bench) commands() error {
	s, err := newStand(b.ctx, b.fail, b.programs, b.dir)
	if err != nil {
		return err
	}
	defer s.close()
	lanes, err := b.openLanes(s)
	if err != nil {
		return err
	}
	for _, callers := range b.plan.commands.callers {
		rows, err := b.atCallers(callers, lanes)
		if err != nil {
			return err
		}
		b.report.Commands = append(b.report.Commands, rows...)
	}
	b.report.Accounts, err = s.accounts(b.ctx, b.programs.contenders, b.report.Commands)
	return err
}

// openLanes makes a chat on each lane for every caller that there will be.
func (b *bench) openLanes(s *stand) ([]lane, error) {
	most := slices.Max(b.plan.commands.callers)
	first, err := s.newFloorLane(b.ctx, most)
	lanes := []lane{first}
	for _, of := range b.programs.contenders {
		if err != nil {
			return nil, err
		}
		b.progress.say("starting the %s, with %d chats", of.Name, most)
		var own []lane
		own, err = s.connectorLanes(b.ctx, of, most)
		lanes = append(lanes, own...)
	}
	return lanes, err
}

// atCallers gives each lane its turn in each round.
func (b *bench) atCallers(callers int, lanes []lane) ([]commandRow, error) {
	trials := make([]*trial, len(lanes))
	for i, l := range lanes {
		trials[i] = &trial{lane: l}
	}
	err := b.inTurn(trials, callers, "warming up", 0, func(t *trial) error {
		_, err := b.load(t, func() (work, error) { return closedLoop(b.ctx, callers, warmUp, t.call) })
		return err
	})
	for round := 0; round < b.plan.rounds && err == nil; round++ {
		err = b.inTurn(trials, callers, "full load", round, func(t *trial) error { return b.fullLoad(t, callers) })
	}
	for round := 0; round < b.plan.rounds && err == nil; round++ {
		err = b.inTurn(trials, callers, "half load", round, func(t *trial) error { return b.halfLoad(t, callers) })
	}
	return rowsOf(trials, callers), err
}

// inTurn begins with another lane in each round: none always follows the same one.
func (b *bench) inTurn(trials []*trial, callers int, what string, round int, do func(*trial) error) error {
	for i := range trials {
		t := trials[(i+round)%len(trials)]
		b.progress.say("%d callers, %s, round %d: %s", callers, what, round+1, strings.TrimSpace(t.of+" "+t.name))
		if err := do(t); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) fullLoad(t *trial, callers int) error {
	l, err := b.load(t, func() (work, error) { return closedLoop(b.ctx, callers, b.plan.commands.span, t.call) })
	t.full = append(t.full, l)
	return err
}

func (b *bench) halfLoad(t *trial, callers int) error {
	l, err := b.load(t, func() (work, error) {
		return openLoop(b.ctx, callers, t.halfRate(), b.plan.commands.span, t.call)
	})
	t.half = append(t.half, l)
	return err
}

// halfRate is one a second at least.
func (t *trial) halfRate() float64 { return max(1, t.perSecond().Median/2) }

func (t *trial) perSecond() spread {
	return spreadBy(t.full, func(l loaded) float64 { return l.perSecond })
}

// load also notes what the lane's process spends meanwhile.
func (b *bench) load(t *trial, give func() (work, error)) (loaded, error) {
	if t.hears != nil {
		stop, err := t.hears()
		if err != nil {
			return loaded{}, err
		}
		defer stop()
	}
	before, err := t.on.usage()
	if err != nil {
		return loaded{}, err
	}
	done, err := give()
	if err != nil {
		return loaded{}, err
	}
	after, err := t.on.usage()
	t.given += done.given
	micros := (after.cpuSeconds - before.cpuSeconds) * 1e6 / float64(max(1, done.given))
	return loaded{done.perSecond, micros, percentilesOf(done.latencies)}, err
}

func rowsOf(trials []*trial, callers int) []commandRow {
	var rows []commandRow
	for _, t := range trials {
		rows = append(rows, commandRow{
			Lane: t.name, Of: t.of, Callers: callers, Commands: t.given, PerSecond: t.perSecond(), OfFloor: t.overRounds(trials[0]),
			CPU:  spreadBy(t.full, func(l loaded) float64 { return l.cpuMicros }),
			Full: millisOf(t.full, loaded.latency), Half: millisOf(t.half, loaded.latency), HalfRate: t.halfRate(),
		})
	}
	return rows
}

// overRounds divides round by round, so that what disturbs a whole round cancels out.
func (t *trial) overRounds(floor *trial) spread {
	ratios := make([]float64, len(t.full))
	for i := range t.full {
		ratios[i] = ratio(t.full[i].perSecond, floor.full[i].perSecond)
	}
	return spreadOf(ratios)
}

func (l loaded) latency() percentiles { return l.percentiles }
