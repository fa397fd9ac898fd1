package connector

import (
	"context"
	"encoding/json"
	"errors"
	"hash/maphash"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// numbers counts the messages that a chat's client has sent, over restarts
// and replicas: the next number stands in a bucket, and is taken by writing
// the one after it at the revision that was read.
type numbers struct {
	js     jetstream.JetStream
	bucket jetstream.KeyValue
	keep   time.Duration // how long a closed chat's number is kept

	// Commands of one replica take their turn rather than outrun each other in
	// the bucket. Each place holds one at a time; chats may share a place.
	turns [256]chan struct{}
	seed  maphash.Seed
}

func newNumbers(js jetstream.JetStream, bucket jetstream.KeyValue, keep time.Duration) *numbers {
	n := &numbers{js: js, bucket: bucket, keep: keep, seed: maphash.MakeSeed()}
	for i := range n.turns {
		n.turns[i] = make(chan struct{}, 1)
	}
	return n
}

// turn waits for the chat's place; done frees it.
func (n *numbers) turn(ctx context.Context, key chatKey) (done func(), err error) {
	place := n.turns[maphash.String(n.seed, string(key.token))%uint64(len(n.turns))]
	select {
	case place <- struct{}{}:
		return func() { <-place }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Numbers above this are somebody's mischief, not a count.
const maxNumber = 1 << 53

func numberKey(key chatKey) string { return "number." + string(key.token) }

// count is what the bucket holds for a chat. The numbers that were taken last
// by durable commands stand beside it, so that a command gets the same one
// again if its replica dies before the journal has it, or wakes up too late.
type count struct {
	Next  uint64        `json:"next"`
	Bound []boundNumber `json:"bound,omitempty"`

	revision uint64
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
func (n *numbers) take(ctx context.Context, key chatKey, closed bool) (taken uint64, err error) {
	err = n.advance(ctx, key, closed, func(c count) count {
		taken = c.Next
		c.Next++
		return c
	})
	return taken, err
}

// takeFor is take for a durable command, which gets the same number again.
func (n *numbers) takeFor(ctx context.Context, key chatKey, closed bool, command string) (taken uint64, err error) {
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
func (n *numbers) raise(ctx context.Context, key chatKey, least uint64) error {
	return n.advance(ctx, key, false, func(c count) count {
		c.Next = max(c.Next, least)
		return c
	})
}

// retire lets the number expire with the chat that has been closed.
func (n *numbers) retire(ctx context.Context, key chatKey) error {
	return n.advance(ctx, key, true, func(c count) count { return c })
}

func (n *numbers) advance(ctx context.Context, key chatKey, expires bool, step func(count) count) error {
	ctx, cancel := context.WithTimeout(ctx, answerPatience)
	defer cancel()
	done, err := n.turn(ctx, key)
	if err != nil {
		return err
	}
	defer done()
	var keep time.Duration
	if expires {
		keep = n.keep
	}
	for {
		found, err := n.read(ctx, key)
		if err != nil {
			return err
		}
		value, err := json.Marshal(step(found))
		if err != nil {
			return err
		}
		_, err = update(ctx, n.js, n.bucket, numberKey(key), value, found.revision, keep)
		if !isConflict(err) {
			return err
		}
		// Another command was faster, and has made progress.
	}
}

func (n *numbers) read(ctx context.Context, key chatKey) (count, error) {
	value, err := n.bucket.Get(ctx, numberKey(key))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return count{}, nil
	}
	if err != nil {
		return count{}, err
	}
	found := count{revision: value.Revision()}
	return found, json.Unmarshal(value.Value(), &found)
}
