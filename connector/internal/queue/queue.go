// Package queue has the durable commands of each chat run in the order of the
// stream, whatever the number of replicas.
//
// JetStream hands the commands to any replica, also the second one of a chat
// before the first is done. So whoever is to run a command first asks the
// stream for the head of the chat's queue: its lowest remaining message. If it
// is another one, the command stands back: it is put off, which costs nothing
// while it waits and holds up no other chat.
//
// Within a replica the commands of a chat run one at a time. When one is done,
// whose removal is on its way then, the next one at hand is taken up if it is the
// head; the first that waits is kept in hand for that. If there is none, every
// replica is told how far the chat has come, and the one that has put the next
// command off takes it up. The delay after which JetStream
// delivers it anyway is only a fallback, for a word that was lost or a replica
// that died.
//
// A command that failed for the moment is put off as well, until it may be
// tried again, and remains the head of its chat's queue; so the later ones wait.
package queue

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/semaphore"

	"cc-connector/connector/internal/drain"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/metrics"
	"cc-connector/subjects"
)

// Verdict is what running a durable command has come to.
type Verdict int

// The verdicts.
const (
	Done   Verdict = iota // it is removed from the stream
	PutOff                // it comes again
)

// Config is what the queues depend on.
type Config struct {
	Prefix  subjects.Prefix
	AckWait time.Duration // of the consumer that hands out commands
	Most    int           // commands at work at once
	Slots   int           // of them run at once, so that live commands find room beside them
}

// Needs are what the queues work with.
type Needs struct {
	NATS *nats.Conn
	// Run works on one command; nobody else runs one of its chat meanwhile.
	Run func(context.Context, *Delivery) Verdict
	// Head is the lowest command of the chat that remains in the stream behind
	// a sequence; 0 if there is none.
	Head func(ctx context.Context, chat subjects.ChatToken, behind uint64) (uint64, error)
	// IsSettled tells whether the command at a place in the stream has its
	// outcome already: then it holds up no other one.
	IsSettled  func(ctx context.Context, sequence uint64) bool
	Gate       *drain.Gate  // counts the commands that run, for leaving to wait for
	Places     metrics.Wait // for a slot
	Work       context.Context
	Failpoints failpoint.Plan
	Log        *slog.Logger
}

// Queues are those of the chats of which this replica has durable commands.
// They may be used from any goroutine.
type Queues struct {
	Needs
	cfg      Config
	fallback time.Duration // how long a command is put off that is not the head
	slots    *semaphore.Weighted

	mu      sync.Mutex
	byChat  map[subjects.ChatToken]*chatQueue
	busy    int
	room    chan struct{} // signalled when a queue comes to rest
	leaving bool
}

// fallbackWaits is how many AckWaits a command is put off that is not the head.
const fallbackWaits = 3

// New queues are empty.
func New(n Needs, cfg Config) *Queues {
	return &Queues{
		Needs: n, cfg: cfg, fallback: fallbackWaits * cfg.AckWait, slots: semaphore.NewWeighted(int64(max(1, cfg.Slots))),
		byChat: make(map[subjects.ChatToken]*chatQueue), room: make(chan struct{}, 1),
	}
}

// Accept takes a command that was delivered.
func (qs *Queues) Accept(d *Delivery) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.leaving {
		qs.offer(d)
		return
	}
	if d.chat == "" { // ordered with nothing
		qs.start(func(ctx context.Context) { qs.runInSlot(ctx, d) })
		return
	}
	q := qs.queueOf(d.chat)
	q.put(d)
	if q.waiting[0] != d {
		q.touched = true
		qs.putOff(d)
		return
	}
	for _, later := range q.waiting[1:] { // of a chat one is kept in hand
		qs.putOff(later)
	}
	qs.wake(q)
}

func (qs *Queues) queueOf(chat subjects.ChatToken) *chatQueue {
	q := qs.byChat[chat]
	if q == nil {
		q = &chatQueue{chat: chat}
		qs.byChat[chat] = q
	}
	return q
}

// wake has a worker look what the queue can do. qs.mu is held.
func (qs *Queues) wake(q *chatQueue) {
	if q.working {
		q.touched = true
		return
	}
	q.working, q.idle = true, false
	qs.start(func(ctx context.Context) { qs.follow(ctx, q) })
}

// start works in a goroutine of its own, unless this replica leaves. qs.mu is held.
func (qs *Queues) start(work func(context.Context)) {
	qs.busy++
	run := func() {
		defer qs.rest()
		work(qs.Work)
	}
	if !qs.Gate.Go(run) {
		qs.busy--
	}
}

func (qs *Queues) rest() {
	qs.mu.Lock()
	qs.busy--
	qs.mu.Unlock()
	select {
	case qs.room <- struct{}{}:
	default:
	}
}

// follow runs the queue's commands for as long as its first one here is the head.
func (qs *Queues) follow(ctx context.Context, q *chatQueue) {
	for {
		first, done := qs.first(q)
		var head uint64
		var err error
		if first != nil {
			head, err = qs.askHead(ctx, q, first, done)
		}
		switch {
		case err != nil, first == nil, head != 0 && head < first.sequence:
			if qs.standBack(q, first, head, err) {
				return
			}
		case !qs.remove(q, first): // it has been offered to others
		case head != first.sequence && first.sequence > done: // it was done elsewhere
		case qs.runInSlot(ctx, first) == Done:
			qs.noteDone(q, first.sequence)
		}
	}
}

