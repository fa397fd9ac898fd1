package command

import (
	"context"

	"cc-connector/connector/internal/chats"
)

// A command's message number is taken while its record is made. If the
// command turns out to be a repeat, or nobody knows, it is given back.

// takenNumber is what became of taking it.
type takenNumber struct {
	n   *chats.Number
	err error
}

// takesNumber tells whether a command needs a number before anything else is done.
// One that moves a file needs none until that is there.
func (c *command) takesNumber() bool { return c.spec.MessageID && !movesFile[c.spec.Name] }

// takeNumber begins to take the command's number. What it returns is called when it
// is known whether the command runs: it waits for the number, and keeps it or gives
// it back.
func (c *Commands) takeNumber(ctx context.Context, cmd *command) (decide func(runs bool) *takenNumber) {
	if !cmd.takesNumber() {
		return func(bool) *takenNumber { return nil }
	}
	taking := make(chan takenNumber, 1)
	go func() {
		found, err := c.Chats.Know(ctx, cmd.chat)
		var n *chats.Number
		switch {
		case err != nil:
		case cmd.isDurable():
			n, err = c.Chats.BindNumber(ctx, cmd.chat, found.Closed, cmd.Key)
		default:
			n, err = c.Chats.TakeNumber(ctx, cmd.chat, found.Closed)
		}
		taking <- takenNumber{n, err}
	}()
	return func(runs bool) *takenNumber {
		taken := <-taking
		switch {
		case taken.err != nil:
		case runs:
			taken.n.Keep()
		default:
			taken.n.Return(c.Life.Work)
		}
		return &taken
	}
}

// liveNumber is the number of a live command: the one that was taken for it, if
// there is one.
func (c *Commands) liveNumber(ctx context.Context, chat chats.Key, closed bool, cmd *command) (uint64, error) {
	taken := cmd.number
	if taken == nil {
		n, err := c.Chats.TakeNumber(ctx, chat, closed)
		if err != nil {
			return 0, err
		}
		n.Keep()
		return n.Value(), nil
	}
	if taken.err != nil {
		return 0, taken.err
	}
	return taken.n.Value(), nil
}
