package chats

import (
	"context"

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
	after   tally // of the taking; at revision 0 for one that was spare
	closed  bool
	leave   func() // nil when it is settled
}

// take waits for the chat's turn.
func (n *numbers) take(ctx context.Context, key Key, closed bool) (*Number, error) {
	ctx, cancel := context.WithTimeout(ctx, numberPatience)
	defer cancel()
	leave, err := n.turns.enter(ctx, key)
	if err != nil {
		return nil, err
	}
	taken := &Number{numbers: n, key: key, closed: closed, leave: leave}
	if spare, isThere := n.takeSpare(key); isThere {
		taken.value = spare
		return taken, nil
	}
	if taken.after, err = n.advance(ctx, key, closed, (*tally).take); err != nil {
		leave()
		return nil, err
	}
	taken.value = taken.after.Next - 1
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
// back, nobody gets it.
func (n *Number) Return(ctx context.Context) {
	if n.leave == nil {
		return
	}
	defer n.Keep()
	if n.after.revision == 0 || !n.writeBack(ctx) {
		t, _ := n.numbers.known.Get(n.key)
		t.spare = append(t.spare, n.value)
		n.numbers.known.Add(n.key, t)
	}
}

// writeBack reports false if others have gone on.
func (n *Number) writeBack(ctx context.Context) bool {
	before := n.after
	before.Next = n.value
	err := n.numbers.save(ctx, n.key, &before, n.closed)
	if err != nil { // that there is no such number any more is not to be lost with the bucket
		n.numbers.doubt(n.key, n.after, n.after.spare)
	}
	return !bus.IsConflict(err)
}