// first is the queue's first command here, nil if it has none that may be run.
func (qs *Queues) first(q *chatQueue) (first *Delivery, done uint64) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q.touched = false
	if len(q.waiting) > 0 && !qs.leaving {
		first = q.waiting[0]
	}
	return first, q.done
}

// askHead passes over commands that have their outcome and stay all the same:
// when a leader of the stream is lost, a removal can be lost with it. Only for
// a command that has stood back before is the head looked into.
func (qs *Queues) askHead(ctx context.Context, q *chatQueue, first *Delivery, done uint64) (uint64, error) {
	head, err := qs.Head(ctx, q.chat, done)
	for err == nil && first.again && head != 0 && head < first.sequence && qs.IsSettled(ctx, head) {
		head, err = qs.Head(ctx, q.chat, head)
	}
	if qs.Failpoints.LeavesOut(failpoint.Order) {
		head = first.sequence
	}
	return head, err
}

// standBack brings the queue to rest, unless something has changed. It tells
// the other replicas how far the chat has come: one of them may have the next.
func (qs *Queues) standBack(q *chatQueue, first *Delivery, head uint64, err error) bool {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q.touched {
		return false
	}
	if first != nil && !qs.leaving { // then it has been offered to others
		qs.putOff(first)
	}
	if q.untold && (head != 0 || first == nil) {
		qs.announce(q)
	}
	q.working, q.unsure = false, err != nil
	return true
}

// remove takes a command out of the queue, and reports false if it is no
// longer in this replica's hand.
func (qs *Queues) remove(q *chatQueue, d *Delivery) bool {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q.drop(d)
	return !qs.leaving
}

func (qs *Queues) noteDone(q *chatQueue, sequence uint64) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q.done, q.untold = max(q.done, sequence), true
}

// runInSlot works on one command when there is a slot.
func (qs *Queues) runInSlot(ctx context.Context, d *Delivery) Verdict {
	if !qs.slots.TryAcquire(1) && qs.awaitSlot(ctx) != nil {
		return PutOff
	}
	defer qs.slots.Release(1)
	return qs.Run(ctx, d)
}

func (qs *Queues) awaitSlot(ctx context.Context) error {
	defer qs.Places.End(qs.Places.Begin())
	return qs.slots.Acquire(ctx, 1)
}

// putOff has JetStream keep a command until it is the head, or for the fallback.
func (qs *Queues) putOff(d *Delivery) {
	if d.msg == nil && time.Now().Before(d.until) {
		return // it is put off already
	}
	if err := d.park(qs.fallback); err != nil {
		qs.Log.Debug("a durable command could not be put off; it comes again by itself", "error", err)
	}
}

func (qs *Queues) offer(d *Delivery) {
	if err := d.Nak(); err != nil {
		qs.Log.Debug("a durable command could not be given back; it is free when its time is over", "error", err)
	}
}

// Leave takes no more commands and offers those that wait to other replicas.
// No pull may stand any more, or they would come back.
func (qs *Queues) Leave() {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	qs.leaving = true
	for _, q := range qs.byChat {
		for _, d := range q.waiting {
			if time.Now().Before(d.until) { // else another one may be at it
				qs.offer(d)
			}
		}
	}
}

const (
	sweepEvery = time.Second
	lastLook   = 2 * sweepEvery // before a command is no longer in hand
)

// Tend forgets what is no longer in this replica's hand, and looks again at what
// soon will not be, or could not be looked at, until ctx ends. To leave that to
// JetStream's next delivery takes longer, and a consumer whose leader was lost
// has been seen to deliver nothing again.
func (qs *Queues) Tend(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			qs.sweep()
		}
	}
}

func (qs *Queues) sweep() {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	for chat, q := range qs.byChat {
		if q.working {
			qs.putOffLate(q)
			continue
		}
		switch q.prune(0); {
		case len(q.waiting) == 0 && q.idle:
			delete(qs.byChat, chat)
		case len(q.waiting) == 0:
			q.idle = true // what is done may still be about to be removed
		case q.unsure, time.Until(q.waiting[0].until) < lastLook:
			qs.wake(q)
		}
	}
}

// putOffLate puts off the command that is in hand, if it has to wait for long.
func (qs *Queues) putOffLate(q *chatQueue) {
	if len(q.waiting) > 0 && !qs.leaving && q.waiting[0].msg != nil && time.Until(q.waiting[0].until) < lastLook {
		qs.putOff(q.waiting[0])
	}
}

// WaitForRoom returns when further commands would not wait long, or ctx has ended.
func (qs *Queues) WaitForRoom(ctx context.Context) {
	for {
		qs.mu.Lock()
		full := qs.busy >= qs.cfg.Most
		qs.mu.Unlock()
		if !full {
			return
		}
		select {
		case <-qs.room:
		case <-ctx.Done():
			return
		}
	}
}
