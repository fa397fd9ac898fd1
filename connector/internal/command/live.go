package command

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/microservice"
	"cc-connector/connector/internal/tracing"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// The live lane: a NATS micro service with an endpoint for each command. In
// order of cost: what is no command is counted, what is too large or too much
// is refused, and only then a goroutine of its own looks into the message.

const startWithin = 2 * time.Second // a live command that has not begun by then is refused

// startService subscribes to every live command.
func (c *Commands) startService() (*microservice.Service, error) {
	s := microservice.New(c.NATS, c.cfg.Version, map[string]string{"prefix": string(c.cfg.Prefix), "tenant": c.cfg.Tenant}, c.Guard, c.Log)
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		name := subjects.Command(spec.Name)
		if calls[name] == nil {
			continue
		}
		err := s.Add(spec.Noun()+"-"+spec.Verb(), c.cfg.Prefix.Live(name), func(e *microservice.Endpoint, msg *nats.Msg) { c.take(spec, e, msg) })
		if err != nil {
			return s, err
		}
	}
	return s, s.Answer()
}

// incoming is what is kept of a request. Whoever held the message itself would
// also hold every message that was queued behind it.
type incoming struct {
	arrival
	spec  *schema.Command
	reply string
	at    *microservice.Endpoint
	came  time.Time
}

// take hands each command to a goroutine of its own: a subscription's handler
// runs for one message at a time.
func (c *Commands) take(spec *schema.Command, e *microservice.Endpoint, msg *nats.Msg) {
	request := incoming{arrival{header: msg.Header, data: msg.Data, id: uuid.NewString()}, spec, msg.Reply, e, time.Now()}
	if why := c.Guard.JudgeRequest(msg); why != "" {
		c.turnAway(request, why)
		return
	}
	size := msg.Size() - len(msg.Subject) - len(msg.Reply)
	if request.arrival = request.bounded(spec, size); request.tooLarge {
		size = 0 // nothing of it is kept
	}
	if !c.admissionOf(spec).admit(size, func() { c.serve(request) }) {
		c.refuseOverload(request)
	}
}

// turnAway counts what is no command, and tells its sender, if there is one. No
// result event tells of it: that might come back the same way.
func (c *Commands) turnAway(request incoming, why intake.Reason) {
	c.Guard.Ignore(why, request.spec.Name)
	problem := problems[why]
	if problem == nil || request.reply == "" || !c.Guard.MayReply(request.reply) {
		return
	}
	t, r := c.write(unread(request.spec, request.arrival).told(failed(invalidCommand(problem)), replyOnly), request)
	c.answer(t, r, request)
}

// problems are what can be said of it to a sender that waits for a reply.
var problems = map[intake.Reason]*schema.FieldError{
	metrics.IgnoredUnreadable: {Field: "headers", Problem: "cannot be read as those of a NATS message"},
	metrics.IgnoredOwn:        {Field: "type", Problem: "is that of the connector's own CloudEvents, which are no commands"},
}

func (c *Commands) serve(request incoming) {
	leave, err := c.admissionOf(request.spec).enterWithin(c.Life.Work, startWithin, c.Metrics.Live)
	if err != nil {
		c.refuseOverload(request)
		return
	}
	defer leave()
	if why := c.Guard.Judge(request.header, request.data); why != "" {
		c.turnAway(request, why)
		return
	}
	spec := request.spec
	cmd, refused := readLive(request)
	ctx, span := c.trace(c.Life.Work, cmd, tracing.Live, request.came)
	defer span.End()
	ctx, cancel := context.WithTimeout(ctx, timeFor(spec, c.cfg.CallTimeout))
	defer cancel()
	t := c.runLive(ctx, cmd, refused, leave)
	if spec.Local && !c.localEvents.Allow() {
		t.how = replyOnly
	}
	t, r := c.written(t, request)
	if t.Error != nil {
		span.Fail(string(t.Error.Code))
	}
	c.tell(t, r, request)
}

func (c *Commands) admissionOf(spec *schema.Command) *admission {
	if spec.Local {
		return c.local
	}
	return c.admission
}

// refuseOverload answers a command that was never looked at. No result event
// tells of it: it would only add to the load.
func (c *Commands) refuseOverload(request incoming) {
	failure := unavailable("the connector has too much to do: try again later")
	spec := request.spec
	t, r := c.write(unread(spec, request.arrival).told(failed(failure), replyOnly), request)
	c.tell(t, r, request)
}

// telling is how an outcome is told.
type telling int

const (
	replyOnly    telling = iota // its event is another's to publish, or there is none
	publishTried                // it is not recorded: its event is tried for as long as a call may take
	publishOwed                 // it is recorded: the outbox has it until its event is stored
)

// told is what became of a live command, and how it is to be told.
type told struct {
	of journal.Identity // the command's
	outcome
	how      telling
	form     schema.Form // of the reply
	question bool        // nothing was to be run: what it came to is no command's failure
	repeated bool        // it is what the command came to before
	debt     *debt       // that ends when an owed event is stored
	result   *result     // if it is written already
}

func (c *command) told(o outcome, how telling) told {
	return told{of: c.Identity, outcome: o, how: how, form: c.form, question: c.question}
}

// toldOwed is an outcome on record, of which the event is to be published.
func (c *command) toldOwed(o outcome, owed *debt) told {
	t := c.told(o, publishOwed)
	t.debt = owed
	return t
}

// toldAlready is an outcome of which the event is published, or being so. Its
// result was written for what was to be said.
func (c *command) toldAlready(o outcome, r result) told {
	t := c.told(o, replyOnly)
	if o.At.Equal(r.at) {
		t.result = &r
	}
	return t
}

