package poller

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/connector/internal/attachments"
	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/chatlog"
	"cc-connector/connector/internal/chats"
	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/lease"
	"cc-connector/connector/internal/metrics"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/throttle"
	"cc-connector/connector/internal/tracing"
	"cc-connector/connector/internal/translate"
	"cc-connector/subjects"
)

// Config is what the poller depends on.
type Config struct {
	Prefix        subjects.Prefix
	MaxChats      int           // polled by this replica at most
	CallTimeout   time.Duration // of a command's call, which may be answered with events
	FailoverAfter time.Duration // a silent replica's chats are taken over after this
	Patience      Patience      // with the end of a session
}

// Needs are what the poller works with.
type Needs struct {
	NATS       *nats.Conn
	JetStream  jetstream.JetStream
	Client     *brightpattern.Client
	Streams    *bus.Streams
	Publisher  *bus.Publisher
	Leases     *lease.Keeper
	Health     *bus.Health
	Naming     translate.Naming
	Chats      *chats.Chats
	Registry   *replicas.Registry
	Room       *replicas.Room
	Self       replicas.ID
	Files      *attachments.Fetcher
	Budget     *throttle.Budget
	Places     *throttle.Places
	Refusals   *throttle.Refusals
	Metrics    *metrics.Chats
	Watched    *metrics.Health
	Events     *metrics.Events
	Traces     *tracing.Tracer
	Life       *drain.Lifetime
	Failpoints failpoint.Plan
	Log        *slog.Logger
}

// Poller is that of one replica.
type Poller struct {
	Needs
	cfg      Config
	logs     chatlog.Needs
	held     *held
	answers  drain.Gate    // to requests, which leaving waits for
	pulled   chan struct{} // closed when no pull of tokens stands any more
	requests *nats.Subscription

	restored   bus.Lives // of the streams in which all is that this replica knows; of Restore alone
	busy       busy      // of Restore alone
	swept      time.Time // creation of the token stream in which every open chat has its token; of Restore alone
	lookedBack uint64    // end of the stream of events when its fences were looked at; of Tend alone
	waiting    int       // chats without a place anywhere, as the log has it; of KeepShare alone

	watchdog watchdog
}

// New polls nothing yet.
func New(n Needs, cfg Config) *Poller {
	cfg.Patience = cfg.Patience.WithDefaults()
	return &Poller{
		Needs: n, cfg: cfg, held: newHeld(cfg.MaxChats), pulled: make(chan struct{}), watchdog: newWatchdog(),
		logs: chatlog.Needs{Publisher: n.Publisher, Events: n.Streams.Events, Naming: n.Naming, Traces: n.Traces, Failpoints: n.Failpoints},
	}
}

// Presence is what this replica says of itself.
func (p *Poller) Presence() replicas.Replica {
	return replicas.Replica{MaxChats: p.cfg.MaxChats, Chats: p.held.count()}
}

// LeaseOf is that of a chat which is held here, else nil.
func (p *Poller) LeaseOf(chat subjects.ChatToken) *lease.Lease {
	if h := p.held.find(chat); h != nil {
		return h.lease
	}
	return nil
}

// Listen answers requests for the chats held here.
func (p *Poller) Listen() (err error) {
	p.requests, err = p.Chats.Listen(p.takeRequest)
	return err
}

// Leave closes every poll; each holder then gives its token back.
func (p *Poller) Leave() { p.held.leave(p.endForLeaving) }

func (p *Poller) endForLeaving(h *holder) { h.polling.end(replicaLeaves) }

// Wait returns when every chat has been let go.
func (p *Poller) Wait() { p.held.running.Wait() }

// Close returns when every request has been answered.
func (p *Poller) Close() error {
	p.answers.Close()
	return p.requests.Unsubscribe()
}

const (
	// Tokens that are handed to a frozen replica are lost to the others for
	// AckWait, so no replica asks for many at a time.
	tokensPerPull = 64
	// Chats that are taken over together are not polled in one breath.
	takeoverJitter = 250 * time.Millisecond
)

// Pull takes session tokens as long as there is room, until ctx ends.
func (p *Poller) Pull(ctx context.Context) {
	defer close(p.pulled)
	isFull := false
	bus.Pull{
		JetStream: p.JetStream, Queue: p.Streams.Holders, Doing: "fetching chats to poll", Failing: "NATS does not say which chats to poll",
		Room: func(ctx context.Context) int {
			isFull = isFull && !p.held.isRoomy()
			return p.held.waitForRoom(ctx, func() {
				if !isFull {
					p.Log.Warn("CC_MAX_CHATS is reached: further chats wait for another replica, or for one of these to end", "chats", p.cfg.MaxChats)
				}
				isFull = true
			})
		},
		Request: func(room int) (int, bus.Priority) {
			most, priority := p.held.appetite(room)
			return most, bus.Priority{Group: bus.HoldersGroup, Level: priority}
		},
		Take: p.take, Health: p.Health, Log: p.Log,
	}.Run(ctx)
}

// take begins to hold the chat of a token, or goes on holding it by a newer
// delivery.
func (p *Poller) take(msg *nats.Msg) {
	var token chats.Token
	key, handle := chats.Key{}, p.Leases.Handle(msg)
	err := json.Unmarshal(msg.Data, &token)
	if err == nil {
		key, err = chats.KeyOf(token.ChatID)
	}
	if err != nil { // nobody else may write there; a token that cannot be read would come back for ever
		p.Log.Error("a session token cannot be read and is dropped", "error", err)
		_ = handle.Term()
		return
	}
	if h := p.held.find(key.Token); h != nil && h.lease.Replace(handle) {
		return
	}
	p.start(p.newHolder(key, token, msg))
}

func (p *Poller) start(h *holder) {
	if !p.held.add(h) {
		p.answers.Go(func() { h.handOver(replicaLeaves) })
		return
	}
	p.Metrics.Open.Inc()
	go h.run()
}

// letGo is the end of a holder.
func (p *Poller) letGo(h *holder) {
	h.polling.end(leaseEnded)
	p.Health.LetGo(string(h.chat.Token))
	close(h.done)
	p.held.remove(h)
	p.Metrics.Open.Dec()
}

func (p *Poller) newHolder(key chats.Key, token chats.Token, msg *nats.Msg) *holder {
	options := lease.Options{Wait: p.Streams.Holders.CachedInfo().Config.AckWait}
	if p.Failpoints.LeavesOut(failpoint.SelfFence) {
		options.Margin = 1e6
	}
	log := logOf(p.Log, key.ID)
	held := p.Leases.Hold(p.Life.Work, p.Leases.Handle(msg), options)
	delivery, err := msg.Metadata()
	h := &holder{
		poller: p, chat: key, token: token, lease: held, log: log,
		fresh:   token.IsNewChat && err == nil && delivery.NumDelivered == 1,
		polling: newPolling(held.Context()), done: make(chan struct{}),
		chatLog: chatlog.New(p.logs, key, token.AppID, log),
	}
	h.progress.step(time.Now())
	return h
}
