package command

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/queue"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/tracing"
	"cc-connector/schema"
)

// The durable lane: commands that JetStream keeps until they are done.

// commandsPerPull bounds what is lost to the others for AckWait if this
// replica is frozen.
const commandsPerPull = 64

func (c *Commands) pull(ctx context.Context) {
	bus.Pull{
		JetStream: c.JetStream, Queue: c.Streams.Runners,
		Doing: "fetching durable commands", Failing: "NATS does not hand out durable commands",
		Room:    func(ctx context.Context) int { c.queues.WaitForRoom(ctx); return commandsPerPull },
		Request: func(most int) (int, bus.Priority) { return most, bus.Priority{} },
		Take:    c.takeDurable, Health: c.Health, Log: c.Log,
	}.Run(ctx)
}

// takeDurable has the message queue with its chat's, whatever it is: it may be
// the head.
func (c *Commands) takeDurable(msg *nats.Msg) {
	d, err := queue.NewDelivery(c.Leases, msg, c.cfg.Prefix.QueueOf(msg.Subject), c.ackWait())
	if err != nil {
		c.Log.Error("a durable command was delivered in an unknown way", "error", err)
		return
	}
	c.forgetVanished()
	c.queues.Accept(d)
}

// forgetVanished forgets the places that commands had in a stream that was lost.
func (c *Commands) forgetVanished() {
	made := c.Streams.Commands.CachedInfo().Created
	if !c.streamMade.IsZero() && !made.Equal(c.streamMade) {
		c.queues.Forget()
	}
	c.streamMade = made
}

func (c *Commands) ackWait() time.Duration { return c.Streams.Runners.CachedInfo().Config.AckWait }

// next is what is to become of a durable command.
type next struct {
	done  bool
	after time.Duration // until it is looked at again, if it is not done
}

var finished = next{done: true}

// runDurable goes on with a command, and acknowledges it when its result is published.
func (c *Commands) runDurable(ctx context.Context, delivery *queue.Delivery) queue.Verdict {
	leave, err := c.admission.enter(ctx, c.Metrics.Durable)
	if err != nil {
		return queue.PutOff
	}
	defer leave()
	held, err := delivery.Claim(ctx)
	if err != nil {
		if !errors.Is(err, queue.ErrNotInHand) && ctx.Err() == nil {
			c.outcry.Note(c.Log.With("sequence", delivery.Sequence()), "a durable command could not be taken in hand; it comes again", err)
		}
		return queue.PutOff
	}
	d, err := c.readDelivered(held.Context(), delivery)
	if errors.Is(err, jetstream.ErrMsgNotFound) { // somebody else has done it, or a new leader of the stream lags: no word on the order
		held.Stop()
		return queue.PutOff
	}
	if c.Failpoints.LeavesOut(failpoint.AckLast) {
		_ = delivery.DoubleAck(ctx)
	}
	var n next
	if err == nil {
		d.held = held
		n, err = d.goOn(held.Context())
	}
	return c.settle(delivery, held, d, n, err)
}

// settle acknowledges a command that is done, and puts off one that is not.
func (c *Commands) settle(delivery *queue.Delivery, held *lease.Lease, d *durable, n next, err error) queue.Verdict {
	switch {
	case errors.Is(err, journal.ErrOvertaken), held.Context().Err() != nil:
		held.Stop() // it is another's, or comes again by itself
		return queue.PutOff
	case err != nil:
		c.outcry.Note(c.logOfRun(delivery, d), "a durable command could not be gone on with; it is tried again", err)
		n = next{after: retryPause(1, nil)}
	case n.done:
		c.remove(delivery, held, d)
		return queue.Done
	}
	if err := held.GiveBack(n.after); err != nil {
		c.logOfRun(delivery, d).Debug("a durable command could not be put off; it comes again by itself", "error", err)
	}
	return queue.PutOff
}

// remove acknowledges a command that is done. The chat's next one need not wait for
// that: the order goes by what is done.
func (c *Commands) remove(delivery *queue.Delivery, held *lease.Lease, d *durable) {
	acknowledge := func() {
		if err := held.End(); err != nil {
			c.logOfRun(delivery, d).Warn("a durable command is done but could not be removed; it will be when it comes again", "error", err)
			return
		}
		c.queues.NoteRemoved(delivery)
	}
	if !c.asides.Go(acknowledge) {
		acknowledge()
	}
}

