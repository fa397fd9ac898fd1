package connector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/health"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/retry"
)

// Part is one of the way between the contact center and the bus: nats, stream,
// publishing, intake, contact_center, polls, room, replicas, canary, starting.
type Part = health.Part

// Starting is the part that does not work as long as a process starts or leaves.
const Starting = health.Starting

// Problem is what does not work, and has not for longer than what passes by
// itself takes (see package health).
type Problem = health.Problem

// Health says whether the connector does its work, and what is in the way.
type Health struct {
	Ready            bool // there are no problems
	Replica, Version string
	Problems         []Problem // the cause before what follows from it
}

// Health is asked for now, and takes at most two seconds. It costs nothing to ask
// often: what JetStream is asked for is known for a second.
//
// A replica that has no chats is as ready as any. That every replica is full does
// not make one unready: the chats that it has go on, and a request for another one
// is told so. But chats that are open and that nobody has a place for do.
func (c *Connector) Health() Health {
	problems := c.judge.judge(time.Now(), c.faults())
	return Health{Ready: len(problems) == 0, Replica: c.Replica(), Version: c.cfg.Version, Problems: problems}
}

// Replica is what this one is called by the others, and in the log.
func (c *Connector) Replica() string { return string(c.self) }

// Ready returns nil only while commands are taken, JetStream answers for the
// streams, and every open chat can be polled; else it says what does not work.
func (c *Connector) Ready() error {
	var all []error
	for _, p := range c.Health().Problems {
		all = append(all, errors.New(p.Message))
	}
	return errors.Join(all...)
}

// faults are what does not work at the moment. Without a connection only that is
// told which does not follow from it.
func (c *Connector) faults() []health.Fault {
	all := append(c.refusals.Faults(), c.outages.Faults()...)
	serving := c.health.IsServing()
	if serving {
		all = append(all, c.stalls()...)
	}
	if c.nc.Status() != nats.CONNECTED {
		return append(all, c.disconnected(serving)...)
	}
	if err := bus.CheckPayload(c.nc); err != nil { // that of the server that it is connected to now
		all = append(all, health.Fault{Part: health.NATS, Name: "max_payload", Err: err, Stays: true})
	}
	all = append(append(all, c.allowed.Faults()...), c.health.Faults()...)
	if serving {
		all = append(append(append(all, c.parts.streams.Faults()...), c.noRoom()...), c.parts.canary.Faults()...)
	}
	return all
}

// disconnected says why there is no connection, as far as NATS has said. Who does
// not serve yet has not been ready, and has no need to wait with that.
func (c *Connector) disconnected(serving bool) []health.Fault {
	err := fmt.Errorf("NATS: %s", c.nc.Status())
	if last := c.nc.LastError(); last != nil {
		err = fmt.Errorf("NATS: %s: %w", c.nc.Status(), last)
	}
	return []health.Fault{{Part: health.NATS, Err: err, Stays: !serving}}
}

func (c *Connector) noRoom() []health.Fault {
	waiting := c.parts.room.Waiting()
	if waiting == 0 {
		return nil
	}
	return []health.Fault{{Part: health.Room, Err: fmt.Errorf(
		"open chats that nobody polls: %d; every replica has as many as its CC_MAX_CHATS: start another one, or raise it", waiting)}}
}

// stalls have had their time already.
func (c *Connector) stalls() []health.Fault {
	found := c.parts.poller.Stalls()
	if found.Chats == 0 {
		return nil
	}
	return []health.Fault{{Part: health.Polls, Stays: true, Since: found.Since, Err: fmt.Errorf(
		"chats that are due and are not polled, by a fault of this process: %d; the log names them: restart this replica, and report it", found.Chats)}}
}

// judge tells problems from faults, and has the metrics and the log follow.
type judge struct {
	watch   *health.Watch
	metrics *metrics.Health
	log     *slog.Logger

	mu    sync.Mutex
	known map[place]bool // the problems that there were
}

type place struct {
	part Part
	name string
}

func newJudge(patience health.Patience, m *metrics.Health, log *slog.Logger) *judge {
	return &judge{watch: health.NewWatch(patience), metrics: m, log: log, known: make(map[place]bool)}
}

func (j *judge) judge(now time.Time, faults []health.Fault) []Problem {
	j.mu.Lock()
	defer j.mu.Unlock()
	problems := j.watch.Lasting(now, faults)
	there := make(map[place]bool, len(problems))
	for _, p := range problems {
		at := place{p.Part, p.Name}
		if there[at] = true; !j.known[at] {
			j.begins(p)
		}
	}
	for at := range j.known {
		if !there[at] {
			j.ends(at)
		}
	}
	j.known = there
	ready := 0.0
	if len(problems) == 0 {
		ready = 1
	}
	j.metrics.Ready.Set(ready)
	return problems
}

func (j *judge) begins(p Problem) {
	j.metrics.Problem.WithLabelValues(string(p.Part), p.Name).Set(1)
	if p.Part != health.Starting { // who starts or leaves says so
		j.log.Warn("not ready", "part", p.Part, "name", p.Name, "error", p.Message, "since", p.Since.UTC())
	}
}

func (j *judge) ends(at place) {
	j.metrics.Problem.DeleteLabelValues(string(at.part), at.name)
	if at.part != health.Starting {
		j.log.Info("no problem any more", "part", at.part, "name", at.name)
	}
}

// healthEvery is often enough to tell what lasts from what was there twice.
const healthEvery = time.Second

// watchHealth looks also when nobody asks: what has begun meanwhile is known, and
// the metrics are right.
func (c *Connector) watchHealth(ctx context.Context) {
	for ctx.Err() == nil {
		c.Health()
		retry.Sleep(ctx, healthEvery)
	}
}
