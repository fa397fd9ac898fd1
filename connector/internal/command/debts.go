package command

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/journal"
	"cc-connector/connector/internal/outbox"
	"cc-connector/connector/internal/retry"
	"cc-connector/schema"
)

// # What a replica owes of live commands
//
// Nothing is written down for a single command but its record in the journal. One
// entry of the outbox says behind what mark in the journal all records stand that
// this replica may not have settled: whoever finds the replica dead reads the
// journal from there on. The entry is written before a command is begun, if NATS
// was not told lately, and again as the mark moves. So it lags, and never leads.
//
// During an update each command has a note of its own as well, by which an earlier
// version finds it.

const (
	// OwedCommands is a replica's mark in the journal.
	OwedCommands outbox.Kind = "commands"
	// OwedOutcome is the note of one command, by its key in the journal.
	OwedOutcome outbox.Kind = "command"
)

var owedCommands = outbox.Entry{Kind: OwedCommands, Key: "live"}

func owedOutcome(key string) outbox.Entry { return outbox.Entry{Kind: OwedOutcome, Key: key} }

// mark is what the entry says.
type mark struct {
	Version int    `json:"v"`
	Journal uint64 `json:"journal"` // the records stand behind it
}

const markVersion = 1

func readMark(data []byte) (m mark, err error) {
	if err = json.Unmarshal(data, &m); err == nil && m.Version != markVersion {
		err = fmt.Errorf("it is of version %d, and this connector knows %d", m.Version, markVersion)
	}
	if err != nil {
		err = fmt.Errorf("a replica's mark in the journal: %w: %w", bus.ErrUnreadable, err)
	}
	return m, err
}

// debts are what this replica owes. They may be used from any goroutine.
type debts struct {
	outbox  *outbox.Outbox
	journal *journal.Journal
	every   time.Duration // how often the mark is told as it moves
	writing chan struct{} // has room for whoever tells it

	mu        sync.Mutex
	water     journal.LowWater[*debt]
	abandoned map[*debt]bool // nobody here is at work on them
	told      uint64
	since     time.Time // when the mark was about to be told last; zero: never
}

// debt is the outcome of a command.
type debt struct {
	key      string // in the journal
	noted    bool   // there is a note of it
	uncalled string // the run that is known to have made no call, if any
}

func newDebts(o *outbox.Outbox, j *journal.Journal, every time.Duration) *debts {
	d := &debts{outbox: o, journal: j, every: every, writing: make(chan struct{}, 1), abandoned: make(map[*debt]bool)}
	o.Stand(d.putBack)
	return d
}

// owe says that a command is about to be begun.
func (d *debts) owe(key string, noted bool) *debt {
	owed := &debt{key: key, noted: noted}
	if noted {
		d.outbox.Enter(owedOutcome(key))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.water.Owe(owed, d.journal.Reached())
	return owed
}

// isKnown tells whether NATS was told of the mark so lately that nobody has taken
// this replica for dead since.
func (d *debts) isKnown() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.since.IsZero() && time.Since(d.since) < 2*d.every
}

// announce has NATS know of what is owed before a command is recorded as begun.
// The note is on its way when it returns, and noted waits for it.
func (d *debts) announce(ctx context.Context, owed *debt) (noted func() error, err error) {
	if !d.isKnown() {
		if err := d.tell(ctx, d.isKnown); err != nil {
			return nil, err
		}
	}
	if !owed.noted {
		return func() error { return nil }, nil
	}
	return d.outbox.Send(ctx, owedOutcome(owed.key)), nil // NATS gets it before the record
}

// begun checks that the record stands where it was to stand. If the journal was
// lost and made anew, the mark was of another one.
func (d *debts) begun(ctx context.Context, owed *debt, sequence uint64) error {
	d.mu.Lock()
	isBehind := sequence > d.water.Behind(owed)
	if !isBehind {
		d.journal.BeginAnew(sequence)
		d.water.BeginAnew()
	}
	d.mu.Unlock()
	if isBehind {
		return nil
	}
	return d.tell(ctx, func() bool { return false })
}

// settle says that nothing is owed any more.
func (d *debts) settle(owed *debt) {
	d.mu.Lock()
	d.water.Settle(owed)
	delete(d.abandoned, owed)
	d.mu.Unlock()
	if owed.noted {
		d.outbox.Leave(owedOutcome(owed.key), true)
	}
}

// abandon leaves a debt to be looked into again. The outbox sees to its note by itself.
func (d *debts) abandon(owed *debt) {
	switch {
	case owed.noted && owed.uncalled != "":
		d.outbox.LeaveWith(owedOutcome(owed.key), owed.uncalled)
	case owed.noted:
		d.outbox.Leave(owedOutcome(owed.key), false)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	owed.noted = false
	d.abandoned[owed] = true
}

// end settles the debt, or abandons it.
func (d *debts) end(owed *debt, err error) {
	if err == nil {
		d.settle(owed)
		return
	}
	d.abandon(owed)
}

// takeAbandoned are those that are to be looked into.
func (d *debts) takeAbandoned() []*debt {
	d.mu.Lock()
	defer d.mu.Unlock()
	taken := make([]*debt, 0, len(d.abandoned))
	for owed := range d.abandoned {
		taken = append(taken, owed)
	}
	clear(d.abandoned)
	return taken
}

// tell has NATS know of the mark, one at a time, unless somebody has done so meanwhile.
func (d *debts) tell(ctx context.Context, isDone func() bool) error {
	select {
	case d.writing <- struct{}{}:
		defer func() { <-d.writing }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if isDone() {
		return nil
	}
	began, behind := time.Now(), d.mark()
	content, err := schema.JSON(mark{markVersion, behind})
	if err == nil {
		err = d.outbox.WriteWith(ctx, owedCommands, string(content))
	}
	if err == nil {
		d.mu.Lock()
		d.told, d.since = behind, began
		d.mu.Unlock()
	}
	return err
}

func (d *debts) mark() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.water.Mark(d.journal.Reached())
}

// isToTell tells whether others should know more than they do.
func (d *debts) isToTell() bool {
	behind := d.mark()
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.since.IsZero() && (behind != d.told || d.water.Len() > 0)
}

// tend tells the mark as it moves, until ctx ends.
func (d *debts) tend(ctx context.Context, trouble *retry.Trouble) {
	for ctx.Err() == nil {
		retry.Sleep(ctx, d.every)
		if ctx.Err() != nil || !d.isToTell() {
			continue
		}
		trying, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
		if err := d.tell(trying, func() bool { return false }); err != nil && ctx.Err() == nil {
			trouble.Note(err)
		}
		cancel()
	}
}

// putBack tells the mark again: the bucket was lost.
func (d *debts) putBack(ctx context.Context) error {
	d.mu.Lock()
	isTold := !d.since.IsZero()
	d.mu.Unlock()
	if !isTold {
		return nil
	}
	return d.tell(ctx, func() bool { return false })
}

// leave takes the mark away if nothing is owed. Another replica sees to the rest.
func (d *debts) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.water.Len() == 0 && !d.since.IsZero() {
		d.outbox.Clear(owedCommands)
	}
}

// len is how many there are.
func (d *debts) len() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.water.Len()
}
