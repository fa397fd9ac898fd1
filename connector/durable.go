package connector

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// The durable lane: commands that JetStream keeps until they are done.

// commandsPerPull bounds what is lost to the others for AckWait if this
// replica is frozen.
const commandsPerPull = 64

// pullCommands takes durable commands until ctx ends.
func (c *Connector) pullCommands(ctx context.Context) {
	c.keepPulling(ctx, pull{
		from: c.cfg.Prefix.StreamName("COMMANDS"), doing: "fetching durable commands", failing: "NATS does not hand out durable commands",
		room: c.lanes.waitForRoom,
		fetch: func() (jetstream.MessageBatch, error) {
			return c.stores.runners.Fetch(commandsPerPull, jetstream.FetchMaxWait(pullWait))
		},
		take: c.takeCommand,
	})
}

func (c *Connector) takeCommand(msg jetstream.Msg) {
	subject, err := c.cfg.Prefix.Parse(msg.Subject())
	if err != nil { // a chat that is no token: refused by name, and ordered with nothing
		subject = subjects.Subject{}
	}
	d, err := newDelivery(c.nc, msg, subject.Chat, c.runnersWait())
	if err != nil {
		c.log.Error("a durable command was delivered in an unknown way", "error", err)
		return
	}
	c.lanes.accept(d)
}

func (c *Connector) runnersWait() time.Duration { return c.stores.runners.CachedInfo().Config.AckWait }

// verdict is what working on a durable command has come to.
type verdict int

const (
	verdictDone   verdict = iota // it is removed
	verdictPutOff                // it comes again
)

// workOff goes on with a command, and acknowledges it when its result is published.
func (c *Connector) workOff(ctx context.Context, d *delivery) verdict {
	if err := c.admission.running.Acquire(ctx, 1); err != nil {
		return verdictPutOff
	}
	defer c.admission.running.Release(1)
	if err := d.claim(ctx, c.runnersWait()); err != nil {
		return verdictPutOff
	}
	lease := newLeaseSince(ctx, c.nc, d, c.runnersWait(), c.log, d.asked, c.runnersWait()/heartbeatsPerLease, leaseMargin)
	e, err := c.readErrand(lease.ctx, d)
	if errors.Is(err, jetstream.ErrMsgNotFound) { // somebody else has done it
		lease.stop()
		return verdictDone
	}
	var delay time.Duration
	if err == nil {
		delay, err = e.advance(lease.ctx)
	}
	return c.settleDelivery(lease, delay, err)
}

func (c *Connector) settleDelivery(lease *lease, delay time.Duration, err error) verdict {
	switch {
	case errors.Is(err, errOvertaken), lease.ctx.Err() != nil:
		lease.stop() // it is another's, or comes again by itself
		return verdictPutOff
	case err != nil:
		c.log.Warn("a durable command could not be gone on with; it is tried again", "error", err)
		delay = retryPause(1, nil)
	case delay == 0:
		if err = lease.end(); err == nil {
			return verdictDone
		}
		c.log.Warn("a durable command is done but could not be removed; it will be when it comes again", "error", err)
		return verdictPutOff
	}
	if err := lease.giveBack(delay); err != nil {
		c.log.Debug("a durable command could not be put off; it comes again by itself", "error", err)
	}
	return verdictPutOff
}

// errand is a durable command as it is being worked on.
type errand struct {
	*Connector
	cmd      *command
	refused  *schema.Error
	sequence uint64 // in the stream of commands
	subject  string
	raw      arrival
	since    time.Time // the stream has it
}

// readErrand reads what was delivered; what was put off is read anew.
func (c *Connector) readErrand(ctx context.Context, d *delivery) (*errand, error) {
	e := &errand{Connector: c, sequence: d.sequence}
	if d.msg != nil {
		meta, err := d.msg.Metadata()
		if err != nil {
			return nil, err
		}
		e.subject, e.raw, e.since = d.msg.Subject(), arrival{header: d.msg.Headers(), data: d.msg.Data()}, meta.Timestamp
	} else {
		msg, err := persist(ctx, c.log, "reading a durable command", func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
			return c.stores.commands.GetMsg(ctx, d.sequence)
		})
		if err != nil {
			return nil, err
		}
		e.subject, e.raw, e.since = msg.Subject, arrival{header: msg.Header, data: msg.Data}, msg.Time
	}
	e.read()
	return e, nil
}