// durable is one run of a durable command: from one delivery to the next.
type durable struct {
	commands  *Commands
	held      *lease.Lease
	ignored   intake.Reason // then there is no command
	cmd       *command
	refused   *schema.Error
	decided   bool   // its outcome is recorded
	again     bool   // it was delivered before
	forgotten bool   // it may have had a number that nobody knows any more
	sequence  uint64 // in the stream of commands
	subject   string
	raw       arrival
	since     time.Time // the stream has it
}

// readDelivered reads what was delivered; what was put off is read anew.
func (c *Commands) readDelivered(ctx context.Context, delivery *queue.Delivery) (*durable, error) {
	msg := delivery.Message()
	if msg == nil {
		return c.readStored(ctx, delivery.Sequence(), delivery.IsAgain())
	}
	meta, err := msg.Metadata()
	if err != nil {
		return nil, err
	}
	d := &durable{
		commands: c, sequence: delivery.Sequence(), again: delivery.IsAgain(),
		ignored: c.Guard.JudgeStored(msg.Header, msg.Data, bus.IsUnreadable(msg)),
		subject: msg.Subject, raw: arrival{header: msg.Header, data: msg.Data}, since: meta.Timestamp,
	}
	d.read()
	return d, nil
}

func (c *Commands) readStored(ctx context.Context, sequence uint64, again bool) (*durable, error) {
	msg, err := bus.Ask(ctx, c.Log, "reading a durable command", func(ctx context.Context) (*bus.Stored, error) {
		return c.Streams.Commands.At(ctx, sequence)
	})
	if err != nil {
		return nil, err
	}
	d := &durable{
		commands: c, sequence: sequence, again: again, ignored: c.Guard.JudgeStored(msg.Header, msg.Data, msg.Unreadable),
		subject: msg.Subject, raw: arrival{header: msg.Header, data: msg.Data}, since: msg.Time,
	}
	d.read()
	return d, nil
}

// read makes a command of the message. Its stream, place and time stand in for
// an id that its sender did not give.
func (d *durable) read() {
	prefix := d.commands.cfg.Prefix
	spec, chat := durableSpec(prefix, d.subject)
	if d.ignored == "" && spec == nil {
		d.ignored = metrics.IgnoredSubject
	}
	if d.ignored != "" {
		return
	}
	d.raw.id = prefix.StreamName("COMMANDS") + ":" + formatUint(d.sequence) + ":" + d.since.UTC().Format(time.RFC3339Nano)
	if spec.NamesChat() && chat == "" {
		d.cmd = unread(spec, d.raw)
		d.refused = invalidCommand(&schema.FieldError{Field: "subject", Problem: "its last token is no chat id in escaped form"})
		return
	}
	d.raw.chat = brightpattern.ChatID(chat.ID())
	d.cmd, d.refused = read(spec, d.raw)
	if d.refused == nil && d.isTooLarge() {
		d.cmd.refuse()
		d.cmd.understood = false // a result would be too long, too
		d.refused = invalidCommand(&schema.FieldError{Field: "data", Problem: "is too long for the bus, together with the headers: a dead letter could not hold it"})
	}
	if d.refused == nil && spec.Read { // reads again for each message
		d.cmd.Key = readKey(d.cmd.Source, d.cmd.ID, d.sequence)
	}
}

// advance goes one step further with the command.
func (d *durable) advance(ctx context.Context) (next, error) {
	if begun, err := d.beginFirst(ctx); err != nil {
		return next{}, err
	} else if begun {
		return d.makeCall(ctx)
	}
	r, err := d.begin(ctx)
	d.cmd.record = r
	switch {
	case err != nil:
		return next{}, err
	case r.Done != nil:
		d.decided = true
		return finished, d.publishDone(ctx, r)
	case r.Message != d.sequence:
		taken, err := d.takePlace(ctx, r)
		if err != nil || !taken {
			return d.awaitOther(ctx, err)
		}
	}
	if d.refused != nil {
		return d.finish(ctx, failed(d.refused))
	}
	if told, err := d.learnOfDeath(ctx); told != nil || err != nil {
		return d.endAsTold(ctx, told, err)
	}
	if d.isPast(time.Now()) {
		return d.giveUp(ctx)
	}
	if n, settled, err := d.resolve(ctx); settled || err != nil {
		return n, err
	}
	return d.try(ctx)
}

// begin is the command's record, a new one if it has none. Another command
// under the same identity is refused, and has a record of its own.
func (d *durable) begin(ctx context.Context) (*journal.Record, error) {
	r, err := d.commands.Journal.Find(ctx, d.cmd.Key)
	if fingerprint := d.cmd.fingerprint(); err == nil && r != nil && d.refused == nil && r.Fingerprint != fingerprint {
		d.refused = conflict()
		d.commands.contest(d.cmd, fingerprint)
		r, err = d.commands.Journal.Find(ctx, d.cmd.Key)
	}
	if err != nil {
		return nil, err
	}
	if r == nil {
		r = d.commands.newRecord(d.cmd, d.sequence)
	}
	return r, nil
}

