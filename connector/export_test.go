package connector

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/health"
	"cc-connector/connector/internal/poller"
	"cc-connector/subjects"
)

// Without leaves a safeguard out, as nothing but a test can.
func (c *Config) Without(name string) {
	c.failpoints.LeftOut = map[failpoint.Mechanism]bool{failpoint.Mechanism(name): true}
}

// Hasten shortens the patience with sessions that are missing, unfound, or whose
// end was announced.
func (c *Config) Hasten(missing, unfound, announced time.Duration) {
	c.patience = poller.Patience{Missing: missing, Unfound: unfound, Announced: announced}
}

// TellAtOnce has readiness tell of what may pass in a moment, too, and at once when it
// is over, but for a contact center that is away: most tests have that one fail.
func (c *Config) TellAtOnce() {
	c.quiet = time.Nanosecond
	c.passing = health.Patience{health.ContactCenter: health.Usual[health.ContactCenter]}
}

// TellAfter has readiness be so patient with what may pass, whatever it is.
func (c *Config) TellAfter(d time.Duration) {
	c.passing = health.Patience{}
	for part := range health.Usual {
		c.passing[part] = d
	}
}

// At has hook called whenever a point between two effects is reached, with its name.
func (c *Config) At(hook func(name string)) {
	names := Points()
	c.failpoints.Reached = func(p failpoint.Point) { hook(names[string(p)]) }
}

// Safeguards are all of them, as the source has them: their names by what they are in words.
func Safeguards() map[string]string { return constants("Mechanism") }

// Points are all of them.
func Points() map[string]string { return constants("Point") }

// constants are the names of all constants of a type by their values. They are read from the source, so that none can be forgotten.
func constants(kind string) map[string]string {
	file, err := parser.ParseFile(token.NewFileSet(), "internal/failpoint/failpoint.go", nil, parser.SkipObjectResolution)
	if err != nil {
		panic(err)
	}
	found := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || spec.Type == nil || len(spec.Values) != 1 {
			return true
		}
		name, typed := spec.Type.(*ast.Ident)
		literal, quoted := spec.Values[0].(*ast.BasicLit)
		if typed && quoted && name.Name == kind {
			value, _ := strconv.Unquote(literal.Value)
			found[value] = spec.Names[0].Name
		}
		return true
	})
	return found
}

// WakeUp makes a chat's lease what it is to a process that wakes up when it may
// have lost it, while the answer to an earlier heartbeat waits to be noted;
// confirm notes it.
func (c *Connector) WakeUp(chat subjects.ChatToken) (isHeld func() bool, confirm func()) {
	lease := c.parts.poller.LeaseOf(chat)
	confirm = lease.WakeUp()
	return func() bool { return c.parts.poller.LeaseOf(chat) == lease }, confirm
}

// LoseAcks has publications on subjects that end so be stored and not
// confirmed, for as long as lost says so. Before it runs.
func (c *Connector) LoseAcks(ending string, lost *atomic.Bool) {
	c.js = &ackLoser{c.js, ending, lost}
}

type ackLoser struct {
	jetstream.JetStream
	ending string
	lost   *atomic.Bool
}

func (l *ackLoser) PublishMsg(ctx context.Context, msg *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	ack, err := l.JetStream.PublishMsg(ctx, msg, options...)
	if err == nil && l.lost.Load() && strings.HasSuffix(msg.Subject, l.ending) {
		return nil, errors.New("the answer is lost")
	}
	return ack, err
}

// BeforePublishing has hook called before a publication that is waited for goes
// out. If it returns an error, nothing goes out. Before it runs.
func (c *Connector) BeforePublishing(hook func(*nats.Msg) error) { c.js = &hookedPublisher{c.js, hook} }

type hookedPublisher struct {
	jetstream.JetStream
	hook func(*nats.Msg) error
}

func (p *hookedPublisher) PublishMsg(ctx context.Context, msg *nats.Msg, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if err := p.hook(msg); err != nil {
		return nil, err
	}
	return p.JetStream.PublishMsg(ctx, msg, options...)
}

// LoseOutboxEntries has the outbox entries be stored and not confirmed, for as long as
// lost says so; meanwhile is called before that is known. Before it runs.
func (c *Connector) LoseOutboxEntries(lost *atomic.Bool, meanwhile func()) {
	c.js = &entryLoser{c.js, lost, meanwhile}
}

type entryLoser struct {
	jetstream.JetStream
	lost      *atomic.Bool
	meanwhile func()
}

func (l *entryLoser) PublishMsgAsync(msg *nats.Msg, options ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	ack, err := l.JetStream.PublishMsgAsync(msg, options...)
	if l.lost.Load() {
		ack = &lostAck{ack, l.meanwhile}
	}
	return ack, err
}

type lostAck struct {
	jetstream.PubAckFuture
	meanwhile func()
}

func (a *lostAck) Ok() <-chan *jetstream.PubAck { return nil }

func (a *lostAck) Err() <-chan error {
	a.meanwhile()
	lost := make(chan error, 1)
	lost <- errors.New("the answer is lost")
	return lost
}

// SettleAsDead does what another replica does when this one seems to have died.
func (c *Connector) SettleAsDead() error { return c.parts.commands.SettleAsDead() }

// Owed is how many live commands it has not settled.
func (c *Connector) Owed() int { return c.parts.commands.Owed() }

// TryForbiddenAgainAfter shortens for how long a permission that is missing says something about now.
func (c *Connector) TryForbiddenAgainAfter(d time.Duration) { c.allowed.Memory = d }

// States are what it knows of the chats that it holds.
func (c *Connector) States() []poller.ChatState { return c.parts.poller.States() }
