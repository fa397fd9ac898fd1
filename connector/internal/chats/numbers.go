package chats

import (
	"context"
	"errors"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"cc-connector/connector/internal/bus"
	"cc-connector/connector/internal/failpoint"
	"cc-connector/connector/internal/replicas"
	"cc-connector/connector/internal/retry"
)

// numbers counts the messages that a chat's client has sent, over restarts
// and replicas: the next number stands in a bucket, and is taken by writing
// the one after it at the revision that this replica knows. Where that is not
// the last one any more, the write is refused, and the count read.
type numbers struct {
	bucket     *bus.Bucket
	keep       func() time.Duration   // how long a closed chat's number is kept
	known      *lru.Cache[Key, tally] // what this replica has written last
	others     func(Key)              // hears of a chat whose count others have written
	turns      *turns                 // commands of one replica wait for each other rather than conflict in the bucket
	failpoints failpoint.Plan
}

// knownMost are the chats whose counts this replica knows, and can put back.
const knownMost = 1 << 15

// numberPatience is more than it takes a bucket that was lost to settle.
const numberPatience = 2 * bus.AnswerPatience

func newNumbers(bucket *bus.Bucket, keep func() time.Duration, others func(Key), plan failpoint.Plan) *numbers {
	known, _ := lru.New[Key, tally](knownMost) // fails for no size
	return &numbers{bucket: bucket, keep: keep, known: known, others: others, turns: newTurns(), failpoints: plan}
}

// Numbers above this are somebody's mischief, not a count.
const maxNumber = 1 << 53

func numberKey(key Key) string { return "number." + string(key.Token) }

// count is what the bucket holds for a chat. The numbers that were taken last
// by durable commands stand beside it, so that a command gets the same one
// again if its replica dies before the journal has it, or wakes up too late.
type count struct {
	Next  uint64        `json:"next"`
	Bound []boundNumber `json:"bound,omitempty"`
	// Put back by one replica after the bucket was lost; another may know more.
	Restored bool `json:"restored,omitempty"`
}

// boundNumber is one that is bound to a durable command.
type boundNumber struct {
	Command string `json:"command"` // by its key in the journal
	Number  uint64 `json:"number"`
}

// A chat's durable commands run one after the other; these are more than can
// be in anybody's hands.
const boundMost = 16

func (c *count) take() uint64 {
	c.Next++
	return c.Next - 1
}

// bind is the number of a durable command, the next one if it has none.
func (c *count) bind(command string) uint64 {
	number, isBound := c.boundTo(command)
	if !isBound {
		number = c.take()
		c.Bound = append(slices.Clip(c.Bound), boundNumber{command, number})
		c.Bound = c.Bound[max(0, len(c.Bound)-boundMost):]
	}
	return number
}

// boundTo finds the number that a durable command has, if it is among the last.
func (c *count) boundTo(command string) (number uint64, isBound bool) {
	i := slices.IndexFunc(c.Bound, func(b boundNumber) bool { return b.Command == command })
	if i < 0 {
		return 0, false
	}
	return c.Bound[i].Number, true
}

// tally is what this replica knows of a chat's numbers.
type tally struct {
	count
	revision uint64    // at which the bucket has that; 0 where it may have something else
	life     time.Time // of the bucket: one that was made again counts its revisions anew
}

// take returns a number that nobody else has had and nobody will get.
func (n *numbers) take(ctx context.Context, key Key, closed bool) (taken uint64, err error) {
	err = n.change(ctx, key, closed, func(t *tally) { taken = t.take() })
	return taken, err
}

// bind is take for a durable command, which gets the same number again.
func (n *numbers) bind(ctx context.Context, key Key, closed bool, command string) (bound uint64, err error) {
	err = n.change(ctx, key, closed, func(t *tally) { bound = t.bind(command) })
	return bound, err
}

// raise makes least the smallest number that may still be taken.
func (n *numbers) raise(ctx context.Context, key Key, least uint64) error {
	return n.change(ctx, key, false, func(t *tally) { t.Next = max(t.Next, least) })
}

func (n *numbers) retire(ctx context.Context, key Key) error {
	return n.change(ctx, key, true, func(*tally) {})
}

func (n *numbers) change(ctx context.Context, key Key, expires bool, step func(*tally)) error {
	ctx, cancel := retry.Within(ctx, numberPatience)
	defer cancel()
	leave, err := n.turns.enter(ctx, key)
	if err != nil {
		return err
	}
	defer leave()
	return n.advance(ctx, key, expires, step)
}

// advance takes a step from the count as it is. It is the chat's turn of who calls it.
func (n *numbers) advance(ctx context.Context, key Key, expires bool, step func(*tally)) error {
	t, isSure := n.recall(key)
	for {
		if !isSure {
			var err error
			if t, err = n.look(ctx, key, t); err != nil {
				return err
			}
		}
		next := t
		step(&next)
		err := n.save(ctx, key, &next, expires)
		if err == nil {
			return nil
		}
		isSure = false
		if !bus.IsConflict(err) {
			n.doubt(key, t)
			return err
		}
		n.others(key)
	}
}