// try makes one attempt.
func (d *durable) try(ctx context.Context) (next, error) {
	d.markCalling()
	if err := d.writeCalling(ctx); err != nil {
		d.cmd.record.Calling = false
		return next{}, err
	}
	d.commands.Failpoints.Reach(failpoint.Begun)
	return d.makeCall(ctx)
}

// makeCall makes the call that is recorded.
func (d *durable) makeCall(ctx context.Context) (next, error) {
	c := d.commands
	calling, cancel := context.WithTimeout(ctx, timeFor(d.cmd.spec, c.cfg.CallTimeout))
	o := c.call(calling, d.cmd)
	cancel()
	switch {
	case ctx.Err() != nil: // the lease is lost: whoever has it now finds a call under way
		return next{}, context.Cause(ctx)
	case errors.Is(o.err, journal.ErrOvertaken): // while this process was frozen: it has no say any more
		return next{}, o.err
	}
	if o.Error == nil || !d.mayTryAgain(o) {
		return d.finish(ctx, o)
	}
	return d.tryLater(ctx, o)
}

// mayTryAgain tells whether the failure may pass, and another try do no harm.
func (d *durable) mayTryAgain(o outcome) bool {
	var told *schema.Error
	passes := brightpattern.IsTransient(o.err) || bus.IsOutage(o.err) || errors.Is(o.err, chats.ErrClosing) || errors.As(o.err, &told) && told.Retryable
	harmless := o.Error.Outcome == schema.OutcomeNotDone || d.cmd.spec.Repeatable || d.cmd.spec.GET || d.cmd.record.Number != nil
	return passes && harmless
}

// tryLater records what the attempt came to.
func (d *durable) tryLater(ctx context.Context, o outcome) (next, error) {
	tracing.Fail(ctx, string(o.Error.Code))
	d.commands.Metrics.Retries.Inc(d.cmd.spec.Name)
	r := d.cmd.record
	r.Calling, r.LastError = false, o.Error
	r.MayBeDone = r.MayBeDone || o.Error.Outcome == schema.OutcomeUnknown
	wire := wireError(o.err)
	pause := retryPause(r.Attempts, wire)
	var done *doneError
	if wire == nil && !errors.As(o.err, &done) { // the contact center was not asked
		r.Attempts--
		pause = waitPause(time.Since(d.since))
	}
	return d.later(pause), d.commands.Journal.Write(ctx, r)
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
		pause = max(pause, min(failure.RetryAfter, retry.LongestRetryAfter))
	}
	return pause
}

// waitPause grows as the time does for which a command has waited without a
// call: for a place, or for JetStream.
func waitPause(waited time.Duration) time.Duration {
	pause := min(longestRetry, max(firstRetry, waited/2))
	return pause/2 + rand.N(pause)
}

// deadline is when patience ends.
func (d *durable) deadline() time.Time {
	end := d.since.Add(d.commands.cfg.CommandMaxAge)
	if !d.cmd.expires.IsZero() && d.cmd.expires.Before(end) {
		end = d.cmd.expires
	}
	return end
}

func (d *durable) isPast(now time.Time) bool { return !now.Before(d.deadline()) }

// later has the command looked at again after a pause, or when its end has come.
func (d *durable) later(pause time.Duration) next {
	return next{after: max(0, min(pause, time.Until(d.deadline())))}
}

// isSure tells whether nobody else can be at work on the command.
func (d *durable) isSure() bool { return d.held != nil && d.held.IsSure() }

// finish records the outcome, publishes it, and leaves only the acknowledgement.
func (d *durable) finish(ctx context.Context, o outcome) (next, error) {
	o.At = time.Now().UTC()
	if o.Error != nil {
		tracing.Fail(ctx, string(o.Error.Code))
	}
	if o.Error != nil && d.cmd.record.MayBeDone {
		unknown := *o.Error
		unknown.Outcome = schema.OutcomeUnknown
		o.Error = &unknown
	}
	before := d.cmd.record.Sequence()
	o, err := d.commands.concludeAndPublish(ctx, d.cmd, o, d.isSure())
	d.decided = err == nil || d.cmd.record.Sequence() != before
	if !d.decided {
		return next{}, err
	}
	d.count(o)
	return finished, err
}
