package chats

import (
	"context"
	"slices"
)

// Number is a message number that was taken for a command before it was known
// whether the command is to have one: its record is made at the same time, and
// may tell that it is a repeat. Until the number is kept or returned it is the
// chat's turn here of nobody else; so none that is returned leaves a hole.
type Number struct {
	numbers *numbers
	key     Key
	closed  bool
	value   uint64
	command string // the durable one that it is bound to; "" for a live one
	isOld   bool   // it was bound before
	isSpare bool   // somebody has had it, and returned it
	after   uint64 // revision of the count
	leave   func() // nil when it is settled
}

// take waits for the chat's turn.
func (n *numbers) take(ctx context.Context, key Key, closed bool) (*Number, error) {
	return n.takeBy(ctx, &Number{numbers: n, key: key, closed: closed}, func(taken *Number, c *count) {
		taken.value, taken.isSpare = c.take()
	})
}

// bind is take for a durable command, which gets the same one again.
func (n *numbers) bind(ctx context.Context, key Key, closed bool, command string) (*Number, error) {
	return n.takeBy(ctx, &Number{numbers: n, key: key, closed: closed, command: command}, func(taken *Number, c *count) {
		if taken.value, taken.isOld = c.adopt(command); !taken.isOld {
			taken.value, taken.isSpare = c.bind(command)
		}
	})
}

func (n *numbers) takeBy(ctx context.Context, taken *Number, take func(*Number, *count)) (*Number, error) {
	ctx, cancel := context.WithTimeout(ctx, numberPatience)
	defer cancel()
	leave, err := n.turns.enter(ctx, taken.key)
	if err != nil {
		return nil, err
	}
	after, err := n.advance(ctx, taken.key, taken.closed, func(t *tally) { take(taken, &t.count) })
	if err != nil {
		leave()
		return nil, err
	}
	taken.after, taken.leave = after.revision, leave
	return taken, nil
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
// is spare. If it cannot be known whether it was written back, nobody gets it.
func (n *Number) Return(ctx context.Context) {
	if n.leave == nil {
		return
	}
	defer n.Keep()
	if n.isOld {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, numberPatience)
	defer cancel()
	_, _ = n.numbers.advance(ctx, n.key, n.closed, n.giveBack)
}

// giveBack leaves a number where it is that somebody else has found bound.
func (n *Number) giveBack(t *tally) {
	switch {
	case n.command != "" && !t.unbind(n.command, n.value):
	case t.revision == n.after && !n.isSpare: // nobody has seen that it was taken
		t.Next = n.value
	default:
		t.Spare = append(slices.Clip(t.Spare), n.value)
		slices.Sort(t.Spare)
		t.Spare = t.Spare[max(0, len(t.Spare)-spareMost):]
	}
}