func readLive(request incoming) (*command, *schema.Error) {
	cmd, refused := read(request.spec, request.arrival)
	if request.reply == "" {
		cmd.form = "" // nothing is to be written for it
	}
	return cmd, refused
}

// runLive runs a command as far as it is to be run. It gives its place up, by
// leave, where it only waits.
func (c *Commands) runLive(ctx context.Context, cmd *command, refused *schema.Error, leave func()) told {
	switch {
	case refused == nil && cmd.isExpired(time.Now()):
		return c.tooLate(ctx, cmd, leave)
	case refused != nil:
		return cmd.told(c.about(ctx, cmd, failed(refused)), publishTried)
	case cmd.spec.Read || c.Failpoints.LeavesOut(failpoint.Journal):
		return cmd.told(c.about(ctx, cmd, c.call(ctx, cmd)), publishTried)
	}
	return c.runOnce(ctx, cmd, leave)
}

// written is the outcome as CloudEvents.
func (c *Commands) written(t told, request incoming) (told, result) {
	if t.result != nil {
		return t, *t.result
	}
	return c.write(t, request)
}

// write is the outcome as CloudEvents. One that can be told neither on the bus
// nor beside it is told as a failure, and if it is on record its event later.
func (c *Commands) write(t told, request incoming) (told, result) {
	form := t.form
	if request.reply == "" {
		form = ""
	}
	r, err := c.build(c.Life.Work, t.of, t.outcome, form)
	if err == nil {
		return t, r
	}
	c.logOf(t.of).Warn("a result could not be written", "error", err)
	if t.how == publishOwed {
		c.debts.abandon(t.debt)
		t.how = replyOnly
	}
	t.Error, t.Result, t.Request = unwritten(t.of.Command, err), nil, nil
	if r, err = c.build(c.Life.Work, t.of, t.outcome, form); err != nil { // the outbox and the log have it
		t.how = replyOnly
		return t, result{}
	}
	return t, r
}

// tooLate runs nothing: the command's time is over. But if it is a repeat, it gets
// what is on record.
func (c *Commands) tooLate(ctx context.Context, cmd *command, leave func()) told {
	finding, cancel := context.WithTimeout(ctx, startWithin)
	earlier, err := c.Journal.Find(finding, cmd.Key)
	cancel()
	if err == nil && earlier != nil {
		return c.repeat(ctx, cmd, earlier, leave)
	}
	refused, how := expired(), publishTried
	if err != nil {
		refused = unavailable("JetStream did not tell in time what is on record of the command")
	}
	if cmd.question {
		how = replyOnly
	}
	cmd.refuse()
	return cmd.told(c.about(ctx, cmd, failed(refused)), how)
}

func expired() *schema.Error {
	return refuse(schema.CodeExpired, "the command's time was over before it could begin")
}

// tell publishes the outcome, then replies: who has the reply may rely on the
// event being there.
func (c *Commands) tell(t told, r result, request incoming) {
	if t.how != replyOnly {
		c.awaitPublished(t, r)
	}
	c.count(t, request)
	c.answer(t, r, request)
}

// count notes what a command has come to. A repeat has come to that before, and is
// counted when it is known as one; and of a question nothing was to be run.
func (c *Commands) count(t told, request incoming) {
	if !t.question && !t.repeated {
		c.Metrics.Live.Done(request.spec.Name, t.Error, time.Since(request.came))
	}
}

// answer replies, if a reply is wanted.
func (c *Commands) answer(t told, r result, request incoming) {
	defer func() { request.at.Note(t.failure(), time.Since(request.came)) }()
	if request.reply == "" || r.reply == nil {
		return
	}
	if err := c.reply(request, r, t.Error); err != nil {
		c.logOf(t.of).Warn("a reply could not be sent", "error", err)
	}
}

// failure is what the service's statistics have of it.
func (t told) failure() string {
	if t.question {
		return ""
	}
	return oneLined(t.Error)
}

// publishLater leaves a result to the outbox, if it is on record.
func (c *Commands) publishLater(t told) {
	if t.how == publishOwed {
		c.debts.abandon(t.debt)
	}
	c.Log.Debug("a result is not published now: too many wait for the stream of events", "command", t.of.Command, "commandId", t.of.ID)
}

// publishTold publishes a result.
func (c *Commands) publishTold(t told, r result) {
	var err error
	switch t.how {
	case publishOwed:
		var instead *outcome
		if instead, err = c.publishOnce(c.Life.Work, r, t.outcome, t.At); instead != nil {
			err = c.bringInLine(c.Life.Work, t.of, *instead)
		}
		c.debts.end(t.debt, err)
	default:
		ctx, cancel := context.WithTimeout(c.Life.Work, c.cfg.CallTimeout)
		defer cancel()
		_, err = c.publish(ctx, r)
	}
	if err != nil {
		c.logOf(t.of).Error("a result could not be published", "error", err)
	}
}

// awaitPublished returns when the result event is stored, or when the reply
// must not wait longer for that; then it goes on being tried, without the reply,
// which may be much larger.
func (c *Commands) awaitPublished(t told, r result) {
	r.reply = nil
	if !c.publishing.TryAcquire(1) {
		c.publishLater(t)
		return
	}
	done := make(chan struct{})
	work := func() {
		defer close(done)
		defer c.publishing.Release(1)
		c.publishTold(t, r)
	}
	if !c.asides.Go(work) { // leaving: the command itself is waited for
		work()
	}
	timer := time.NewTimer(replyPatience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func (c *Commands) reply(request incoming, r result, failure *schema.Error) error {
	r.reply.Subject = request.reply
	if failure != nil {
		r.reply.Header[micro.ErrorCodeHeader] = []string{string(failure.Code)}
		r.reply.Header[micro.ErrorHeader] = []string{oneLine(cut(failure.Message))}
	}
	return c.NATS.PublishMsg(r.reply)
}
