// Package outbox is what replicas still owe.
//
// JetStream delivers a durable command again when its replica dies; nobody
// does so with a live one. But the journal has a record of each that was begun.
// So a replica writes down behind what mark in the journal all stands that it may
// owe, before it begins a command, and from time to time as the mark moves. In the
// same way it writes down a chat of which an answer may have been lost, until the
// chat's holder knows. What is left by a replica that is no more is taken over by
// the others: they read the entries again and again, and all that they do is
// harmless to do twice.
package outbox

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
)

// Kind is what is owed.
type Kind string

// Entry is one thing that is owed. Kind and key are NATS tokens: they stand in
// the connector's own memory as owed.<replica>.<kind>.<key>.
type Entry struct {
	Kind Kind
	Key  string
}

// Owner settles the entries of a kind.
type Owner interface {
	// Adopt does what a dead replica owed, or makes it this replica's own. When
	// it succeeds the other's entry goes.
	Adopt(ctx context.Context, of replicas.ID, key string, found bus.Value) error
	// Resume goes on with what this replica could not settle, which has been
	// entered again, and leaves it.
	Resume(ctx context.Context, key, content string)
}

// Outbox is this replica's. It may be used from any goroutine.
type Outbox struct {
	nc       *nats.Conn
	bucket   *bus.Bucket
	registry *replicas.Registry
	self     replicas.ID
	keep     time.Duration // how long an entry lasts
	every    time.Duration // how often others' are looked for
	log      *slog.Logger

	mu        sync.Mutex
	active    map[Entry]*activity // that somebody is at work on
	abandoned map[Entry]string    // that could not be settled, with their contents

	standing func(context.Context) error // writes again what stands there all the time
	outcry   retry.Outcry
}

// activity is how many are at work on an entry, and whether one of them failed.
type activity struct {
	count   int
	failed  bool
	content string
}

// Config is how long things last.
type Config struct {
	Keep          time.Duration // an entry; whole seconds are kept
	FailoverAfter time.Duration // a replica that is silent for so long is dead
}

// New keeps the entries of a replica in a bucket.
func New(nc *nats.Conn, bucket *bus.Bucket, registry *replicas.Registry, self replicas.ID, cfg Config, log *slog.Logger) *Outbox {
	return &Outbox{
		nc: nc, bucket: bucket, registry: registry, self: self, log: log,
		keep: bus.WholeSeconds(cfg.Keep), every: cfg.FailoverAfter / 2,
		active: make(map[Entry]*activity), abandoned: make(map[Entry]string),
		standing: func(context.Context) error { return nil },
	}
}

// Stand says who writes again, if the bucket was lost, what stands there all the
// time. Before Run.
func (o *Outbox) Stand(write func(context.Context) error) { o.standing = write }

func key(of replicas.ID, e Entry) string {
	return strings.Join([]string{"owed", string(of), string(e.Kind), e.Key}, ".")
}

// Enter says that somebody is at work on the entry, until Leave is called.
func (o *Outbox) Enter(e Entry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.active[e] == nil {
		o.active[e] = &activity{}
	}
	o.active[e].count++
}

// Leave takes the entry away, or leaves it to be looked into again.
func (o *Outbox) Leave(e Entry, settled bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a := o.active[e]
	a.failed = a.failed || !settled
	if a.count--; a.count > 0 {
		return
	}
	delete(o.active, e)
	if a.failed {
		o.abandoned[e] = a.content
		return
	}
	if _, waits := o.abandoned[e]; !waits {
		o.clear(o.self, e)
	}
}

// LeaveWith leaves the entry to be looked into again, with something that
// whoever does so, here or elsewhere, is to know.
func (o *Outbox) LeaveWith(e Entry, content string) {
	o.mu.Lock()
	o.active[e].content = content
	o.mu.Unlock()
	msg := nats.NewMsg(o.bucket.Target(key(o.self, e)))
	msg.Header.Set(jetstream.MsgTTLHeader, o.keep.String())
	msg.Data = []byte(content)
	_ = o.nc.PublishMsg(msg) // another replica can do without
	o.Leave(e, false)
}

// Write has NATS know of the entry. Nobody else writes there.
func (o *Outbox) Write(ctx context.Context, e Entry) error { return o.WriteWith(ctx, e, "") }

// WriteWith is Write with something that another replica is to know, but can do without.
func (o *Outbox) WriteWith(ctx context.Context, e Entry, content string) error {
	return o.bucket.Put(ctx, key(o.self, e), []byte(content), o.keep)
}

// PutBack writes again what somebody here is at work on: the bucket was lost.
func (o *Outbox) PutBack(ctx context.Context) error {
	for _, e := range o.Active() {
		if err := o.Write(ctx, e); err != nil {
			return err
		}
	}
	return o.standing(ctx)
}

