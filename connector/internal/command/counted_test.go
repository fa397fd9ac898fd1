package command

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/natstest"
	"cc-connector/schema"
)

// counting is a replica of which is seen what it counts.
type counting struct {
	*natstest.Rig
	*Commands
	registry *prometheus.Registry
}

func newCounting(t *testing.T) counting {
	t.Helper()
	c, r := concluding(t)
	registry := prometheus.NewRegistry()
	told, err := metrics.New(registry)
	r.Check(err)
	c.Metrics, c.Self, c.JetStream, c.cfg.CallTimeout = told.Commands, "self", r.JS, time.Minute
	return counting{r, c, registry}
}

// counted is the sum of a metric's series.
func (c counting) counted(name string) (sum float64) {
	c.Helper()
	families, err := c.registry.Gather()
	c.Check(err)
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == name {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}

func identity(id string) journal.Identity {
	return journal.Identity{Command: "chat.send", ID: id, Result: "result-of-" + id, Key: "key-of-" + id}
}

// written is the record of a command that was begun.
func (c counting) written(id string, message uint64) *journal.Record {
	c.Helper()
	r := journal.NewRecord(identity(id), "fingerprint", message)
	r.Replica = "dead"
	c.Check(c.Journal.Write(c.Ctx, r))
	return r
}

// ended has another replica record the outcome.
func (c counting) ended(r *journal.Record) {
	c.Helper()
	again, err := c.Journal.Find(c.Ctx, r.Key)
	c.Check(err)
	_, err = c.record(c.Ctx, again, failed(died()))
	c.Check(err)
}

func (c counting) durable(id string, r *journal.Record) *durable {
	spec, _ := schema.LookupCommand("chat.send")
	d := &durable{commands: c.Commands, cmd: &command{spec: spec, record: r}, since: time.Now(), sequence: 17, subject: "cc.durable.chat.send.chat-1"}
	d.cmd.Identity = identity(id)
	return d
}

// Of two that settle a dead replica's command the one whose outcome is on record counts it.
func TestOrphanIsCountedByWhoEndsIt(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	for i, isTaken := range []bool{true, false} {
		r := c.written([]string{"another", "own"}[i], 0)
		if isTaken {
			c.ended(r)
		}
		done, err := c.closeOrphan(c.Ctx, r, died(), bus.Reach{})
		c.Check(err)
		if n := c.counted("cc_commands_total"); done.Done == nil || (n == 0) != isTaken {
			t.Errorf("another one was faster: %v, and %v are counted", isTaken, n)
		}
	}
}

// What is dropped is counted once, however often it comes again: where its outcome
// is on record by whoever has recorded it, else when it goes.
func TestDroppedCommandIsCountedOnce(t *testing.T) {
	t.Parallel()
	c, cause := newCounting(t), errors.New("beyond help")
	recorded, another := c.written("recorded", 17), c.written("another", 17)
	c.ended(another)
	finishedOne := c.durable("recorded", recorded)
	_, err := finishedOne.finish(c.Ctx, failed(expired()))
	c.Check(err)
	for _, try := range []struct {
		what string
		d    *durable
		want float64 // with those before it
	}{
		{"one that was finished", finishedOne, 1},
		{"one that another replica has ended", c.durable("another", another), 1},
		{"one that is ended by that", c.durable("own", c.written("own", 17)), 2},
		{"one without a record", c.durable("none", nil), 3},
	} {
		_, err := try.d.drop(c.Ctx, cause)
		c.Check(err)
		if n := c.counted("cc_commands_total"); n != try.want {
			t.Errorf("%s: %v are counted, want %v", try.what, n, try.want)
		}
	}
	c.Check(c.JS.DeleteStream(c.Ctx, "CC_EVENTS"))
	soon, cancel := context.WithTimeout(c.Ctx, 100*time.Millisecond)
	defer cancel()
	if _, err := c.durable("waits", nil).drop(soon, cause); err == nil || c.counted("cc_commands_total") != 3 {
		t.Errorf("one that comes again: %v, and %v are counted", err, c.counted("cc_commands_total"))
	}
}

// A letter is counted once, however often its command is given up: the result was
// not recorded, or the journal has lost that there is one.
func TestDeadLetterIsCountedOnce(t *testing.T) {
	t.Parallel()
	c := newCounting(t)
	d := c.durable("given", c.written("given", 17))
	dies, die := context.WithCancel(c.Ctx)
	c.Failpoints.Reached = func(failpoint.Point) { die() }
	if _, err := d.giveUp(dies); err == nil || d.decided {
		t.Errorf("its result is recorded without a context: %v", err)
	}
	c.Failpoints.Reached = nil
	d.cmd.record.Done = nil
	for range 2 {
		_, err := d.giveUp(c.Ctx)
		c.Check(err)
		d.cmd.record.GivenUp = nil
	}
	if letters, n := c.Needs.Streams.Dead.CachedInfo().State.Msgs, c.counted("cc_dead_letters_total"); letters != 1 || n != 1 {
		t.Errorf("of %d letters %v are counted", letters, n)
	}
}