// read makes a command of the message. Its stream, place and time stand in for
// an id that its sender did not give.
func (e *errand) read() {
	stream := e.cfg.Prefix.StreamName("COMMANDS")
	e.raw.id = stream + ":" + formatUint(e.sequence) + ":" + e.since.UTC().Format(time.RFC3339Nano)
	subject, err := e.cfg.Prefix.Parse(e.subject)
	if err != nil {
		e.cmd = unread(e.specOf(e.subject), e.raw)
		e.refused = invalidCommand(&schema.FieldError{Field: "subject", Problem: "its last token is no chat id in escaped form"})
		return
	}
	e.raw.chat = brightpattern.ChatID(subject.Chat.ID())
	spec, _ := schema.LookupCommand(string(subject.Command)) // the stream takes no others
	e.cmd, e.refused = readCommand(spec, e.raw)
	if e.refused == nil && e.isTooLarge() {
		e.cmd.result = e.cmd.refusalID()
		e.refused = invalidCommand(&schema.FieldError{Field: "data", Problem: "is too long for the bus, together with the headers: a dead letter could not hold it"})
	}
	if e.refused == nil && spec.Read {
		e.cmd.journalKey = idOf("read", e.cmd.source, e.cmd.id, formatUint(e.sequence)) // reads again for each message
	}
}

// isTooLarge tells of a command that fits on the bus, but would not with a
// dead letter's headers: it could never be given up.
func (e *errand) isTooLarge() bool {
	letter := nats.Msg{Subject: e.subject, Header: e.raw.header, Data: e.raw.data}
	return int64(letter.Size()) > e.nc.MaxPayload()-headroom
}

// specOf finds the command of a subject whose chat cannot be read.
func (e *errand) specOf(subject string) *schema.Command {
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		if matchesDurable(e.cfg.Prefix, subject, spec) {
			return spec
		}
	}
	return &schema.Commands[0]
}

// advance goes one step further with the command. It returns 0 when the
// command is done, else after how long it is to be looked at again.
func (e *errand) advance(ctx context.Context) (time.Duration, error) {
	r, err := e.journal.find(ctx, e.cmd.key())
	if err != nil {
		return 0, err
	}
	switch {
	case r == nil:
		r = newRecord(e.cmd, e.sequence)
	case e.refused == nil && r.Fingerprint != e.cmd.fingerprint():
		e.refused = conflict()
		e.cmd.result, e.cmd.journalKey = e.cmd.refusalID(e.cmd.fingerprint()), ""
		return e.advance(ctx)
	case r.Done != nil:
		return 0, e.publishAgain(ctx, r)
	case r.Message != e.sequence:
		taken, err := e.takePlace(ctx, r)
		if err == nil && taken == nil && e.isPast(time.Now()) {
			return 0, e.closeForgotten(ctx, r)
		}
		if err != nil || taken == nil {
			return e.untilDeadline(retryPause(1, nil)), err
		}
		r = taken
	}
	e.cmd.record = r
	if e.refused != nil {
		return 0, e.finish(ctx, outcome{cmd: e.cmd, failure: e.refused})
	}
	e.learnOfDeath()
	if e.isPast(time.Now()) {
		return 0, e.giveUp(ctx)
	}
	if settled, delay, err := e.resolve(ctx); settled || err != nil {
		return delay, err
	}
	return e.try(ctx)
}

// takePlace is for a repeat of a command that is not done. It waits for the
// outcome: nil; but if the other message has been taken out of the stream by
// hand, nobody works on it, and this one goes on with it.
func (e *errand) takePlace(ctx context.Context, r *record) (*record, error) {
	if r.Message == 0 { // a live one
		return nil, nil
	}
	there, err := e.isThere(ctx, r.Message)
	if there || err != nil {
		return nil, err
	}
	again, err := e.journal.find(ctx, e.cmd.key())
	if err != nil || again == nil || again.revision != r.revision { // it has just been done
		return nil, err
	}
	r.Message = e.sequence
	return r, nil
}

func (e *errand) publishAgain(ctx context.Context, r *record) error {
	o, err := r.outcome()
	if err != nil {
		return err
	}
	return e.publishOnce(ctx, o, true)
}

// learnOfDeath reads the traces of a replica that died while it called.
func (e *errand) learnOfDeath() {
	r := e.cmd.record
	if !r.Calling {
		return
	}
	r.Calling, r.MayBeDone, r.LastError = false, true, died()
	if e.cmd.chat.token != "" {
		e.reportLostAnswer(e.cmd.chat, e.silence()) // which may have carried events
	}
}