// Send is Write that waits only when its outcome is asked for. What this
// process writes after Send has returned reaches NATS after the entry.
func (o *Outbox) Send(ctx context.Context, e Entry) (outcome func() error) {
	return o.bucket.PutAsync(ctx, key(o.self, e), o.keep)
}

// clear takes an entry away, and does not wait for it: one that stays is looked
// into when this replica is no more, and found settled.
func (o *Outbox) clear(of replicas.ID, e Entry) { _ = o.nc.PublishMsg(o.clearing(of, e)) }

// clearFound is clear for an entry as it was found: its replica may be back, and
// have written it anew.
func (o *Outbox) clearFound(of replicas.ID, e Entry, found bus.Value) {
	msg := o.clearing(of, e)
	msg.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(found.Revision, 10))
	_ = o.nc.PublishMsg(msg)
}

func (o *Outbox) clearing(of replicas.ID, e Entry) *nats.Msg {
	msg := nats.NewMsg(o.bucket.Target(key(of, e)))
	msg.Header.Set("KV-Operation", "PURGE")
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	msg.Header.Set(jetstream.MsgTTLHeader, "1s")
	return msg
}

// Clear takes away an entry of this replica that nobody is at work on.
func (o *Outbox) Clear(e Entry) { o.clear(o.self, e) }

// Active are the entries that somebody here is at work on.
func (o *Outbox) Active() []Entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []Entry
	for e := range o.active {
		all = append(all, e)
	}
	return all
}

// takeAbandoned enters what this replica could not settle, but for what it is
// at work on again.
func (o *Outbox) takeAbandoned() map[Entry]string {
	o.mu.Lock()
	defer o.mu.Unlock()
	taken := make(map[Entry]string)
	for e, content := range o.abandoned {
		if o.active[e] == nil {
			delete(o.abandoned, e)
			o.active[e] = &activity{count: 1, content: content}
			taken[e] = content
		}
	}
	return taken
}

// Run looks after what this replica could not settle, and what dead ones owe,
// until ctx ends.
func (o *Outbox) Run(ctx context.Context, owners map[Kind]Owner) {
	trouble := &retry.Trouble{Log: o.log, Doing: "looking after what other replicas owe"}
	for before := (map[owed]bool)(nil); ctx.Err() == nil; retry.Sleep(ctx, o.every) {
		for e, content := range o.takeAbandoned() {
			owners[e.Kind].Resume(ctx, e.Key, content)
		}
		orphans, err := o.orphans(ctx)
		if err != nil {
			if ctx.Err() == nil {
				trouble.Note(err)
			}
			continue
		}
		for d := range orphans {
			if before[d] && owners[d.Kind] != nil { // a replica that NATS was away from comes back
				o.NoteUnsettled(ctx, o.adopt(ctx, d, owners[d.Kind]))
			}
		}
		before = orphans
	}
}

// NoteUnsettled logs why something owed is not settled yet, if it is not.
func (o *Outbox) NoteUnsettled(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		o.outcry.Note(o.log, "what a replica owed is not settled yet", err)
	}
}

// owed is an entry with the replica that owes it.
type owed struct {
	of replicas.ID
	Entry
}

// orphans are the entries of replicas that are no more.
func (o *Outbox) orphans(ctx context.Context) (map[owed]bool, error) {
	all, err := o.all(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	alive, err := o.registry.Alive(ctx)
	if err != nil {
		return nil, err
	}
	orphans := make(map[owed]bool)
	for _, d := range all {
		if _, lives := alive[d.of]; !lives && d.of != o.self {
			orphans[d] = true
		}
	}
	return orphans, nil
}

// all are the entries that stand there, whoever owes them.
func (o *Outbox) all(ctx context.Context) ([]owed, error) {
	keys, err := o.bucket.Keys(ctx, "owed.")
	if err != nil {
		return nil, err
	}
	var found []owed
	for _, k := range keys {
		if tokens := strings.Split(k, "."); len(tokens) == 4 { // owed.<replica>.<kind>.<key>
			found = append(found, owed{replicas.ID(tokens[1]), Entry{Kind(tokens[2]), tokens[3]}})
		}
	}
	return found, nil
}

func (o *Outbox) adopt(ctx context.Context, d owed, owner Owner) error {
	found, err := o.bucket.Get(ctx, key(d.of, d.Entry))
	if err != nil || found.Revision == 0 { // the marker of an entry that was cleared
		return err
	}
	if err := owner.Adopt(ctx, d.of, d.Key, found); err != nil {
		return err
	}
	o.clearFound(d.of, d.Entry, found)
	return nil
}
