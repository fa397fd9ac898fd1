package poller

import (
	"sync"
	"time"

	"cc-connector/subjects"
)

// # When a poll is due
//
// A chat whose poll loop has come to a stop looks like one in which nothing
// happens. So a holder shows how it gets on: it owes the next step towards a
// poll from the last one on. Steps are the takeover, a poll that is sent or
// answered, an event that is published.
//
// What is owed to a chat that waits is another matter. A pause has its end, and
// from then on the next poll is owed; so it is with a poll under way, which the
// client ends in time. Where nobody knows for how long it has to be (the app is
// refused, the contact center is to be left alone, others read back before it,
// NATS takes or answers nothing), nothing is owed; nor is it by a chat that is to be closed or handed over. A history
// that is due has its patience, which is shorter than the watchdog's.
//
// The watchdog (watchdog.go) looks at all chats now and then. That costs a chat
// no timer, and the loop no more than a word at each step.

// duty is since when a chat's next step is owed. The zero value owes nothing.
type duty struct {
	since time.Time // may lie ahead
	waits bool      // for others: nothing is owed
}

// owed is for how long, if what was before notBefore does not count.
func (d duty) owed(now, notBefore time.Time) time.Duration {
	if d.waits || d.since.IsZero() {
		return 0
	}
	return max(0, now.Sub(later(d.since, notBefore)))
}

// progress is what others may see of a holder at any time. The holder's own
// goroutine writes it.
type progress struct {
	mu        sync.Mutex
	duty      duty
	isPolling bool
	answered  time.Time // when the contact center answered a poll last
	known     known
}

// known is what was last seen of what a holder has behind its lock.
type known struct {
	sequence  uint64
	reconcile string
}

func (p *progress) set(d duty, isPolling bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.duty, p.isPolling = d, isPolling
}

// step says that something has come about.
func (p *progress) step(now time.Time) { p.set(duty{since: now}, false) }

// pause says that the next step is not owed before that.
func (p *progress) pause(until time.Time) { p.set(duty{since: until}, false) }

// wait says that others have to come first.
func (p *progress) wait() { p.set(duty{waits: true}, false) }

// sent says that a poll is under way, and when it comes back at the latest.
func (p *progress) sent(until time.Time) { p.set(duty{since: until}, true) }

// cameBack says that the poll has, and whether the contact center has answered it.
func (p *progress) cameBack(now time.Time, answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.duty, p.isPolling = duty{since: now}, false
	if answered {
		p.answered = now
	}
}

func (p *progress) owed(now, notBefore time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.duty.owed(now, notBefore)
}

// Stalls are the chats that are due and not polled: by a fault of this process.
type Stalls struct {
	Chats int
	Since time.Time // when the first of them became due
}

// watchdog is what the sweeps over all chats have found.
type watchdog struct {
	swept   time.Time                       // when it looked last; of Watch alone
	excused time.Time                       // up to when nothing is owed; of Watch alone
	named   map[subjects.ChatToken]struct{} // by the log, and not over; of Watch alone
	unnamed int                             // that are too many for that; of Watch alone

	mu   sync.Mutex
	last Stalls
}

// begin says that a sweep begins, and whether NATS is away. Nobody can get on then,
// nor in a process that was held up itself, as the watchdog was.
func (w *watchdog) begin(now time.Time, limit time.Duration, isBusAway bool) {
	if isBusAway || now.Sub(w.swept) > limit/2 {
		w.excused = now
	}
	w.swept = now
}

func newWatchdog() watchdog { return watchdog{named: make(map[subjects.ChatToken]struct{})} }
