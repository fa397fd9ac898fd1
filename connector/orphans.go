package connector

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"cc-connector/connector/brightpattern"
	"cc-connector/schema"
	"cc-connector/subjects"
)

// # Orphans
//
// JetStream delivers a durable command again when its replica dies; nobody
// does so with a live one. So before a live command is recorded as begun, its
// replica notes that it owes an outcome, and takes the note away when the
// result is published. In the same way it notes a chat of which an answer may
// have been lost, until the chat's holder knows. What is noted by a replica
// that is no more is taken over by the others: they read the notes again and
// again, and all that they do is harmless to do twice.

// notes are what replicas owe, in the connector's own memory: under
// owed.<replica>.<what>.<key>.
type notes struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	bucket jetstream.KeyValue
	stream jetstream.Stream // the bucket's
	self   replicaID
	keep   time.Duration

	mu        sync.Mutex
	active    map[note]*activity // this replica's, that it is at work on
	abandoned map[note]activity  // this replica's, that it could not settle
}

// activity is how many are at work on a note, and whether one of them failed.
type activity struct {
	first    time.Time // since when it is owed
	latest   time.Time // and what for was added last
	told     time.Time // up to when it is settled
	count    int
	failed   bool
	uncalled string // a run of the command that made no call
}

// note is one thing that is owed.
type note struct {
	what noteKind
	key  string
}

type noteKind string

const (
	owedOutcome noteKind = "command" // the outcome of a live command, by its key in the journal
	owedLook    noteKind = "look"    // a look into a chat's history, by the chat's token
	owedStray   noteKind = "stray"   // the same for a poll, which may still be held
)

func newNotes(m *members, nc *nats.Conn, keep time.Duration) *notes {
	return &notes{
		nc: nc, js: m.js, bucket: m.bucket, stream: m.stream, self: m.self, keep: wholeSeconds(keep),
		active: make(map[note]*activity), abandoned: make(map[note]activity),
	}
}

func (n *notes) key(of replicaID, it note) string {
	return strings.Join([]string{"owed", string(of), string(it.what), it.key}, ".")
}

func (n *notes) subject(of replicaID, it note) string {
	return "$KV." + n.bucket.Bucket() + "." + n.key(of, it)
}

// enter says that this replica is at work on it, until leave is called.
func (n *notes) enter(it note) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.active[it] == nil {
		n.active[it] = &activity{first: time.Now()}
	}
	n.active[it].count++
}

// add is enter for what one alone is to be at work on; it reports false if
// somebody is, and knows of this one from now on.
func (n *notes) add(it note, first, last time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.active[it]
	if a == nil {
		n.active[it] = &activity{first: first, latest: last, count: 1}
		return true
	}
	a.latest = latest(a.latest, last)
	a.first = minTime(a.first, first)
	return false
}

// span is since when it is owed, and what for was added last.
func (n *notes) span(it note) (first, latest time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.active[it].first, n.active[it].latest
}

// leave takes the note away, or leaves it to be looked into again.
func (n *notes) leave(it note, settled bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.active[it]
	a.failed = a.failed || !settled || a.latest.After(a.told)
	if a.count--; a.count > 0 {
		return
	}
	delete(n.active, it)
	if a.failed {
		n.abandoned[it] = *a
		return
	}
	if _, waits := n.abandoned[it]; !waits {
		n.clear(n.self, it)
	}
}

// leaveUncalled leaves the note of a run that may have been recorded, and made no call.
func (n *notes) leaveUncalled(it note, run string) {
	n.mu.Lock()
	n.active[it].uncalled = run
	n.mu.Unlock()
	msg := nats.NewMsg(n.subject(n.self, it)) // so that another replica knows, too
	msg.Header.Set(jetstream.MsgTTLHeader, n.keep.String())
	msg.Data = []byte(run)
	_ = n.nc.PublishMsg(msg)
	n.leave(it, false)
}

// settle says that what is owed up to a time is settled.
func (n *notes) settle(it note, upTo time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.active[it].told = upTo
}