// isThere tells whether the command still stands in the stream at another place.
func (e *errand) isThere(ctx context.Context, sequence uint64) (bool, error) {
	other, err := e.readErrand(ctx, &delivery{sequence: sequence})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return false, nil
	}
	return err == nil && other.cmd.key() == e.cmd.key(), err
}

// closeForgotten ends a repeat's waiting for one that did not come to an end in
// all its time.
func (e *errand) closeForgotten(ctx context.Context, r *record) error {
	e.cmd.record = r
	return e.finish(ctx, outcome{cmd: e.cmd, failure: died()})
}

// try makes one attempt.
func (e *errand) try(ctx context.Context) (time.Duration, error) {
	r := e.cmd.record
	r.Attempts++
	r.Calling, r.LastCall, r.Replica = true, time.Now().UTC(), e.replica
	if err := e.journal.write(ctx, e.cmd.key(), r); err != nil {
		return 0, err
	}
	e.cfg.rehearsal.reach(pointBegun)
	began := time.Now()
	calling, cancel := context.WithTimeout(ctx, callsMost*e.cfg.CallTimeout)
	o := e.run(calling, e.cmd)
	cancel()
	if ctx.Err() != nil { // the lease is lost: whoever has it now finds a call under way
		return 0, context.Cause(ctx)
	}
	e.metrics.took(e.cmd.spec.Name, time.Since(began))
	if o.failure == nil || !e.mayTryAgain(o) {
		return 0, e.finish(ctx, o)
	}
	return e.tryLater(ctx, o)
}

// mayTryAgain tells whether the failure may pass, and another try do no harm.
func (e *errand) mayTryAgain(o outcome) bool {
	var told *schema.Error
	passes := isTransient(o.err) || isOutage(o.err) || errors.Is(o.err, errClosing) || errors.As(o.err, &told) && told.Retryable
	harmless := o.failure.Outcome == schema.OutcomeNotDone || e.cmd.spec.Repeatable || e.cmd.spec.GET || e.cmd.record.Number != nil
	return passes && harmless
}

// tryLater records what the attempt came to.
func (e *errand) tryLater(ctx context.Context, o outcome) (time.Duration, error) {
	r := e.cmd.record
	r.Calling, r.LastError = false, o.failure
	r.MayBeDone = r.MayBeDone || o.failure.Outcome == schema.OutcomeUnknown
	wire := wireError(o.err)
	if wire == nil { // the contact center was not asked
		r.Attempts--
	}
	delay := retryPause(r.Attempts, wire)
	return e.untilDeadline(delay), e.journal.write(ctx, e.cmd.key(), r)
}

const (
	firstRetry   = 500 * time.Millisecond
	longestRetry = time.Minute
)

// retryPause grows exponentially, with jitter, and honours Retry-After.
func retryPause(attempts int, failure *brightpattern.Error) time.Duration {
	pause := min(longestRetry, firstRetry<<min(max(attempts-1, 0), 10))
	pause = pause/2 + rand.N(pause)
	if failure != nil {
		pause = max(pause, min(failure.RetryAfter, longestWish))
	}
	return pause
}

// deadline is when patience ends.
func (e *errand) deadline() time.Time {
	end := e.since.Add(e.cfg.CommandMaxAge)
	if !e.cmd.expires.IsZero() {
		end = minTime(end, e.cmd.expires)
	}
	return end
}

func (e *errand) isPast(now time.Time) bool { return !now.Before(e.deadline()) }

// untilDeadline cuts a delay, so that the end is told when it has come.
func (e *errand) untilDeadline(delay time.Duration) time.Duration {
	return max(min(delay, time.Until(e.deadline())), time.Millisecond)
}

// finish records the outcome, publishes it, and leaves only the acknowledgement.
func (e *errand) finish(ctx context.Context, o outcome) error {
	o.at = time.Now().UTC()
	if o.failure != nil && e.cmd.record.MayBeDone {
		unknown := *o.failure
		unknown.Outcome = schema.OutcomeUnknown
		o.failure = &unknown
	}
	o, err := e.conclude(ctx, e.cmd, e.placed(ctx, o))
	if err != nil {
		return err
	}
	e.metrics.counted(e.cmd.spec.Name, o.failure)
	return e.publishOnce(ctx, o, false)
}

func formatUint(n uint64) string { return strconv.FormatUint(n, 10) }

// matchesDurable tells whether a subject is one of the command's, whatever its chat.
func matchesDurable(prefix subjects.Prefix, subject string, spec *schema.Command) bool {
	own := prefix.Durable(subjects.Command(spec.Name), "")
	return subject == own || strings.HasPrefix(subject, own+".")
}
