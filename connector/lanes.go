package connector

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/semaphore"

	"cc-connector/subjects"
)

// # The order of durable commands
//
// The commands of a chat run in the order of the stream, whatever the number
// of replicas. JetStream hands them to any replica, also the second one of a
// chat before the first is done. So whoever is to run a command first asks
// the stream for the chat's lowest remaining message. If it is another one,
// the command stands back: it is put off, which costs nothing while it waits
// and holds up no other chat.
//
// Within a replica the commands of a chat share a lane, which runs one at a
// time. When one is done its replica looks which is next. If it is at hand, it
// is taken up again; if not, every replica is told whose turn it is, and the
// one that has put it off takes it up. The delay after which JetStream
// delivers it anyway is only a net, for a word that was lost or a replica
// that died.
//
// A command that failed for the moment is put off as well, until it may be
// tried again, and remains the lowest of its chat; so the later ones wait.

// lanes are the chats of which this replica has durable commands.
type lanes struct {
	*Connector
	net   time.Duration       // how long a command is put off that waits for its turn
	slots *semaphore.Weighted // so that live commands find room beside the durable ones
	work  func(context.Context, *delivery) verdict

	mu      sync.Mutex
	byChat  map[subjects.ChatToken]*lane
	busy    int
	room    chan struct{} // signalled when a lane comes to rest
	leaving bool
}

// lane is one chat's commands at this replica.
type lane struct {
	chat    subjects.ChatToken
	waiting []*delivery // by sequence
	done    uint64      // what is known to be done, which a copy of the stream may still show
	untold  bool        // the other replicas do not know that yet
	busy    bool
	again   bool // something has changed since the lane looked last
}

// netWaits is how many AckWaits a command is put off that waits for its turn.
const netWaits = 3

func (c *Connector) newLanes() *lanes {
	return &lanes{
		Connector: c, net: netWaits * c.stores.runners.CachedInfo().Config.AckWait,
		slots: semaphore.NewWeighted(int64(max(1, c.cfg.MaxCalls/2))), work: c.workOff,
		byChat: make(map[subjects.ChatToken]*lane), room: make(chan struct{}, 1),
	}
}

// accept takes a command that was delivered.
func (ls *lanes) accept(d *delivery) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.leaving {
		ls.offer(d)
		return
	}
	if d.chat == "" { // ordered with nothing
		ls.start(func(ctx context.Context) { ls.step(ctx, d) })
		return
	}
	l := ls.lane(d.chat)
	l.put(d)
	if l.busy || l.waiting[0] != d {
		l.again = true
		ls.putOff(d)
		return
	}
	ls.wake(l)
}

func (ls *lanes) lane(chat subjects.ChatToken) *lane {
	l := ls.byChat[chat]
	if l == nil {
		l = &lane{chat: chat}
		ls.byChat[chat] = l
	}
	return l
}

// put takes a delivery among the waiting ones, in place of an earlier delivery
// of the same command, and forgets those that are no longer in hand.
func (l *lane) put(d *delivery) {
	l.prune(d.sequence)
	at, _ := slices.BinarySearchFunc(l.waiting, d.sequence, func(w *delivery, sequence uint64) int { return cmp.Compare(w.sequence, sequence) })
	l.waiting = slices.Insert(l.waiting, at, d)
}

// prune forgets the deliveries that are no longer in hand, and those of one command.
func (l *lane) prune(sequence uint64) {
	now := time.Now()
	l.waiting = slices.DeleteFunc(l.waiting, func(w *delivery) bool { return w.sequence == sequence || !now.Before(w.until) })
}

// wake has the lane look what it can do. ls.mu is held.
func (ls *lanes) wake(l *lane) {
	if l.busy {
		l.again = true
		return
	}
	l.busy = true
	ls.start(func(ctx context.Context) { ls.follow(ctx, l) })
}

// start works in a goroutine of its own, unless this replica leaves. ls.mu is held.
func (ls *lanes) start(work func(context.Context)) {
	ls.busy++
	run := func() {
		defer ls.rest()
		work(ls.Connector.work)
	}
	if !ls.admission.active.run(run) {
		ls.busy--
	}
}

func (ls *lanes) rest() {
	ls.mu.Lock()
	ls.busy--
	ls.mu.Unlock()
	select {
	case ls.room <- struct{}{}:
	default:
	}
}

// follow runs the lane's commands as long as it is their turn.
func (ls *lanes) follow(ctx context.Context, l *lane) {
	for {
		lowest, done := ls.look(l)
		turn, err := ls.turn(ctx, l.chat, done)
		if ls.cfg.rehearsal.without[safeOrder] && lowest != nil {
			turn = lowest.sequence
		}
		switch {
		case err != nil, lowest == nil || turn < lowest.sequence && turn != 0:
			if ls.standBack(l, lowest, turn) {
				return
			}
		case !ls.remove(l, lowest), turn != lowest.sequence: // it has been offered to others, or was done elsewhere
		case ls.step(ctx, lowest) == verdictDone:
			ls.noteDone(l, lowest.sequence)
		}
	}
}