// takeAbandoned enters the notes that this replica could not settle, but for
// those that it is at work on again.
func (n *notes) takeAbandoned() map[note]activity {
	n.mu.Lock()
	defer n.mu.Unlock()
	taken := make(map[note]activity)
	for it, a := range n.abandoned {
		if n.active[it] == nil {
			delete(n.abandoned, it)
			n.active[it] = &activity{first: a.first, latest: a.latest, count: 1, uncalled: a.uncalled}
			taken[it] = a
		}
	}
	return taken
}

// write notes what this replica owes. Nobody else writes there.
func (n *notes) write(ctx context.Context, it note) error {
	_, err := n.js.PublishMsg(ctx, nats.NewMsg(n.subject(n.self, it)), jetstream.WithMsgTTL(n.keep))
	return err
}

// send is write that waits only when its outcome is asked for. What this
// process writes after send has returned reaches NATS after the note.
func (n *notes) send(ctx context.Context, it note) (outcome func() error) {
	ack, err := n.js.PublishMsgAsync(nats.NewMsg(n.subject(n.self, it)), jetstream.WithMsgTTL(n.keep))
	return func() error {
		if err != nil {
			return err
		}
		select {
		case <-ack.Ok():
			return nil
		case err := <-ack.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// clear takes a note away, and does not wait for it: one that stays is looked
// into when this replica is no more, and found settled.
func (n *notes) clear(of replicaID, it note) {
	msg := nats.NewMsg(n.subject(of, it))
	msg.Header.Set("KV-Operation", "PURGE")
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	msg.Header.Set(jetstream.MsgTTLHeader, "1s")
	_ = n.nc.PublishMsg(msg)
}

// all are the notes that stand there, by replica.
func (n *notes) all(ctx context.Context) (map[replicaID][]note, error) {
	info, err := n.stream.Info(ctx, jetstream.WithSubjectFilter("$KV."+n.bucket.Bucket()+".owed.>"))
	if err != nil {
		return nil, err
	}
	found := make(map[replicaID][]note)
	for subject := range info.State.Subjects {
		tokens := strings.Split(subject, ".") // $KV.<bucket>.owed.<replica>.<what>.<key>
		if len(tokens) == 6 {
			of := replicaID(tokens[3])
			found[of] = append(found[of], note{noteKind(tokens[4]), tokens[5]})
		}
	}
	return found, nil
}

// debt is a note with whose it is.
type debt struct {
	of replicaID
	note
}

// takeOverOrphans looks after what dead replicas owe, until ctx ends.
func (c *Connector) takeOverOrphans(ctx context.Context) {
	trouble := &trouble{log: c.log, doing: "looking after what other replicas owe"}
	for before := (map[debt]bool)(nil); ctx.Err() == nil; sleep(ctx, c.cfg.FailoverAfter/2) {
		c.settleAbandoned(ctx)
		orphans, err := c.orphans(ctx)
		if err != nil {
			if ctx.Err() == nil {
				trouble.note(err)
			}
			continue
		}
		for it := range orphans {
			if before[it] { // a replica that NATS was away from comes back
				c.noteUnsettled(ctx, c.adoptOrphan(ctx, it))
			}
		}
		before = orphans
	}
}

// orphans are the notes of replicas that are no more.
func (c *Connector) orphans(ctx context.Context) (map[debt]bool, error) {
	noted, err := c.notes.all(ctx)
	if err != nil || len(noted) == 0 {
		return nil, err
	}
	alive, err := c.members.alive(ctx)
	if err != nil {
		return nil, err
	}
	orphans := make(map[debt]bool)
	for of, list := range noted {
		if _, lives := alive[of]; lives || of == c.replica {
			continue
		}
		for _, it := range list {
			orphans[debt{of, it}] = true
		}
	}
	return orphans, nil
}

// clockDoubt is more than the clocks of replicas and servers should differ.
const clockDoubt = time.Second

// adoptOrphan does what a dead replica owes, or takes the debt over.
func (c *Connector) adoptOrphan(ctx context.Context, it debt) error {
	found, err := c.stores.state.Get(ctx, c.notes.key(it.of, it.note))
	if errors.Is(err, jetstream.ErrKeyNotFound) { // the marker of a note that was cleared
		return nil
	}
	if err == nil && it.what == owedOutcome {
		err = c.settleOrphan(ctx, it.of, it.key, string(found.Value()))
	} else if err == nil {
		err = c.adoptLook(ctx, it.note, found.Created().Add(clockDoubt))
	}
	if err == nil {
		c.notes.clear(it.of, it.note)
	}
	return err
}

// adoptLook makes the debt this replica's own before the other's note goes.
func (c *Connector) adoptLook(ctx context.Context, it note, lost time.Time) error {
	key, err := it.chat()
	if err == nil {
		err = c.notes.write(ctx, it)
	}
	if err == nil {
		lost = minTime(lost, time.Now())
		c.report(key, it.what, lost, lost)
	}
	return err
}

// chat is the one that is to be looked into.
func (it note) chat() (chatKey, error) {
	token, err := subjects.ParseChatToken(it.key)
	if err != nil {
		return chatKey{}, err
	}
	return keyOf(brightpattern.ChatID(token.ID()))
}

// settleAbandoned tries again what this replica could not settle.
func (c *Connector) settleAbandoned(ctx context.Context) {
	for it, a := range c.notes.takeAbandoned() {
		if it.what != owedOutcome {
			key, _ := it.chat() // this replica wrote it
			c.tellLater(key, it)
			continue
		}
		err := c.settleOrphan(ctx, c.replica, it.key, a.uncalled)
		c.noteUnsettled(ctx, err)
		c.notes.leave(it, err == nil)
	}
}

func (c *Connector) noteUnsettled(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		c.log.Warn("what a replica owed is not settled yet", "error", err)
	}
}

// settleOrphan publishes the outcome of a live command whose replica has died,
// or could not record it.
func (c *Connector) settleOrphan(ctx context.Context, of replicaID, key, uncalled string) error {
	r, err := c.journal.find(ctx, key)
	if err != nil || r == nil || r.Message != 0 || r.Replica != of { // it never began, or another one runs it
		return err
	}
	if r.Done == nil {
		failure := died()
		if r.Run == uncalled {
			failure = unrecorded()
		}
		if r, err = c.closeOrphan(ctx, key, r, failure); err != nil {
			return err
		}
	}
	o, err := r.outcome()
	if err != nil {
		return err
	}
	return c.publishOnce(ctx, o, true)
}

// closeOrphan says of a command that nobody knows what has become of it, unless
// somebody does by now.
func (c *Connector) closeOrphan(ctx context.Context, key string, r *record, failure *schema.Error) (*record, error) {
	c.log.Warn("a command was begun, and its outcome not recorded", "command", r.Command, "code", failure.Code)
	cmd := &command{name: r.Command, record: r, journalKey: key}
	if r.ChatID != "" {
		cmd.chat, _ = keyOf(r.ChatID)
	}
	if r.ChatID != "" && failure.Outcome == schema.OutcomeUnknown {
		c.reportLostAnswer(cmd.chat, c.silence()) // which may have carried events
	}
	o := c.placed(ctx, outcome{cmd: cmd, failure: failure, at: time.Now().UTC()})
	if _, err := c.conclude(ctx, cmd, o); err != nil {
		return nil, err
	}
	return c.journal.find(ctx, key)
}

// silence is how long ago a replica must have died whose work comes to another.
func (c *Connector) silence() time.Duration {
	return c.cfg.FailoverAfter - c.cfg.FailoverAfter/heartbeatsPerLease
}

func died() *schema.Error {
	return &schema.Error{
		Code: schema.CodeInternal, Message: "the connector that ran the command has died before its outcome was known",
		Retryable: true, Outcome: schema.OutcomeUnknown,
	}
}
