package command

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/clients"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/intake"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/microservice"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/queue"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
	"cc-connector/connector/internal/tracing"
	"cc-connector/connector/internal/translate"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// Config is what commands depend on.
type Config struct {
	Prefix        subjects.Prefix
	Tenant        string // in the micro service's metadata
	Version       string // of the micro service, SemVer
	Apps          []chats.App
	APNsBundleID  string        // of a push.apns that names none
	CallTimeout   time.Duration // of one call
	CommandMaxAge time.Duration // how long a durable command is tried
	FailoverAfter time.Duration // a replica that is silent for so long is dead
	MaxCalls      int           // commands under way at once, and as many waiting
	FileMaxBytes  int64         // the largest file that is sent or fetched

	WithoutRequests bool // results do not tell what the command asked for
}

// Needs are what commands work with.
type Needs struct {
	NATS       *nats.Conn
	JetStream  jetstream.JetStream
	Client     *brightpattern.Client
	Streams    *bus.Streams
	Publisher  *bus.Publisher
	Leases     *lease.Keeper
	Health     *bus.Health
	Naming     translate.Naming
	Clients    *clients.Clients
	Chats      *chats.Chats
	Journal    *journal.Journal
	Outbox     *outbox.Outbox
	Registry   *replicas.Registry
	Room       *replicas.Room
	Self       replicas.ID
	Metrics    *metrics.Commands
	Traces     *tracing.Tracer
	Life       *drain.Lifetime
	Guard      *intake.Guard
	Failpoints failpoint.Plan
	Log        *slog.Logger
}

// Commands are those of one replica.
type Commands struct {
	Needs
	*teller
	cfg           Config
	serviceClient brightpattern.ClientID // who asks where no chat's client does
	admission     *admission
	local         *admission // of commands that call nobody
	queues        *queue.Queues
	streamMade    time.Time // of the commands that were pulled last; of the pull alone
	service       *microservice.Service
	progress      *nats.Subscription
	localEvents   *rate.Limiter // results of commands that call nobody
	debts         *debts
	outcry        retry.Outcry
}

// Commands that call nobody are for readers, too. So they have places of their
// own: however many come, they take none from what calls the contact center. A
// place is held until its reply is sent, which may take a megabyte or two.
const (
	localRunning = 8
	localWaiting = 64
	// Of so many a second the results are published: readers must not push the
	// stream's older messages out. Of more there are replies alone.
	localMost  = 2
	localBurst = 40
)

// New runs nothing yet.
func New(n Needs, cfg Config) *Commands {
	c := &Commands{
		Needs: n, cfg: cfg, admission: newAdmission(cfg.MaxCalls, cfg.MaxCalls), teller: newTeller(n, cfg),
		local: newAdmission(localRunning, localWaiting), localEvents: rate.NewLimiter(localMost, localBurst),
		debts:         newDebts(n.Outbox, n.Journal, n.Registry.Every()),
		serviceClient: brightpattern.ClientID(translate.ID("service", cfg.Tenant, string(cfg.Prefix))),
	}
	c.queues = queue.New(queue.Needs{
		NATS: n.NATS, Run: c.runDurable, Head: c.headOf, IsSettled: c.isSettled, Gate: &c.admission.active, Places: n.Metrics.Durable.Places, Work: n.Life.Work, Failpoints: n.Failpoints, Log: n.Log,
	}, queue.Config{Prefix: cfg.Prefix, AckWait: c.ackWait(), Most: cfg.MaxCalls, Slots: cfg.MaxCalls / 2})
	return c
}

func newTeller(n Needs, cfg Config) *teller {
	return &teller{
		prefix: cfg.Prefix, apps: cfg.Apps, withoutRequests: cfg.WithoutRequests,
		journal: n.Journal, publisher: n.Publisher, streams: n.Streams, clients: n.Clients, registry: n.Registry, naming: n.Naming, traces: n.Traces,
		life: n.Life, failpoints: n.Failpoints, log: n.Log, publishing: semaphore.NewWeighted(waitingMost),
	}
}

// Serve subscribes to the live commands, and to what other replicas tell of
// durable ones.
func (c *Commands) Serve() (err error) {
	if c.progress, err = c.queues.Listen(); err != nil {
		return err
	}
	c.service, err = c.startService()
	return err
}

// Pull takes durable commands until ctx ends, and then offers those that wait
// to other replicas.
func (c *Commands) Pull(ctx context.Context) {
	c.pull(ctx)
	c.queues.Leave()
}

// Tend keeps the queues of durable commands tidy, and what is owed of live ones
// known, until ctx ends.
func (c *Commands) Tend(ctx context.Context) {
	var tending sync.WaitGroup
	tending.Go(func() { c.queues.Tend(ctx) })
	tending.Go(func() {
		c.debts.tend(ctx, &retry.Trouble{Log: c.Log, Doing: "telling the other replicas what this one owes"})
	})
	tending.Go(func() { c.resume(ctx) })
	tending.Go(func() { c.countDead(ctx) })
	tending.Wait()
}

// StopIntake takes no more live commands.
func (c *Commands) StopIntake() error { return c.service.Stop() }

// Close returns when the commands under way are done, or given up.
func (c *Commands) Close() error {
	c.admission.active.Close()
	c.local.active.Close()
	c.asides.Close()
	c.debts.leave()
	return c.progress.Unsubscribe()
}

// Durable are the commands that have a durable lane.
func Durable() []schema.Command {
	var durable []schema.Command
	for _, spec := range schema.Commands {
		if spec.Durable && calls[subjects.Command(spec.Name)] != nil {
			durable = append(durable, spec)
		}
	}
	return durable
}

// LatelyFormat is that of the replicas which can run the commands of Lately.
const LatelyFormat = replicas.FormatFiles

// Lately are the durable commands that an earlier version knows and cannot run:
// one that is handed to it would end it.
func Lately() []schema.Command {
	spec, _ := schema.LookupCommand("chat.file")
	return []schema.Command{*spec}
}

// selectApp refuses a launch point that is not configured; the empty name is
// the default one.
func (c *Commands) selectApp(name string) (chats.App, error) {
	for _, app := range c.cfg.Apps {
		if app.Name == name || name == "" {
			return app, nil
		}
	}
	return chats.App{}, refuse(schema.CodeInvalidCommand, "app: names no configured launch point: leave it out for the default one, or use a name of CC_APPS")
}

// appOf is the launch point of a chat: the one that it is known with, else
// the one that is asked for.
func (c *Commands) appOf(ctx context.Context, key chats.Key, name string) (chats.App, error) {
	found, err := c.Chats.Find(ctx, key)
	if errors.Is(err, chats.ErrUnknown) {
		return c.appOfNew(key, name)
	}
	if err != nil {
		return chats.App{}, err
	}
	if name != "" && name != found.App {
		return chats.App{}, refuse(schema.CodeInvalidCommand, "app: the chat is known with another launch point: leave it out")
	}
	return chats.App{Name: found.App, ID: brightpattern.AppID(found.AppID)}, nil
}

// appOfNew is for a chat that is not known yet: whoever names it may have made
// its id up, and it is going to stand in paths.
func (c *Commands) appOfNew(key chats.Key, name string) (chats.App, error) {
	if !schema.FitsPath(string(key.ID)) {
		return chats.App{}, invalidCommand(schema.RefusePath("chatId"))
	}
	return c.selectApp(name)
}
