package lease

import (
	"container/heap"
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// # Many leases
//
// A replica may hold ten thousand leases. If each sent its heartbeats by itself,
// each would have a timer, and each heartbeat a goroutine, an inbox and a write to
// the connection. So one keeper sends those of all: the ones that are due at about
// the same time are written together, and all answers come by one subscription. An
// answer's subject says which lease has asked, and when; so it is good however late
// it comes.
//
// A connection that takes nothing any more must not keep leases from being given up
// in time. So the keeper sets its timer anew before it sends.

// Keeper holds leases over one connection. It may be used from any goroutine.
type Keeper struct {
	nc    *nats.Conn
	began time.Time // what its times count from

	mu       sync.Mutex
	leases   map[uint64]*Lease // by their numbers
	last     uint64            // number of the latest lease
	due      agenda
	timer    *time.Timer        // for the first of due
	answers  *nats.Subscription // nil before the first heartbeat
	outgoing []beat
	sending  bool
}

// NewKeeper holds none yet.
func NewKeeper(nc *nats.Conn) *Keeper {
	return &Keeper{nc: nc, began: time.Now(), leases: make(map[uint64]*Lease)}
}

// together is within how long leases must be due to be looked at in one go.
const together = 20 * time.Millisecond

func (k *Keeper) add(l *Lease, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.number == 0 {
		k.last++
		l.number = k.last
	}
	k.leases[l.number] = l
	k.lookAt(l, at)
	k.setTimer()
}

func (k *Keeper) remove(l *Lease) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.leases, l.number)
	k.due.drop(l)
}

// lookAt has a lease looked at then. k.mu is held.
func (k *Keeper) lookAt(l *Lease, at time.Time) {
	l.due = at.Sub(k.began)
	heap.Push(&k.due, l)
}

// setTimer has all be looked at when the first is due. k.mu is held.
func (k *Keeper) setTimer() {
	if len(k.due) == 0 {
		return
	}
	first := max(k.due[0].due-time.Since(k.began), 0)
	if k.timer == nil {
		k.timer = time.AfterFunc(first, k.look)
		return
	}
	k.timer.Reset(first)
}

// look gives up the leases whose time is over, and sends the heartbeats that are
// due.
func (k *Keeper) look() {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	var looked []*Lease
	for len(k.due) > 0 && k.due[0].due < now.Sub(k.began)+together {
		looked = append(looked, heap.Pop(&k.due).(*Lease))
	}
	for _, l := range looked {
		next, beats, over := l.look(now)
		if over {
			delete(k.leases, l.number)
			continue
		}
		if beats != nil {
			k.outgoing = append(k.outgoing, beat{l, beats, now})
		}
		k.lookAt(l, next)
	}
	k.setTimer()
	k.send()
}

// beat is one heartbeat on its way.
type beat struct {
	lease   *Lease
	message Message
	asked   time.Time
}

// send sends what is to be sent, unless somebody is at it. k.mu is held, but not
// while the connection takes it.
func (k *Keeper) send() {
	if k.sending {
		return
	}
	k.sending = true
	for len(k.outgoing) > 0 && k.listen() {
		beats := k.outgoing
		k.outgoing = nil
		k.mu.Unlock()
		for _, b := range beats {
			k.say(b)
		}
		k.mu.Lock()
	}
	k.outgoing, k.sending = nil, false
}

// say sends a heartbeat, unless the process was frozen since, or the connection
// took nothing: the message may be with somebody else, from whom it would take it.
func (k *Keeper) say(b beat) {
	if time.Since(b.asked) > Heartbeat(b.lease.wait) {
		return
	}
	var err error
	b.lease.unlessReleased(func() {
		err = k.nc.PublishRequest(b.message.Reply(), k.answerTo(b), []byte(wireInProgress))
	})
	if err != nil {
		k.hasten(b.lease.number)
	}
}

// hasten makes up soon for a heartbeat that has failed, if the lease is still kept.
func (k *Keeper) hasten(number uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.leases[number]
	if l == nil {
		return
	}
	soon := time.Now().Add(Heartbeat(l.wait) / 4)
	if l.hasten(soon) && soon.Sub(k.began) < l.due {
		k.due.drop(l)
		k.lookAt(l, soon)
		k.setTimer()
	}
}

// listen reports false while there is no connection to hear answers by.
func (k *Keeper) listen() bool {
	if k.answers == nil {
		k.answers, _ = k.nc.Subscribe(k.nc.NewInbox()+".*.*", k.hear)
	}
	return k.answers != nil
}

func (k *Keeper) answerTo(b beat) string {
	to := strings.TrimSuffix(k.answers.Subject, "*.*")
	return to + strconv.FormatUint(b.lease.number, 36) + "." + strconv.FormatInt(int64(b.asked.Sub(k.began)), 36)
}

// hear takes the answer to a heartbeat.
func (k *Keeper) hear(msg *nats.Msg) {
	tokens := strings.Split(msg.Subject, ".")
	number, errNumber := strconv.ParseUint(tokens[len(tokens)-2], 36, 64)
	asked, errAsked := strconv.ParseInt(tokens[len(tokens)-1], 36, 64)
	if errNumber != nil || errAsked != nil {
		return
	}
	if msg.Header.Get("Status") != "" { // nobody has heard it
		k.hasten(number)
		return
	}
	k.mu.Lock()
	l := k.leases[number]
	k.mu.Unlock()
	if l != nil {
		l.confirm(k.began.Add(time.Duration(asked)))
	}
}

// Hold begins to hold a message that has been delivered.
func (k *Keeper) Hold(parent context.Context, message Message, o Options) *Lease {
	now := time.Now()
	if o.Since.IsZero() {
		o.Since = now
	}
	if o.Margin == 0 {
		o.Margin = Margin
	}
	ctx, cancel := context.WithCancelCause(parent)
	l := &Lease{ctx: ctx, cancel: cancel, keeper: k, wait: o.Wait, margin: o.Margin, message: message, confirmed: o.Since, beats: now.Add(o.First)}
	k.add(l, l.beats)
	return l
}

// agenda are leases by when they are to be looked at, the first one first.
type agenda []*Lease

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].due < a[j].due }

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].place, a[j].place = i+1, j+1
}

// Push and Pop are for package heap.
func (a *agenda) Push(l any) {
	*a = append(*a, l.(*Lease))
	l.(*Lease).place = len(*a)
}

func (a *agenda) Pop() any {
	last := len(*a) - 1
	l := (*a)[last]
	(*a)[last] = nil
	*a, l.place = (*a)[:last], 0
	return l
}

func (a *agenda) drop(l *Lease) {
	if l.place > 0 {
		heap.Remove(a, l.place-1)
	}
}
