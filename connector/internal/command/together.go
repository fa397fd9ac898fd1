package command

import (
	"context"
	"errors"
	"time"

	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/replicas"
)

// # Outcome and event at once
//
// An outcome is recorded and its event published at the same time, and both are
// stored before anybody is told. So a process may die with either of them alone,
// and a frozen one may find that another has settled its command. One rule makes
// up for that: the event in the stream decides, and the journal follows it.
//
// The stream stores one event under the id of a result, as long as it knows the
// id. Whoever publishes there and is told of a repeat reads what is there. Whoever
// settles a command without an outcome looks for its event first, from where the
// stream was when it was begun. And at once is only what the stream will still
// take for a repeat: what is told long after the command was begun is first
// recorded, at the revision that was read, and then looked for and published. The
// same goes for an event that does not tell all, or is too large: from it nobody
// could learn the outcome.

// togetherMost is the longest of what an outcome tells that surely fits into the
// event and into the journal, even on a bus.LeastPayload.
const togetherMost = 4 << 10

// mayTellTogether tells whether the outcome can be learnt from its event. Replicas
// of an earlier version would not look for it.
func (c *teller) mayTellTogether(cmd *command, o outcome) bool {
	size := len(o.Result) + len(o.Request)
	if o.Error != nil {
		size += len(o.Error.Message)
	}
	return size <= togetherMost && c.tellsAll(cmd.Command) && o.ChatID != "" && o.ChatID == cmd.chat.ID &&
		cmd.record.From != nil && c.registry.Oldest() >= replicas.FormatDebts && c.timeTogether(cmd) > 0
}

// timeTogether is for how long the stream surely knows an event that was published
// since the command was begun.
func (c *teller) timeTogether(cmd *command) time.Duration {
	return c.repeatsKnown() - time.Since(cmd.began)
}

// buildTogether is the result of an outcome that may be told together.
func (c *teller) buildTogether(cmd *command, o outcome) (r result, may bool) {
	if !c.mayTellTogether(cmd, o) {
		return r, false
	}
	e, err := c.cloudEvent(cmd.Identity, o, o.Result)
	if err != nil {
		return r, false
	}
	all, err := c.publisher.Inline(e, c.others(cmd.form)...)
	if err != nil {
		return r, false
	}
	r = result{id: "result:" + cmd.Result, of: cmd.Identity, at: o.At}
	r.event, r.reply = split(all, cmd.form)
	r.event.Subject = c.resultSubject(cmd.Identity, o)
	return r, true
}

// publication is an event that is published while its outcome is recorded.
type publication struct {
	recorded chan error    // what became of the record
	done     chan struct{} // closed when both are known, and agree
	told     outcome       // what they say
	err      error
}

// publishBeside begins to publish; nil if too much is being published already, or
// this replica leaves. The publication ends, and calls settled, after the record.
func (c *teller) publishBeside(cmd *command, o outcome, r result, settled func(error)) *publication {
	if !c.publishing.TryAcquire(1) {
		return nil
	}
	p := &publication{recorded: make(chan error, 1), done: make(chan struct{})}
	r.reply = nil // it may be much larger
	of, within := cmd.Identity, c.timeTogether(cmd)
	began := c.asides.Go(func() {
		defer close(p.done)
		defer c.publishing.Release(1)
		seen := c.publishWithin(r, within)
		p.told, p.err = c.agree(of, o, <-p.recorded, seen)
		settled(p.err)
	})
	if !began {
		c.publishing.Release(1)
		return nil
	}
	return p
}

// recordBeside records an outcome of which the event is being published.
func (c *teller) recordBeside(ctx context.Context, cmd *command, o outcome, p *publication) error {
	_, err := c.record(ctx, cmd.record, o)
	c.failpoints.Reach(failpoint.Recorded)
	p.recorded <- err
	return err
}

// seen is what became of a publication.
type seen struct {
	instead *outcome // that stands there in its place
	err     error    // then it is not known whether it is there
}

func (c *teller) publishWithin(r result, time time.Duration) (s seen) {
	ctx, cancel := context.WithTimeout(c.life.Work, time)
	defer cancel()
	s.instead, s.err = c.publish(ctx, r)
	return s
}

// agree has the journal say what the event says, and returns it.
func (c *teller) agree(of journal.Identity, o outcome, recorded error, s seen) (outcome, error) {
	ctx := c.life.Work
	switch {
	case s.err == nil && s.instead != nil:
		return *s.instead, c.bringInLine(ctx, of, *s.instead)
	case s.err == nil && recorded == nil:
		return o, nil
	case s.err == nil:
		return o, c.bringInLine(ctx, of, o)
	case recorded == nil:
		return c.publishAgreed(ctx, of, o, neverLooked)
	case !errors.Is(recorded, journal.ErrOvertaken):
		return o, errors.Join(recorded, s.err)
	}
	found, err := c.findDone(ctx, of.Key)
	if err != nil {
		return o, err
	}
	return c.publishAgreed(ctx, of, outcome{Outcome: *found.Done}, neverLooked)
}

// bringInLine has the journal say what the event says.
func (c *teller) bringInLine(ctx context.Context, of journal.Identity, o outcome) error {
	for {
		found, err := c.journal.Find(ctx, of.Key)
		if err != nil || found == nil || found.Result != of.Result || found.Done != nil && found.Done.At.Equal(o.At) {
			return err
		}
		if _, err = c.record(ctx, found, o); !errors.Is(err, journal.ErrOvertaken) {
			return err
		}
	}
}

// Whoever waits for the reply of a command that is done gives up, too, and may
// repeat it: so a reply waits no longer than this for its event to be stored.
const replyPatience = 2 * time.Second

// tellTogether records the outcome and publishes its event at once. It returns
// when both are stored, or when the outcome is recorded and whoever waits is not
// to wait longer for the event. It reports false, and has done nothing, if they
// are to be told one after the other.
func (c *teller) tellTogether(cmd *command, o outcome, r result, settled func(error)) (outcome, bool, error) {
	p := c.publishBeside(cmd, o, r, settled)
	if p == nil {
		return o, false, nil
	}
	if c.failpoints.LeavesOut(failpoint.OutcomeFirst) {
		go func() { _ = c.recordBeside(c.life.Work, cmd, o, p) }()
		return o, true, nil
	}
	err := c.recordBeside(c.life.Work, cmd, o, p)
	timer := time.NewTimer(replyPatience)
	defer timer.Stop()
	select {
	case <-p.done:
		return p.told, true, p.err
	case <-timer.C:
	}
	if errors.Is(err, journal.ErrOvertaken) {
		var found *journal.Record
		if found, err = c.findDone(c.life.Work, cmd.Key); err == nil {
			o = outcome{Outcome: *found.Done}
		}
	}
	return o, true, err
}

func (p *publication) await(ctx context.Context, o outcome) (outcome, error) {
	select {
	case <-p.done:
		return p.told, p.err
	case <-ctx.Done(): // whoever goes on with the command finds what is there
		return o, context.Cause(ctx)
	}
}
