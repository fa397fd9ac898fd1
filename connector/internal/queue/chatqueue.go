package queue

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/nats-io/nats.go"

	"cc-connector/schema"
	"cc-connector/subjects"
)

// chatQueue is one chat's commands at this replica. A worker is at it while
// working is set; touched has the worker look once more before it rests.
type chatQueue struct {
	chat    subjects.ChatToken
	waiting []*Delivery // by sequence
	done    uint64      // what is known to be done, which a copy of the stream may still show
	untold  bool        // the other replicas do not know that yet
	unsure  bool        // the stream could not be asked for the head
	working bool
	idle    bool // since the last sweep
	touched bool // something has changed since the worker looked last
}

// put takes a delivery among the waiting ones, in place of an earlier delivery
// of the same command, and forgets those that are no longer in hand.
func (q *chatQueue) put(d *Delivery) {
	q.prune(d.sequence)
	at, _ := slices.BinarySearchFunc(q.waiting, d.sequence, func(w *Delivery, sequence uint64) int { return cmp.Compare(w.sequence, sequence) })
	q.waiting = slices.Insert(q.waiting, at, d)
}

// prune forgets the deliveries that are no longer in hand, and those of one command.
func (q *chatQueue) prune(sequence uint64) {
	now := time.Now()
	q.waiting = slices.DeleteFunc(q.waiting, func(w *Delivery) bool { return w.sequence == sequence || !now.Before(w.until) })
}

func (q *chatQueue) drop(d *Delivery) {
	q.waiting = slices.DeleteFunc(q.waiting, func(w *Delivery) bool { return w == d })
}

// Forget empties the queues: the stream of commands was lost, and another one
// counts anew.
func (qs *Queues) Forget() {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	for chat, q := range qs.byChat {
		q.waiting, q.done, q.untold, q.touched = nil, 0, false, true
		if !q.working {
			delete(qs.byChat, chat)
		}
	}
}

// progress tells every replica that a chat's commands are done up to one.
type progress struct {
	Done uint64 `json:"done"`
}

func (qs *Queues) announce(q *chatQueue) {
	q.untold = false
	data, err := schema.JSON(progress{q.done})
	if err == nil {
		err = qs.NATS.Publish(qs.cfg.Prefix.Internal("turn", string(q.chat)), data)
	}
	if err != nil {
		qs.Log.Debug("how far a chat's commands have come could not be told; the next one comes when its time has come", "error", err)
	}
}

// Listen hears how far the chats have come elsewhere.
func (qs *Queues) Listen() (*nats.Subscription, error) {
	return qs.NATS.Subscribe(qs.cfg.Prefix.Internal("turn", "*"), func(msg *nats.Msg) {
		_, chat, err := qs.cfg.Prefix.ParseInternal(msg.Subject)
		var p progress
		if err == nil && json.Unmarshal(msg.Data, &p) == nil {
			qs.hear(subjects.ChatToken(chat), p.Done)
		}
	})
}

func (qs *Queues) hear(chat subjects.ChatToken, done uint64) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q := qs.byChat[chat]; q != nil && !qs.leaving {
		if q.done = max(q.done, done); len(q.waiting) > 0 {
			qs.wake(q)
		}
	}
}

// NoteRemoved says that a command which was done is in the stream no more: until
// then it may have seemed to be the head.
func (qs *Queues) NoteRemoved(d *Delivery) { qs.hear(d.chat, d.sequence) }
