package connector

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"golang.org/x/sync/semaphore"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// The live lane: a NATS micro service with an endpoint for each command.

const (
	serviceName = "cc-connector"
	startWithin = 2 * time.Second // a live command that has not begun by then is refused
	callsMost   = 3               // no command makes more calls, each with its own time-out
)

// startService subscribes to every live command.
func (c *Connector) startService() (micro.Service, error) {
	service, err := micro.AddService(c.nc, micro.Config{
		Name:        serviceName,
		Version:     c.cfg.Version,
		Description: "Runs contact-center commands and publishes their results",
		QueueGroup:  serviceName,
		Metadata:    map[string]string{"prefix": string(c.cfg.Prefix), "tenant": c.cfg.Tenant},
	})
	if err != nil {
		return nil, err
	}
	for i := range schema.Commands {
		spec := &schema.Commands[i]
		name := subjects.Command(spec.Name)
		if calls[name] == nil {
			continue
		}
		endpoint := name.Noun() + "-" + name.Verb()
		if err := service.AddEndpoint(endpoint, c.handler(spec), micro.WithEndpointSubject(c.cfg.Prefix.Live(name))); err != nil {
			_ = service.Stop()
			return nil, err
		}
	}
	return service, nil
}

// admission bounds the commands under way, and those that wait for a place.
type admission struct {
	admitted *semaphore.Weighted
	running  *semaphore.Weighted
	active   gate
}

func newAdmission(most int) *admission {
	return &admission{admitted: semaphore.NewWeighted(2 * int64(most)), running: semaphore.NewWeighted(int64(most))}
}

// incoming is what is kept of a request. The request itself is the framework's
// again when its handler returns, and whoever held it would also hold every
// message that was queued behind it.
type incoming struct {
	arrival
	reply string
}

// handler hands each command to a goroutine of its own: the micro framework
// runs an endpoint's handlers one at a time.
func (c *Connector) handler(spec *schema.Command) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		request := incoming{arrival{header: nats.Header(r.Headers()), data: r.Data(), id: uuid.NewString()}, r.Reply()}
		if !c.admission.admitted.TryAcquire(1) {
			c.refuseOverload(spec, request)
			return
		}
		begun := c.admission.active.run(func() {
			defer c.admission.admitted.Release(1)
			c.serve(spec, request)
		})
		if !begun {
			c.admission.admitted.Release(1)
			c.refuseOverload(spec, request)
		}
	})
}

func (c *Connector) serve(spec *schema.Command, request incoming) {
	waiting, cancel := context.WithTimeout(c.work, startWithin)
	err := c.admission.running.Acquire(waiting, 1)
	cancel()
	if err != nil {
		c.refuseOverload(spec, request)
		return
	}
	leave := sync.OnceFunc(func() { c.admission.running.Release(1) })
	defer leave()

	began := time.Now()
	ctx, cancel := context.WithTimeout(c.work, callsMost*c.cfg.CallTimeout)
	defer cancel()
	o, settle := c.runLive(ctx, spec, request.arrival, leave)
	c.metrics.command(spec.Name, o.failure, time.Since(began))
	settle(o, request)
}

// refuseOverload answers a command that was never looked at. No result event
// tells of it: it would only add to the load.
func (c *Connector) refuseOverload(spec *schema.Command, request incoming) {
	failure := unavailable("the connector has too much to do: try again later")
	c.metrics.command(spec.Name, failure, 0)
	cmd := unread(spec, request.arrival)
	c.replyOnly(cmd.refuse(failure), request)
}

// runLive runs a command as far as it is to be run, and says how its outcome
// is to be told. It gives its place up, by leave, where it only waits.
func (c *Connector) runLive(ctx context.Context, spec *schema.Command, a arrival, leave func()) (outcome, func(outcome, incoming)) {
	cmd, refused := readCommand(spec, a)
	if refused == nil && cmd.isExpired(time.Now()) {
		refused = expired()
	}
	switch {
	case refused != nil:
		return c.placed(ctx, cmd.refuse(refused)), c.settle
	case spec.Read || c.cfg.rehearsal.without[safeJournal]:
		return c.placed(ctx, c.run(ctx, cmd)), c.settle
	}
	return c.runRecorded(ctx, cmd, leave)
}

func expired() *schema.Error {
	return refuse(schema.CodeExpired, "the command's time was over before it could begin")
}

