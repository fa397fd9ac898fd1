package chats

import (
	"context"
	"hash/maphash"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/errgroup"

	"cc-connector/connector/internal/bus"
)

// numbers counts the messages that a chat's client has sent, over restarts
// and replicas: the next number stands in a bucket, and is taken by writing
// the one after it at the revision that was read.
type numbers struct {
	bucket *bus.Bucket
	keep   func() time.Duration   // how long a closed chat's number is kept
	known  *lru.Cache[Key, count] // what this replica has read and written last

	// Commands of one replica wait for each other rather than conflict in the
	// bucket. Each place holds one at a time; chats may share a place.
	places [256]chan struct{}
	seed   maphash.Seed
}

// knownMost are the chats whose counts this replica can put back.
const knownMost = 1 << 15

func newNumbers(bucket *bus.Bucket, keep func() time.Duration) *numbers {
	known, _ := lru.New[Key, count](knownMost) // fails for no size
	n := &numbers{bucket: bucket, keep: keep, known: known, seed: maphash.MakeSeed()}
	for i := range n.places {
		n.places[i] = make(chan struct{}, 1)
	}
	return n
}

// enter waits for the chat's place; done frees it.
func (n *numbers) enter(ctx context.Context, key Key) (done func(), err error) {
	place := n.places[maphash.String(n.seed, string(key.Token))%uint64(len(n.places))]
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
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

// take returns a number that nobody else has had and nobody will get.
func (n *numbers) take(ctx context.Context, key Key, closed bool) (taken uint64, err error) {
	err = n.advance(ctx, key, closed, func(c count) count {
		taken = c.Next
		c.Next++
		return c
	})
	return taken, err
}

// takeFor is take for a durable command, which gets the same number again.
func (n *numbers) takeFor(ctx context.Context, key Key, closed bool, command string) (taken uint64, err error) {
	err = n.advance(ctx, key, closed, func(c count) count {
		for _, b := range c.Bound {
			if b.Command == command {
				taken = b.Number
				return c
			}
		}
		taken = c.Next
		c.Next++
		c.Bound = append(c.Bound, boundNumber{command, taken})
		c.Bound = c.Bound[max(0, len(c.Bound)-boundMost):]
		return c
	})
	return taken, err
}

// raise makes least the smallest number that may still be taken.
func (n *numbers) raise(ctx context.Context, key Key, least uint64) error {
	return n.advance(ctx, key, false, func(c count) count {
		c.Next = max(c.Next, least)
		return c
	})
}

func (n *numbers) retire(ctx context.Context, key Key) error {
	return n.advance(ctx, key, true, func(c count) count { return c })
}

func (n *numbers) advance(ctx context.Context, key Key, expires bool, step func(count) count) error {
	ctx, cancel := context.WithTimeout(ctx, bus.AnswerPatience)
	defer cancel()
	done, err := n.enter(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	var keep time.Duration
	if expires {
		keep = bus.WholeSeconds(n.keep())
	}
	for {
		found, revision, err := n.load(ctx, key)
		if err != nil {
			return err
		}
		next := step(n.notBelowKnown(key, found))
		next.Restored = false
		_, err = bus.Save(ctx, n.bucket, numberKey(key), next, revision, keep)
		if err == nil {
			n.known.Add(key, next)
		}
		if !bus.IsConflict(err) {
			return err
		}
		// Another command was faster, and has made progress.
	}
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

// notBelowKnown goes on from what this replica knows where the bucket was lost:
// a number is never given twice.
func (n *numbers) notBelowKnown(key Key, found count) count {
	known, _ := n.known.Get(key)
	if found.Next < known.Next {
		return known
	}
	return found
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
	known := n.notBelowKnown(key, found)
	if known.Next == found.Next {
		return true, nil
	}
	known.Restored = true
	_, err = bus.Save(ctx, n.bucket, numberKey(key), known, revision, bus.WholeSeconds(n.keep()))
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

// TakeNumberFor is TakeNumber for a durable command, by its key in the journal:
// it gets the same one again.
func (c *Chats) TakeNumberFor(ctx context.Context, key Key, closed bool, command string) (uint64, error) {
	return c.numbers.takeFor(ctx, key, closed, command)
}

// RetireNumber lets the number expire with the chat that has been closed.
func (c *Chats) RetireNumber(ctx context.Context, key Key) error { return c.numbers.retire(ctx, key) }