// look is the lane's first command, nil if it has none that may be run.
func (ls *lanes) look(l *lane) (lowest *delivery, done uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.again = false
	if len(l.waiting) > 0 && !ls.leaving {
		lowest = l.waiting[0]
	}
	return lowest, l.done
}

// turn is the chat's lowest remaining command behind what is known to be done;
// 0 if there is none.
func (ls *lanes) turn(ctx context.Context, chat subjects.ChatToken, done uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, ls.cfg.CallTimeout)
	defer cancel()
	msg, err := persist(ctx, ls.log, "looking whose turn it is", func(ctx context.Context) (*jetstream.RawStreamMsg, error) {
		return ls.stores.commands.GetMsg(ctx, done+1, jetstream.WithGetMsgSubject(ls.cfg.Prefix.DurableOf(chat)))
	})
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return msg.Sequence, nil
}

// standBack brings the lane to rest, unless something has changed. It tells
// the other replicas whose turn it is.
func (ls *lanes) standBack(l *lane, lowest *delivery, turn uint64) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l.again {
		return false
	}
	if lowest != nil && !ls.leaving { // then it has been offered to others
		ls.putOff(lowest)
	}
	if turn != 0 && l.untold {
		ls.announceTurn(l)
	}
	l.busy = false
	if len(l.waiting) == 0 {
		delete(ls.byChat, l.chat)
	}
	return true
}

// remove takes a command out of the lane, and reports false if it is no
// longer in this replica's hand.
func (ls *lanes) remove(l *lane, d *delivery) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(w *delivery) bool { return w == d })
	return !ls.leaving
}

func (ls *lanes) noteDone(l *lane, sequence uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l.done, l.untold = max(l.done, sequence), true
}

// step works on one command when there is a slot.
func (ls *lanes) step(ctx context.Context, d *delivery) verdict {
	if ls.slots.Acquire(ctx, 1) != nil {
		return verdictPutOff
	}
	defer ls.slots.Release(1)
	return ls.work(ctx, d)
}

// putOff has JetStream keep a command until its turn, or the net's time.
func (ls *lanes) putOff(d *delivery) {
	if d.msg == nil && time.Now().Before(d.until) {
		return // it is put off already
	}
	if err := d.park(ls.net); err != nil {
		ls.log.Debug("a durable command could not be put off; it comes again by itself", "error", err)
	}
}

func (ls *lanes) offer(d *delivery) {
	if err := d.Nak(); err != nil {
		ls.log.Debug("a durable command could not be given back; it is free when its time is over", "error", err)
	}
}

// turnMessage tells every replica that a chat's commands are done up to one.
type turnMessage struct {
	Done uint64 `json:"done"`
}

func (ls *lanes) announceTurn(l *lane) {
	l.untold = false
	data, err := json.Marshal(turnMessage{l.done})
	if err == nil {
		err = ls.nc.Publish(ls.cfg.Prefix.Internal("turn", string(l.chat)), data)
	}
	if err != nil {
		ls.log.Debug("whose turn it is could not be told; it takes its turn when its time has come", "error", err)
	}
}

// listen hears whose turn it is.
func (ls *lanes) listen() (*nats.Subscription, error) {
	return ls.nc.Subscribe(ls.cfg.Prefix.Internal("turn", "*"), func(msg *nats.Msg) {
		subject, err := ls.cfg.Prefix.Parse(msg.Subject)
		if err != nil {
			return
		}
		var turn turnMessage
		if json.Unmarshal(msg.Data, &turn) != nil {
			return
		}
		ls.hear(subjects.ChatToken(subject.Internal[len("turn."):]), turn.Done)
	})
}

func (ls *lanes) hear(chat subjects.ChatToken, done uint64) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if l := ls.byChat[chat]; l != nil && !ls.leaving {
		l.done = max(l.done, done)
		ls.wake(l)
	}
}

// leave takes no more commands and offers those that wait to other replicas.
// No pull may stand any more, or they would come back.
func (ls *lanes) leave() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.leaving = true
	for _, l := range ls.byChat {
		for _, d := range l.waiting {
			if time.Now().Before(d.until) { // else another one may be at it
				ls.offer(d)
			}
		}
	}
}

// sweep forgets what is no longer in this replica's hand.
func (ls *lanes) sweep() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for chat, l := range ls.byChat {
		if l.busy {
			continue
		}
		if l.prune(0); len(l.waiting) == 0 {
			delete(ls.byChat, chat)
		}
	}
}

// waitForRoom returns when further commands would not wait long, or ctx has ended.
func (ls *lanes) waitForRoom(ctx context.Context) {
	for {
		ls.mu.Lock()
		full := ls.busy >= ls.cfg.MaxCalls
		ls.mu.Unlock()
		if !full {
			return
		}
		select {
		case <-ls.room:
		case <-ctx.Done():
			return
		}
	}
}