// run carries a valid command out. A live command of nothing but GETs that
// failed for the moment is tried once more.
func (c *Connector) run(ctx context.Context, cmd *command) outcome {
	a, err := calls[cmd.name](ctx, c, cmd)
	if err != nil && cmd.spec.GET && !cmd.isDurable() && isTransient(err) {
		a, err = calls[cmd.name](ctx, c, cmd)
	}
	c.cfg.rehearsal.reach(pointCalled)
	o := outcome{cmd: cmd, answer: a, at: time.Now().UTC()}
	if err != nil {
		o.failure, o.err = explain(cmd, err), err
		c.noteFailure(cmd, o.failure, err)
	}
	return o
}

// outcome is what a command came to.
type outcome struct {
	answer
	cmd     *command
	failure *schema.Error // nil: it succeeded
	err     error         // what the failure explains
	at      time.Time     // when it was known
}

// settle publishes the outcome of a command that is not recorded, then replies:
// who has the reply may rely on the event being there.
func (c *Connector) settle(o outcome, request incoming) {
	c.awaitPublished(func() {
		ctx, cancel := context.WithTimeout(c.work, c.cfg.CallTimeout)
		defer cancel()
		c.noteUnpublished(o, c.publishResult(ctx, o))
	})
	c.replyOnly(o, request)
}

// settleRecorded does the same for one that is.
func (c *Connector) settleRecorded(o outcome, request incoming, owed note) {
	c.awaitPublished(func() {
		err := c.publishOnce(c.work, o, false)
		c.noteUnpublished(o, err)
		c.notes.leave(owed, err == nil)
	})
	c.replyOnly(o, request)
}

func (c *Connector) noteUnpublished(o outcome, err error) {
	if err != nil {
		c.log.Error("a result could not be published", "command", o.cmd.name, "error", err)
	}
}

// replyOnly answers whoever sent the command.
func (c *Connector) replyOnly(o outcome, request incoming) {
	if request.reply == "" {
		return
	}
	msg, err := c.resultMessage(c.work, o, nil)
	if err == nil {
		err = c.respond(request, msg, o.failure)
	}
	c.noteReply(o.cmd, err)
}

// placed finds out whether a command that failed was on a known chat.
func (c *Connector) placed(ctx context.Context, o outcome) outcome {
	if o.chat.token != "" || o.cmd.chat.token == "" {
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, startWithin) // rather in the wrong place than never
	defer cancel()
	found, err := persist(ctx, c.log, "reading the chat's entry", func(ctx context.Context) (entry, error) {
		found, err := c.known.find(ctx, o.cmd.chat)
		if errors.Is(err, errUnknownChat) {
			return entry{}, nil
		}
		return found, err
	})
	if err == nil && found.revision != 0 {
		o.chat, o.app = o.cmd.chat, brightpattern.AppID(found.AppID)
	}
	return o
}

// replyPatience is how long a reply waits for its event to be stored. Whoever
// waits for the reply of a command that is done gives up, too, and may repeat it.
const replyPatience = 2 * time.Second

// awaitPublished returns when the result event is stored, or when the reply
// must not wait longer for that; then it goes on being tried.
func (c *Connector) awaitPublished(publish func()) {
	done := make(chan struct{})
	work := func() {
		defer close(done)
		publish()
	}
	if !c.asides.run(work) { // leaving: the command itself is waited for
		work()
	}
	timer := time.NewTimer(replyPatience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

func (c *Connector) respond(request incoming, msg *nats.Msg, failure *schema.Error) error {
	msg.Subject = request.reply
	if failure != nil {
		msg.Header[micro.ErrorCodeHeader] = []string{string(failure.Code)}
		msg.Header[micro.ErrorHeader] = []string{oneLine(failure.Message)}
	}
	return c.nc.PublishMsg(msg)
}

// noteFailure logs what an operator may have to mend; refusals and answers of
// the contact center are the sender's business.
func (c *Connector) noteFailure(cmd *command, failure *schema.Error, err error) {
	if failure.Code == schema.CodeInternal {
		c.log.Error("a command failed in the connector", "command", cmd.name, "error", err)
		return
	}
	c.log.Debug("a command failed", "command", cmd.name, "code", failure.Code, "outcome", failure.Outcome)
}

func (c *Connector) noteReply(cmd *command, err error) {
	if err != nil {
		c.log.Warn("a reply could not be sent", "command", cmd.name, "error", err)
	}
}
