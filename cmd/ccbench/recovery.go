package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"syscall"
	"time"

	"cc-connector/subjects"
)

// recovered is one end of a replica.
type recovered struct{ half, all float64 }

const (
	recoveryTime = 2 * time.Minute
	leaveTime    = 30 * time.Second // of an orderly end
)

func recoveryCost(p plan, contenders int) time.Duration {
	cost := time.Duration(slices.Max(p.recovery.counts)) * openingCost
	for _, n := range p.recovery.counts {
		chats := time.Duration(n)
		cost += chats*flowCost + time.Duration(p.rounds)*(p.recovery.failover+chats*2*time.Millisecond+4*time.Second)
	}
	return time.Duration(contenders) * cost
}

// flowCost is how long it takes to give a chat an event.
const (
	flowRate = 2000 // a second
	flowCost = time.Second / flowRate
)

// recovery has a replica of each contender killed, and the one that took its
// chats over told to end, round by round.
func (b *bench) recovery() error {
	for _, of := range b.programs.contenders {
		if err := b.recoveryOf(of); err != nil {
			return err
		}
	}
	return nil
}

// relay is a contender's replicas: one that polls all chats, and one that will.
type relay struct {
	*bench
	s       *stand
	of      contender
	chats   int
	pushed  int // events
	holding *replica
}

func (b *bench) recoveryOf(of contender) error {
	s, err := newStand(b.ctx, b.fail, b.programs, b.dir)
	if err != nil {
		return err
	}
	defer s.close()
	y := &relay{bench: b, s: s, of: of}
	if y.holding, err = y.replica(); err != nil {
		return err
	}
	for _, n := range b.plan.recovery.counts {
		if err := y.at(n); err != nil {
			return err
		}
	}
	_, err = s.awaitStored(b.ctx, of, subjects.Prefix(of.prefix).Event("*", "message"), y.pushed)
	return err
}

// at opens chats until there are so many, gives each an event, and has the rounds.
func (y *relay) at(n int) error {
	y.progress.say("%s, opening chats until there are %d", y.of.Name, n)
	if _, err := y.s.openChats(y.ctx, y.of, n-y.chats); err != nil {
		return err
	}
	y.chats = n
	pushed, err := y.s.push(y.ctx, flowRate, time.Duration(n)*flowCost)
	if err != nil {
		return err
	}
	y.pushed += pushed
	return y.rounds()
}

func (y *relay) replica() (*replica, error) {
	return y.s.startReplica(y.ctx, y.of, "CC_FAILOVER_AFTER="+y.plan.recovery.failover.String())
}

func (y *relay) rounds() error {
	var killed, left []recovered
	for round := range y.plan.rounds {
		y.progress.say("%s, %d chats, kill -9, round %d", y.of.Name, y.chats, round+1)
		k, err := y.pass(y.kill)
		if err != nil {
			return err
		}
		y.progress.say("%s, %d chats, SIGTERM, round %d", y.of.Name, y.chats, round+1)
		l, err := y.pass(y.leave)
		if err != nil {
			return err
		}
		killed, left = append(killed, k), append(left, l)
	}
	failover := y.plan.recovery.failover.Seconds()
	y.note("kill -9", failover, killed)
	y.note("SIGTERM", 0, left)
	return nil
}

func (y *relay) note(by string, failover float64, rounds []recovered) {
	y.report.Recovery = append(y.report.Recovery, recoveryRow{
		Of: y.of.Name, By: by, Chats: y.chats, Failover: failover,
		Half: spreadBy(rounds, func(r recovered) float64 { return r.half - failover }),
		All:  spreadBy(rounds, func(r recovered) float64 { return r.all - failover }),
	})
}

// pass ends the replica that polls the chats, once another one is there. That
// one may have begun some polls by then, so those count that have begun since it
// was started. So did a few of the one that ends, until it leaves them.
func (y *relay) pass(end func(*replica) error) (recovered, error) {
	started := time.Now()
	next, err := y.replica()
	if err != nil {
		return recovered{}, err
	}
	ended := make(chan error, 1)
	c := comeback{chats: y.chats, since: started, begun: time.Now(), ended: ended}
	go func() {
		defer close(ended)
		ended <- end(y.holding)
	}()
	r, err := y.s.awaitBack(y.ctx, &c)
	for range ended { // not to be left behind where that has failed
	}
	y.holding = next
	return r, err
}

func (y *relay) kill(r *replica) error {
	r.kill()
	return nil
}

func (y *relay) leave(r *replica) error {
	r.signal(syscall.SIGTERM)
	select {
	case <-r.ended:
	case <-time.After(leaveTime):
		return fmt.Errorf("%s does not end within %v of SIGTERM%s", r.process.name, leaveTime, r.log)
	}
	if code := r.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("%s ends with exit code %d after SIGTERM%s", r.process.name, code, r.log)
	}
	return nil
}

// comeback is what is seen of chats until all of them are polled again.
type comeback struct {
	chats       int
	since       time.Time // polls that began before are not of the next replica
	begun       time.Time // when the one that polled was told to end
	ended       <-chan error
	isEnded     bool
	settled     time.Time // when its last polls are known to be left
	half, whole milestone
}

// leaving is how long the contact center may take to see that a client is gone.
const leaving = 300 * time.Millisecond

// milestone is from when on something has held, without a break.
type milestone struct {
	holds bool
	at    float64 // seconds
}

func (m *milestone) look(holds bool, at float64) {
	if holds && !m.holds {
		m.at = at
	}
	m.holds = holds
}

// awaitBack asks the contact center which chats are polled. It returns when the
// ended replica cannot be one of those who poll.
func (s *stand) awaitBack(ctx context.Context, c *comeback) (recovered, error) {
	way := "polls?since=" + url.QueryEscape(c.since.Format(time.RFC3339Nano))
	for time.Since(c.begun) < recoveryTime {
		if err := c.noteEnd(); err != nil {
			return recovered{}, err
		}
		isLast := c.isEnded && time.Now().After(c.settled)
		var told struct{ Open, Since int }
		if err := s.contact.control(ctx, http.MethodGet, way, nil, &told); err != nil {
			return recovered{}, err
		}
		took := time.Since(c.begun).Seconds()
		c.half.look(told.Since*2 >= c.chats, took)
		c.whole.look(told.Since >= c.chats, took)
		if c.whole.holds && isLast {
			return recovered{c.half.at, c.whole.at}, nil
		}
		sleep(20 * time.Millisecond)
	}
	return recovered{}, fmt.Errorf("not all of %d chats are polled again within %v", c.chats, recoveryTime)
}

func (c *comeback) noteEnd() error {
	if c.isEnded {
		return nil
	}
	select {
	case err := <-c.ended:
		c.isEnded, c.settled = true, time.Now().Add(leaving)
		return err
	default:
		return nil
	}
}
