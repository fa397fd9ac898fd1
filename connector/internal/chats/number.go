package chats

import (
	"context"
	"slices"

	"cc-connector/connector/internal/bus"
)

// Number is a message number that was taken for a command before it was known
// whether the command is to have one: its record is made at the same time, and
// may tell that it is a repeat. Until the number is kept or returned it is the
// chat's turn here of nobody else; so none that is returned leaves a hole.
type Number struct {
	numbers *numbers
	key     Key
	value   uint64
	before  count // to go back to; nothing to go back from at revision 0
	after   tally
	bound   bool // to a durable command, which others may know
	closed  bool
	leave   func() // nil when it is settled
}

// take waits for the chat's turn.
func (n *numbers) take(ctx context.Context, key Key, closed bool) (*Number, error) {
	return n.inTurn(ctx, key, closed, func(ctx context.Context, taken *Number) (err error) {
		if spare, isThere := n.takeSpare(key); isThere {
			taken.value = spare
			return nil
		}
		taken.after, err = n.advance(ctx, key, closed, func(t *tally) {
			taken.before, taken.value = t.count, t.Next
			t.Next++
		})
		return err
	})
}

// bind is take for a durable command. The number that it has already is not given back.
func (n *numbers) bind(ctx context.Context, key Key, closed bool, command string) (*Number, error) {
	return n.inTurn(ctx, key, closed, func(ctx context.Context, taken *Number) error {
		isNew := false
		after, err := n.advance(ctx, key, closed, func(t *tally) {
			_, isThere := t.boundTo(command)
			if taken.before = t.count; !isThere {
				t.bind(command)
			}
			taken.value, _ = t.boundTo(command)
			isNew = !isThere
		})
		taken.bound = true
		if isNew {
			taken.after = after
		}
		return err
	})
}

func (n *numbers) inTurn(ctx context.Context, key Key, closed bool, take func(context.Context, *Number) error) (*Number, error) {
	ctx, cancel := context.WithTimeout(ctx, numberPatience)
	defer cancel()
	leave, err := n.turns.enter(ctx, key)
	if err != nil {
		return nil, err
	}
	taken := &Number{numbers: n, key: key, closed: closed, leave: leave}
	if err := take(ctx, taken); err != nil {
		leave()
		return nil, err
	}
	return taken, nil
}

func (n *numbers) takeSpare(key Key) (uint64, bool) {
	t, _ := n.known.Get(key)
	if len(t.spare) == 0 {
		return 0, false
	}
	number := t.spare[0]
	t.spare = t.spare[1:]
	n.known.Add(key, t)
	return number, true
}

// Value is the number itself.
func (n *Number) Value() uint64 { return n.value }

// Keep says that the number is used, or may be.
func (n *Number) Keep() {
	if n.leave != nil {
		n.leave()
		n.leave = nil
	}
}

// Return says that the number is not used, and was told to nobody; after Keep it
// does nothing. If another replica has taken the next one meanwhile, the number
// is the next that is taken here. If it cannot be known whether it was written
// back, nobody gets it; nor one that is bound, of which another replica knows.
func (n *Number) Return(ctx context.Context) {
	if n.leave == nil {
		return
	}
	defer n.Keep()
	isNew := n.after.revision != 0
	if isNew && n.writeBack(ctx) || n.bound {
		return
	}
	t, _ := n.numbers.known.Get(n.key)
	t.spare = append(t.spare, n.value)
	n.numbers.known.Add(n.key, t)
}

// writeBack reports false if others have gone on.
func (n *Number) writeBack(ctx context.Context) bool {
	back := n.after
	if back.count = n.before; n.bound && n.value != n.before.Next { // it was spare
		back.spare = append(slices.Clip(back.spare), n.value)
	}
	err := n.numbers.save(ctx, n.key, &back, n.closed)
	if err != nil { // that there is no such number any more is not to be lost with the bucket
		n.numbers.doubt(n.key, n.after, n.after.spare)
	}
	return !bus.IsConflict(err)
}