// recall reports whether what is known may be gone on from without a look.
func (n *numbers) recall(key Key) (t tally, isSure bool) {
	t, _ = n.known.Get(key)
	return t, t.revision != 0 && t.life.Equal(n.bucket.Life())
}

// doubt is for a write of which it is not known whether it was stored.
func (n *numbers) doubt(key Key, before tally) {
	before.revision = 0
	n.known.Add(key, before)
}

func (n *numbers) save(ctx context.Context, key Key, t *tally, expires bool) error {
	var keep time.Duration
	if expires {
		keep = bus.WholeSeconds(n.keep())
	}
	t.Restored = false
	revision, err := bus.Save(ctx, n.bucket, numberKey(key), t.count, t.revision, keep)
	if bus.IsConflict(err) && n.failpoints.LeavesOut(failpoint.Numbers) {
		revision, err = t.revision, nil
	}
	if err == nil {
		t.revision = revision
		n.known.Add(key, *t)
	}
	return err
}

// look reads the count. Where the bucket was lost it goes on from what this
// replica knows: a number is never given twice.
func (n *numbers) look(ctx context.Context, key Key, known tally) (tally, error) {
	life := n.bucket.Life()
	found, revision, err := n.load(ctx, key)
	if err != nil {
		return tally{}, err
	}
	if found.Next >= known.Next {
		known.count = found
	}
	known.revision, known.life = revision, life
	return known, nil
}

// load gives the replicas the time to say what they know where the bucket was lost.
func (n *numbers) load(ctx context.Context, key Key) (count, uint64, error) {
	found, revision, err := bus.Load[count](ctx, n.bucket, numberKey(key))
	if err != nil || revision != 0 && !found.Restored {
		return found, revision, err
	}
	if waited, err := n.bucket.AwaitSettled(ctx); err != nil || !waited {
		return found, revision, err
	}
	return bus.Load[count](ctx, n.bucket, numberKey(key))
}

// putBack has a bucket that was lost know again what this replica knows. It
// expires, unless the chat goes on.
func (n *numbers) putBack(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(putBackMost)
	for _, key := range n.known.Keys() {
		group.Go(func() (err error) {
			for isThere := false; err == nil && !isThere; {
				isThere, err = n.tryPutBack(ctx, key)
			}
			return err
		})
	}
	return group.Wait()
}

const putBackMost = 32 // at a time

// tryPutBack reports whether the bucket knows as much as this replica.
func (n *numbers) tryPutBack(ctx context.Context, key Key) (isThere bool, err error) {
	found, revision, err := bus.Load[count](ctx, n.bucket, numberKey(key))
	if err != nil {
		return false, err
	}
	known, _ := n.known.Get(key)
	if known.Next <= found.Next {
		return true, nil
	}
	known.Restored = true
	_, err = bus.Save(ctx, n.bucket, numberKey(key), known.count, revision, bus.WholeSeconds(n.keep()))
	if bus.IsConflict(err) {
		return false, nil
	}
	return err == nil, err
}

// PutBack has the connector's memory, which was lost, know again what this
// replica knows of message numbers, and what it owes.
func (c *Chats) PutBack(ctx context.Context) error {
	if err := c.numbers.putBack(ctx); err != nil {
		return err
	}
	return c.Outbox.PutBack(ctx)
}

// TakeNumber returns a message number of the chat that nobody else has had and
// nobody will get. That of a closed chat expires.
func (c *Chats) TakeNumber(ctx context.Context, key Key, closed bool) (uint64, error) {
	return c.numbers.take(ctx, key, closed)
}

// BindNumber is TakeNumber for a durable command, by its key in the journal: it
// gets the same one again.
func (c *Chats) BindNumber(ctx context.Context, key Key, closed bool, command string) (uint64, error) {
	return c.numbers.bind(ctx, key, closed, command)
}

// Bound is the number that is bound to a durable command; nil if it has none, and
// ErrForgotten if what was bound at that time may be forgotten.
func (c *Chats) Bound(ctx context.Context, key Key, command string, at time.Time) (*uint64, error) {
	found, _, err := c.numbers.load(ctx, key)
	if err != nil {
		return nil, err
	}
	if number, isBound := found.boundTo(command); isBound {
		return &number, nil
	}
	if c.Streams.State.Life().After(at.Add(-replicas.ClockSkew)) || time.Since(at) > c.Streams.Keeps()-replicas.ClockSkew {
		return nil, ErrForgotten
	}
	return nil, nil
}

// ErrForgotten says that the connector's memory was lost, or has expired.
var ErrForgotten = errors.New("what was known of the chat's message numbers is forgotten")

// RetireNumber lets the number expire with the chat that has been closed.
func (c *Chats) RetireNumber(ctx context.Context, key Key) error { return c.numbers.retire(ctx, key) }
