package command

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/journal"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// The live lane: a NATS micro service with an endpoint for each command.

const (
	serviceName = "cc-connector"
	startWithin = 2 * time.Second // a live command that has not begun by then is refused
	callsMost   = 3               // no command makes more calls, each with its own time-out
	// Whoever waits for the reply of a command that is done gives up, too, and
	// may repeat it: so a reply waits no longer than this for its event to be stored.
	replyPatience = 2 * time.Second
)

// startService subscribes to every live command.
func (c *Commands) startService() (micro.Service, error) {
	service, err := micro.AddService(c.NATS, micro.Config{
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

// incoming is what is kept of a request. The request itself is the framework's
// again when its handler returns, and whoever held it would also hold every
// message that was queued behind it.
type incoming struct {
	arrival
	reply string
}

// handler hands each command to a goroutine of its own: the micro framework
// runs an endpoint's handlers one at a time.
func (c *Commands) handler(spec *schema.Command) micro.Handler {
	return micro.HandlerFunc(func(r micro.Request) {
		request := incoming{arrival{header: nats.Header(r.Headers()), data: r.Data(), id: uuid.NewString()}, r.Reply()}
		if !c.admission.admit(func() { c.serve(spec, request) }) {
			c.refuseOverload(spec, request)
		}
	})
}

func (c *Commands) serve(spec *schema.Command, request incoming) {
	waiting, cancel := context.WithTimeout(c.Life.Work, startWithin)
	leave, err := c.admission.enter(waiting)
	cancel()
	if err != nil {
		c.refuseOverload(spec, request)
		return
	}
	defer leave()

	began := time.Now()
	ctx, cancel := context.WithTimeout(c.Life.Work, callsMost*c.cfg.CallTimeout)
	defer cancel()
	t := c.runLive(ctx, spec, request.arrival, leave)
	took := time.Since(began)
	t, r := c.write(t)
	c.Metrics.Command(spec.Name, t.Error, took)
	c.tell(t, r, request)
}

// refuseOverload answers a command that was never looked at. No result event
// tells of it: it would only add to the load.
func (c *Commands) refuseOverload(spec *schema.Command, request incoming) {
	failure := unavailable("the connector has too much to do: try again later")
	c.Metrics.Command(spec.Name, failure, 0)
	t, r := c.write(told{of: unread(spec, request.arrival).Identity, outcome: failed(failure), how: replyOnly})
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
	how telling
}

// runLive runs a command as far as it is to be run. It gives its place up, by
// leave, where it only waits.
func (c *Commands) runLive(ctx context.Context, spec *schema.Command, a arrival, leave func()) told {
	cmd, refused := read(spec, a)
	if refused == nil && cmd.isExpired(time.Now()) {
		cmd.refuse()
		refused = expired()
	}
	switch {
	case refused != nil:
		return told{cmd.Identity, c.placed(ctx, cmd, failed(refused)), publishTried}
	case spec.Read || c.Failpoints.LeavesOut(failpoint.Journal):
		return told{cmd.Identity, c.placed(ctx, cmd, c.call(ctx, cmd)), publishTried}
	}
	return c.runOnce(ctx, cmd, leave)
}

func expired() *schema.Error {
	return refuse(schema.CodeExpired, "the command's time was over before it could begin")
}

// tell publishes the outcome, then replies: who has the reply may rely on the
// event being there.
func (c *Commands) tell(t told, r result, request incoming) {
	if t.how != replyOnly {
		c.awaitPublished(func() { c.publishTold(t, r) })
	}
	if request.reply == "" || r.reply == nil {
		return
	}
	if err := c.reply(request, r, t.Error); err != nil {
		c.Log.Warn("a reply could not be sent", "command", t.of.Command, "error", err)
	}
}

// publishTold publishes a result.
func (c *Commands) publishTold(t told, r result) {
	var err error
	switch t.how {
	case publishOwed:
		err = c.publishOnce(c.Life.Work, r, t.outcome, false)
		c.Outbox.Leave(owedOutcome(t.of.Key), err == nil)
	default:
		ctx, cancel := context.WithTimeout(c.Life.Work, c.cfg.CallTimeout)
		defer cancel()
		err = c.publish(ctx, r)
	}
	if err != nil {
		c.Log.Error("a result could not be published", "command", t.of.Command, "error", err)
	}
}

// awaitPublished returns when the result event is stored, or when the reply
// must not wait longer for that; then it goes on being tried.
func (c *Commands) awaitPublished(publish func()) {
	done := make(chan struct{})
	work := func() {
		defer close(done)
		publish()
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
		r.reply.Header[micro.ErrorHeader] = []string{oneLine(failure.Message)}
	}
	return c.NATS.PublishMsg(r.reply)
}
